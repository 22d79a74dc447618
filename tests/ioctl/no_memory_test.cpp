// SPDX-License-Identifier: GPL-2.0-only
// Each allocation fails once, at every place where the module or the monitor asks for memory: the call fails cleanly, or does
// without; nothing is lost, and what stays in use goes on to work. tests/system/no_memory.sh looks after what is lost.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <utility>

#include "check.h"
#include "include/ring1/api.h"
#include "machine.h"
#include "no_memory.h"
#include "tests/flat_segment.h"

using namespace ring1::ioctl_test;
using ring1::flat;

namespace {

constexpr uint32_t kBytes = 0x100000, kLog = 0x1000000;
constexpr uint32_t kCode = 0x1000, kStack = 0x2000, kDirectory = 0x10000, kTables = 0x20000, kPages = 0x80000;
constexpr unsigned kDirectoryEntries = 32, kFrames = 64;
constexpr uint32_t kStep = 0x401000;
constexpr uint32_t kPaePointers = 0x11000, kPaeDirectory = 0x12000;
enum Paging { kLegacy, kPae };

// Reads a word of a page and calls the RET there, under each directory entry; then the port, and once more.
constexpr uint8_t kProgram[] = {
    0xbe, 0x00, 0x10, 0x40, 0x00,        // mov esi, kStep
    0x8b, 0x06,                          // 1: mov eax, [esi]
    0x89, 0x46, 0x04,                    // mov [esi + 4], eax
    0xff, 0xd6,                          // call esi
    0x81, 0xc6, 0x00, 0x10, 0x40, 0x00,  // add esi, kStep
    0x81, 0xfe, 0x00, 0x00, 0xc0, 0x07,  // cmp esi, (kDirectoryEntries - 1) << 22
    0x72, 0xeb,                          // jb 1b
    0xe6, 0x80,                          // out 0x80, al
    0xeb, 0xe2,                          // jmp from the start
};

// Each table maps its own frames in another order.
template <class Entry>
void fill_tables(uint8_t* memory) {
  constexpr uint32_t kEntries = 4096 / sizeof(Entry);
  for (uint32_t i = 0; i < kDirectoryEntries; i++) {
    auto* table = reinterpret_cast<Entry*>(memory + kTables + i * 0x1000);
    for (uint32_t j = 0; j < kEntries; j++) table[j] = ((i ? kPages : 0) + (i ? (i + j) % kFrames : j) * 0x1000) | 7;
  }
}

void fill(uint8_t* memory, Paging paging) {
  std::memset(memory, 0, kBytes);
  std::memcpy(memory + kCode, kProgram, sizeof kProgram);
  std::memset(memory + kPages, 0xc3, kFrames * 4096);
  auto* directory = reinterpret_cast<uint32_t*>(memory + kDirectory);
  auto* pae_directory = reinterpret_cast<uint64_t*>(memory + kPaeDirectory);
  *reinterpret_cast<uint64_t*>(memory + kPaePointers) = kPaeDirectory | 1;
  for (uint32_t i = 0; i < kDirectoryEntries; i++) {
    directory[i] = (kTables + i * 0x1000) | 7;
    pae_directory[2 * i] = (kTables + i * 0x1000) | 7;
  }
  paging == kPae ? fill_tables<uint64_t>(memory) : fill_tables<uint32_t>(memory);
}

// Whatever may fail answers; nothing is checked on the way.
struct Fragile {
  Fd device{-1}, vm{-1}, vcpu{-1};
  kvm_run* shared = nullptr;
  size_t size = 0;
  Fragile() = default;
  Fragile(const Fragile&) = delete;
  ~Fragile() {
    if (shared) munmap(shared, size);
  }

  long create(const Memory& memory) {
    device.adopt(open(options.device, O_RDWR | O_CLOEXEC));
    if (device.get() < 0) return -errno;
    vm.adopt(device.call(KVM_CREATE_VM, options.machine_type));
    if (vm.get() < 0) return vm.get();
    if (const long error = vm.call(KVM_SET_TSS_ADDR, 0xfffbd000ul)) return error;
    kvm_userspace_memory_region region = {0, 0, 0, kBytes, memory.address()};
    if (const long error = vm.call(KVM_SET_USER_MEMORY_REGION, &region)) return error;
    if (const long error = vm.call(KVM_CREATE_IRQCHIP)) return error;
    kvm_pit_config config = {};
    if (const long error = vm.call(KVM_CREATE_PIT2, &config)) return error;
    vcpu.adopt(vm.call(KVM_CREATE_VCPU, 0ul));
    if (vcpu.get() < 0) return vcpu.get();
    size = static_cast<size_t>(device.call(KVM_GET_VCPU_MMAP_SIZE));
    void* area = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu.get(), 0);
    if (area == MAP_FAILED) return -errno;
    shared = static_cast<kvm_run*>(area);
    return 0;
  }

  long start(Paging paging) {
    kvm_sregs sregs;
    if (const long error = vcpu.call(KVM_GET_SREGS, &sregs)) return error;
    sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = flat(16, 3);
    sregs.cs = flat(8, 11);
    sregs.cr0 = 0x80000011;
    sregs.cr3 = paging == kPae ? kPaePointers : kDirectory;
    sregs.cr4 = paging == kPae ? 0x20 : 0;
    if (const long error = vcpu.call(KVM_SET_SREGS, &sregs)) return error;
    kvm_regs regs = {};
    regs.rip = kCode;
    regs.rsp = kStack;
    regs.rflags = 2;
    return vcpu.call(KVM_SET_REGS, &regs);
  }

  // To the port. A VM that ended for want of memory, or never began, has failed cleanly.
  long run() {
    if (const long error = vcpu.call(KVM_RUN)) return error;
    if (shared->exit_reason == KVM_EXIT_INTERNAL_ERROR && shared->internal.suberror != KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON)
      return -ENOMEM;
    if (shared->exit_reason == KVM_EXIT_FAIL_ENTRY) return -static_cast<long>(shared->fail_entry.hardware_entry_failure_reason);
    if (shared->exit_reason == KVM_EXIT_IO && shared->io.port == 0x80) return 0;
    std::printf("  exit %u\n", shared->exit_reason);
    return -EPROTO;
  }
};

// Most of a machine's hundreds of allocations are pages like those before and behind: STRIDE in the environment leaves some out.
unsigned stride() {
  const char* text = std::getenv("STRIDE");
  return text && std::atoi(text) > 0 ? static_cast<unsigned>(std::atoi(text)) : 1;
}

void ring1_only() {
  SKIP_UNLESS(Device().is_ring1(), "a promise of ours");
}

long whole_life(const Memory& memory) {
  Fragile machine;
  if (const long error = machine.create(memory)) return error;
  if (!options.guest) return 0;
  if (const long error = machine.start(kLegacy)) return error;
  return machine.run();
}

struct Standing {
  Memory memory{kBytes}, more{kLog};
  Fragile machine;
  explicit Standing(Paging paging = kLegacy) {
    fill(memory.data(), paging);
    CHECK_EQ(machine.create(memory), 0);
    CHECK_EQ(machine.start(paging), 0);
  }
};

long read_statistics(const Fd& of) {
  const Fd file(static_cast<int>(of.call(KVM_GET_STATS_FD)));
  char bytes[4096];
  if (file.get() < 0) return file.get();
  return read(file.get(), bytes, sizeof bytes) < 0 ? -errno : 0;
}

long dirty_log(Standing& standing) {
  kvm_userspace_memory_region region = {1, KVM_MEM_LOG_DIRTY_PAGES, 0x1000000, kLog, standing.more.address()};
  if (const long error = standing.machine.vm.call(KVM_SET_USER_MEMORY_REGION, &region)) return error;
  uint8_t bits[kLog / 4096 / 8];
  kvm_dirty_log log = {};
  log.slot = 1;
  log.dirty_bitmap = bits;
  const long result = standing.machine.vm.call(KVM_GET_DIRTY_LOG, &log);
  region.memory_size = 0;
  const long removed = standing.machine.vm.call(KVM_SET_USER_MEMORY_REGION, &region);
  return result ? result : removed;
}

long one_is_done(long result) { return result == 1 ? 0 : result < 0 ? result : -EPROTO; }

long read_file(const char* path) {
  const Fd file(open(path, O_RDONLY | O_CLOEXEC));
  char bytes[4096];
  if (file.get() < 0) return -errno;
  return read(file.get(), bytes, sizeof bytes) < 0 ? -errno : 0;
}

}  // namespace

TEST(no_memory_for_a_machine) {
  ring1_only();
  const Memory memory(kBytes);
  fill(memory.data(), kLegacy);
  const unsigned failed = fail_each(NoMemory::kOnce, "a machine's life", [&] { return whole_life(memory); }, stride());
  CHECK(failed * stride() > 100);
}

TEST(no_memory_from_some_time_on) {
  ring1_only();
  const Memory memory(kBytes);
  fill(memory.data(), kLegacy);
  fail_each(NoMemory::kFromThenOn, "a machine's life", [&] { return whole_life(memory); }, stride());
}

// The guest goes on, or its VM ends; then another one runs.
TEST(no_memory_for_a_running_guest) {
  ring1_only();
  SKIP_UNLESS(options.guest, "no guest code wanted");
  const std::pair<NoMemory::How, Paging> kinds[] = {
      {NoMemory::kOnce, kLegacy}, {NoMemory::kOnce, kPae}, {NoMemory::kFromThenOn, kLegacy}, {NoMemory::kFromThenOn, kPae}};
  for (const auto& [how, paging] : kinds) {
    const NoMemory failing(how);
    unsigned n = 1;
    for (bool failed = true; failed; n += stride()) {
      restart_alarm();
      Standing standing(paging);
      failing.arm(n);
      const long result = standing.machine.run();
      failed = failing.disarm();
      if (failed ? !is_clean_failure(result) : result != 0) {
        std::printf("  allocation %u\n", n);
        CHECK_EQ(result, 0);
      }
      if (result == 0) CHECK_EQ(standing.machine.run(), 0);
    }
    std::printf("  a running guest: %u allocations failed\n", (n - 1) / stride() - 1);
    CHECK(n > 50);
  }
}

TEST(no_memory_for_state) {
  ring1_only();
  Standing standing;
  const Fd &vm = standing.machine.vm, &vcpu = standing.machine.vcpu, &device = standing.machine.device;
  CpuidList cpuid;
  List<kvm_msrs, kvm_msr_entry, 1> msrs;
  List<kvm_irq_routing, kvm_irq_routing_entry, 1> routing;
  kvm_regs regs;
  kvm_sregs sregs;
  kvm_fpu fpu;
  kvm_lapic_state apic;
  kvm_irqchip chip = {};
  kvm_pit_state2 pit;
  kvm_vcpu_events events;
  kvm_debugregs debug;
  ring1_engine_info engine = {};
  ring1_vm_sched sched = {};
  const auto once = NoMemory::kOnce;
  cpuid.head().nent = 200;
  CHECK_EQ(vm.call(kGetSupportedCpuid, cpuid.address()), 0);
  msrs.head().nmsrs = 1;
  msrs.entries()[0].index = 0x10;
  routing.head().nr = 1;
  routing.entries()[0].gsi = 4;
  routing.entries()[0].type = KVM_IRQ_ROUTING_IRQCHIP;
  routing.entries()[0].u.irqchip = {KVM_IRQCHIP_IOAPIC, 4};
  fail_each(once, "KVM_GET_SUPPORTED_CPUID", [&] { return cpuid.head().nent = 200, vm.call(kGetSupportedCpuid, cpuid.address()); });
  fail_each(once, "KVM_SET_CPUID2", [&] { return vcpu.call(kSetCpuid2, cpuid.address()); });
  fail_each(once, "KVM_GET_CPUID2", [&] { return cpuid.head().nent = 200, vcpu.call(kGetCpuid2, cpuid.address()); });
  fail_each(once, "KVM_GET_MSRS", [&] { return one_is_done(vcpu.call(kGetMsrs, msrs.address())); });
  fail_each(once, "KVM_SET_MSRS", [&] { return one_is_done(vcpu.call(kSetMsrs, msrs.address())); });
  fail_each(once, "KVM_SET_GSI_ROUTING", [&] { return vm.call(kSetGsiRouting, routing.address()); });
  fail_each(once, "KVM_GET_REGS", [&] { return vcpu.call(KVM_GET_REGS, &regs); });
  fail_each(once, "KVM_SET_REGS", [&] { return vcpu.call(KVM_SET_REGS, &regs); });
  fail_each(once, "KVM_GET_SREGS", [&] { return vcpu.call(KVM_GET_SREGS, &sregs); });
  fail_each(once, "KVM_SET_SREGS", [&] { return vcpu.call(KVM_SET_SREGS, &sregs); });
  fail_each(once, "KVM_GET_FPU", [&] { return vcpu.call(KVM_GET_FPU, &fpu); });
  fail_each(once, "KVM_SET_FPU", [&] { return vcpu.call(KVM_SET_FPU, &fpu); });
  fail_each(once, "KVM_GET_LAPIC", [&] { return vcpu.call(KVM_GET_LAPIC, &apic); });
  fail_each(once, "KVM_SET_LAPIC", [&] { return vcpu.call(KVM_SET_LAPIC, &apic); });
  fail_each(once, "KVM_GET_IRQCHIP", [&] { return vm.call(KVM_GET_IRQCHIP, &chip); });
  fail_each(once, "KVM_SET_IRQCHIP", [&] { return vm.call(KVM_SET_IRQCHIP, &chip); });
  fail_each(once, "KVM_GET_PIT2", [&] { return vm.call(KVM_GET_PIT2, &pit); });
  fail_each(once, "KVM_SET_PIT2", [&] { return vm.call(KVM_SET_PIT2, &pit); });
  fail_each(once, "KVM_GET_VCPU_EVENTS", [&] { return vcpu.call(KVM_GET_VCPU_EVENTS, &events); });
  fail_each(once, "KVM_SET_VCPU_EVENTS", [&] { return vcpu.call(KVM_SET_VCPU_EVENTS, &events); });
  fail_each(once, "KVM_GET_DEBUGREGS", [&] { return vcpu.call(KVM_GET_DEBUGREGS, &debug); });
  fail_each(once, "KVM_SET_DEBUGREGS", [&] { return vcpu.call(KVM_SET_DEBUGREGS, &debug); });
  fail_each(once, "RING1_GET_ENGINE_INFO", [&] { return device.call(RING1_GET_ENGINE_INFO, &engine); });
  fail_each(once, "RING1_GET_SCHED", [&] { return vm.call(RING1_GET_SCHED, &sched); });
  fail_each(once, "statistics of the VM", [&] { return read_statistics(vm); });
  fail_each(once, "statistics of the vCPU", [&] { return read_statistics(vcpu); });
  fail_each(once, "dirty log", [&] { return dirty_log(standing); });
  if (options.guest) CHECK_EQ(standing.machine.run(), 0);
}

TEST(no_memory_for_files) {
  ring1_only();
  SKIP_UNLESS(access("/sys/kernel/debug/ring1", R_OK) == 0, "debugfs is not mounted");
  Standing standing;
  for (const char* name : {"stats", "sched", "log"}) {
    char path[100];
    std::snprintf(path, sizeof path, "/sys/kernel/debug/ring1/%d-%d/%s", getpid(), standing.machine.vm.get(), name);
    fail_each(NoMemory::kOnce, name, [&] { return read_file(path); });
  }
}
