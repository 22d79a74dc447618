// SPDX-License-Identifier: GPL-2.0-only
// Hostile guests, beside one that keeps account of its memory. Nobody but the guests writes their memory, so that the monitor may
// check its shadow tables against theirs (check_mmu); unless the VMM is to write over code, stacks and tables: between their turns,
// and from a thread while they run.
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "guest_machine.h"
#include "hostile_code.h"
#include "left_out.h"
#include "worker.h"

namespace ring1::fuzz {
namespace {

using Layout = HostileLayout;

constexpr unsigned kHostile = 2, kThreads = kHostile + 2, kPatience = 3, kRunsEach = 60;
constexpr long kSignalEvery = 4000;  // microseconds
constexpr uint64_t kTurns = 100;  // of a guest's seed: what is done to it, behind what it is made of
constexpr uint16_t kRound = 0x80, kWrong = 0x81;

// Each word of 128 KiB is what the last round left. From 0: mov edi, 0x40000; 1: cmp [edi], ebx; jne 2f; inc dword [edi];
// add edi, 4; cmp edi, 0x60000; jb 1b; inc ebx; out 0x80, al; jmp 0; 2: out 0x81, al; hlt
struct Kept {
  static constexpr uint32_t kCode = 0x1000, kBegin = 0x40000, kEnd = 0x60000;
};
constexpr uint8_t kKeeper[] = {0xbf, 0, 0, 4, 0, 0x39, 0x1f, 0x75, 0x12, 0xff, 0x07, 0x83, 0xc7, 4, 0x81, 0xff,
                               0, 0, 6, 0, 0x72, 0xef, 0x43, 0xe6, 0x80, 0xeb, 0xe5, 0xe6, 0x81, 0xf4};

struct Actor {
  Worker worker;
  unsigned long machine_type;
  GuestMachine* machine;
  std::atomic<int> task;
};
Actor* actors[kThreads];
bool written_by_vmm;

void check_panic(const GuestMachine& machine) {
  if (machine.shared->exit_reason == KVM_EXIT_INTERNAL_ERROR &&
      machine.shared->internal.suberror == KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON)
    trail->fail("a guest made the monitor panic");
}

void report_keeper(const GuestMachine& machine, long result) {
  kvm_regs regs = {};
  ioctl(machine.vcpu, KVM_GET_REGS, &regs);
  const auto word_at = [&](uint64_t address) {
    uint32_t word = 0;
    if (address + sizeof word <= machine.size) std::memcpy(&word, machine.memory + address, sizeof word);
    return word;
  };
  unsigned wrong = 0;
  for (uint32_t address = Kept::kBegin; address < Kept::kEnd; address += 4) {
    const uint32_t expected = static_cast<uint32_t>(regs.rbx) + (address < regs.rdi);
    wrong += word_at(address) != expected;
  }
  const unsigned reason = machine.shared->exit_reason;
  trail->fail(
      "the guest beside them has lost something: KVM_RUN %ld, exit %u (%u), eip %llx eflags %llx ebx %llx edi %llx esp %llx eax %llx, [edi] %x, "
      "first %x last %x, %u words are wrong, code %s",
      result, reason, reason == KVM_EXIT_IO ? machine.shared->io.port : machine.shared->internal.suberror, regs.rip, regs.rflags, regs.rbx,
      regs.rdi, regs.rsp, regs.rax, word_at(regs.rdi), word_at(Kept::kBegin), word_at(Kept::kEnd - 4), wrong,
      std::memcmp(machine.memory + Kept::kCode, kKeeper, sizeof kKeeper) ? "is changed" : "as it was");
}

void* keep(void* argument) {
  auto& actor = *static_cast<Actor*>(argument);
  GuestMachine& machine = *actor.machine;
  std::memcpy(machine.memory + Kept::kCode, kKeeper, sizeof kKeeper);
  if (!machine.create(false, false)) return trail->fail("no machine for the guest beside them"), nullptr;
  machine.start(Kept::kCode, Kept::kCode);
  actor.task = static_cast<int>(syscall(SYS_gettid));  // from now on signals come
  while (!trail->stop) {
    const long result = machine.run();
    if (result == -EINTR) continue;
    if (result || machine.shared->exit_reason != KVM_EXIT_IO || machine.shared->io.port != kRound) {
      report_keeper(machine, result);
      return nullptr;
    }
    trail->kept++;
  }
  return nullptr;
}

void set_tables(Random& random, int vcpu) {
  kvm_sregs sregs;
  if (ioctl(vcpu, KVM_GET_SREGS, &sregs)) return;
  sregs.gdt = {Layout::kGdt, static_cast<uint16_t>(8 * Layout::kDescriptors - 1), {}};
  sregs.idt = {Layout::kIdt, 0x7ff, {}};
  sregs.tr = {.base = Layout::kTss, .limit = 0x67, .selector = 0x28, .type = 11, .present = 1};
  sregs.ldt = {.base = Layout::kLdt, .limit = 8 * Layout::kDescriptors - 1, .selector = 0x30, .type = 2, .present = 1};
  const uint64_t paging = random.below(4), cr4 = random.next() & 0x7ff;
  const uint64_t cr0 = random.one_in(8) ? random.next() & 0x60010026 : 0;
  switch (left_out(kRegisters) ? 3 : paging) {
    case 0: sregs.cr0 |= 0x80000000, sregs.cr4 = 0x10, sregs.cr3 = Layout::kDirectory; break;
    case 1: sregs.cr0 |= 0x80000000, sregs.cr4 = 0x30, sregs.cr3 = Layout::kDirectoryPointers; break;
    case 2: sregs.cr4 = cr4; break;
    default: break;
  }
  if (!left_out(kRegisters)) sregs.cr0 |= cr0;
  ioctl(vcpu, KVM_SET_SREGS, &sregs);
}

void set_registers(Random& random, int vcpu) {
  kvm_regs regs = {};
  for (auto* each : {&regs.rax, &regs.rbx, &regs.rcx, &regs.rdx, &regs.rsi, &regs.rdi, &regs.rbp})
    *each = (random.one_in(2) ? random.next() : Layout::kData + random.below(Layout::kDataSize)) & 0xffffffff;
  regs.rsp = Layout::kStackTop - 4 * random.below(64);
  regs.rip = Layout::kCode + random.below(Layout::kCodeSize - 64);
  regs.rflags = 2 | (random.one_in(2) ? 0x200 : 0) | (random.one_in(8) ? random.next() & 0x1f4dd5 : 0);
  if (left_out(kRegisters)) regs = {.rsp = Layout::kStackTop, .rip = Layout::kCode, .rflags = 2};
  ioctl(vcpu, KVM_SET_REGS, &regs);
}

void send_event(Random& random, const GuestMachine& machine) {
  kvm_interrupt interrupt = {static_cast<uint32_t>(random.below(256))};
  kvm_irq_level line = {{static_cast<uint32_t>(random.below(24))}, static_cast<uint32_t>(random.below(2))};
  switch (random.below(3)) {
    case 0: ioctl(machine.vcpu, KVM_INTERRUPT, &interrupt); break;
    case 1: ioctl(machine.vcpu, KVM_NMI, 0); break;
    default: ioctl(machine.vm, KVM_IRQ_LINE, &line); break;
  }
}

void answer(Random& random, const GuestMachine& machine) {
  kvm_run* run = machine.shared;
  const uint64_t any = random.next();
  if (run->exit_reason == KVM_EXIT_IO && run->io.direction == KVM_EXIT_IO_IN)
    std::memcpy(reinterpret_cast<uint8_t*>(run) + run->io.data_offset, &any, run->io.size);
  if (run->exit_reason == KVM_EXIT_MMIO) std::memcpy(run->mmio.data, &any, sizeof any);
}

// Until it has been interrupted some times, died, or had its share.
void run_hostile(Worker& worker, GuestMachine& machine, uint64_t seed) {
  Random of_events(derived(seed, kTurns + 1)), of_writes(derived(seed, kTurns + 2));
  unsigned interrupted = 0;
  for (unsigned i = 0; i < kRunsEach && interrupted < kPatience && !trail->stop; i++) {
    Step& step = worker.begin("guest", seed, i);
    const long result = machine.run();
    step.result = result;
    trail->runs++;
    if (result == -EINTR) {
      interrupted++;
    } else if (result) {
      return machine.destroy();
    } else {
      trail->exits++;
      trail->reasons[machine.shared->exit_reason % Trail::kReasons]++;
      step.arguments[2] = machine.shared->exit_reason;
      check_panic(machine);
      if (machine.shared->exit_reason == KVM_EXIT_SHUTDOWN || machine.shared->exit_reason == KVM_EXIT_INTERNAL_ERROR) return;
      answer(worker.random, machine);
    }
    if (!left_out(kEvents) && of_events.one_in(4)) send_event(of_events, machine);
    if (written_by_vmm && !left_out(kVmmWrites) && of_writes.one_in(4)) change_hostile(of_writes, machine.memory);
  }
}

void* be_hostile(void* argument) {
  auto& actor = *static_cast<Actor*>(argument);
  Random& random = actor.worker.random;
  GuestMachine& machine = *actor.machine;
  actor.task = static_cast<int>(syscall(SYS_gettid));
  for (uint64_t i = 0; !trail->stop; i++) {
    const uint64_t seed = derived(actor.worker.seed, i);
    Random content(seed);
    random = Random(derived(seed, kTurns));
    const bool from_new = !random.one_in(3);
    if (!machine.is_there() || random.one_in(8) || (from_new && !written_by_vmm)) machine.create(random.one_in(2), random.one_in(4));
    if (!machine.is_there()) continue;
    if (from_new) make_hostile(seed, machine.memory);
    machine.start(Layout::kCode, Layout::kStackTop);
    set_tables(content, machine.vcpu);
    set_registers(content, machine.vcpu);
    run_hostile(actor.worker, machine, seed);
  }
  return nullptr;
}

void* scribble_always(void* argument) {
  auto& actor = *static_cast<Actor*>(argument);
  while (!trail->stop) change_hostile(actor.worker.random, actors[actor.worker.random.below(kHostile)]->machine->memory);
  return nullptr;
}

}  // namespace

void run_guest_generation(uint64_t seed, unsigned long machine_type, bool scribbling) {
  install_handlers();
  written_by_vmm = scribbling;
  void* (*const functions[kThreads])(void*) = {be_hostile, be_hostile, keep, scribble_always};
  for (unsigned i = 0; i < kThreads; i++) {
    GuestMachine* machine = i <= kHostile ? new GuestMachine(machine_type, Layout::kMemory) : nullptr;
    actors[i] = new Actor{Worker(i, derived(seed, i)), machine_type, machine, 0};
  }
  const bool scribbler = scribbling && !left_out(kVmmWrites);
  for (unsigned i = 0; i < (scribbler ? kThreads : kThreads - 1); i++) {
    pthread_t thread;
    pthread_create(&thread, nullptr, functions[i], actors[i]);
  }
  Random random(derived(seed, 1000));
  while (!trail->stop) {
    usleep(kSignalEvery);
    if (const int task = actors[random.below(kHostile + 1)]->task) syscall(SYS_tkill, task, SIGUSR1);
  }
  _exit(0);
}

}  // namespace ring1::fuzz
