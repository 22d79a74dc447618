// SPDX-License-Identifier: GPL-2.0-only
// How long the host's interrupts wait for the monitor, whatever guest and caller do. The statistic `longest_stay` is in
// cycles of the TSC; where those count instructions (--counted) it has a limit.
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "check.h"
#include "include/ring1/api.h"
#include "machine.h"
#include "tests/flat_segment.h"

using namespace ring1::ioctl_test;
using ring1::flat;

namespace {

constexpr uint64_t kLimit = 100000;
constexpr uint32_t kMiB = 1u << 20;

// The guest's memory, and what lies where in it. The stack is below the code.
constexpr uint32_t kMemory = 32 * kMiB, kCode = 0x10000, kIdt = 0x20000, kTable = 0x30000, kDirectory = 0x40000,
                   kOther = 0x50000;

uint64_t statistic(const Vcpu& vcpu, const char* wanted) {
  const Fd fd(static_cast<int>(vcpu.call(KVM_GET_STATS_FD)));
  kvm_stats_header header;
  CHECK_EQ(pread(fd.get(), &header, sizeof header, 0), sizeof header);
  const size_t size = kStatsDescSize + header.name_size;
  std::vector<char> entry(size);
  for (uint32_t i = 0; i < header.num_desc; i++) {
    CHECK_EQ(pread(fd.get(), entry.data(), size, header.desc_offset + i * size), size);
    if (std::strcmp(entry.data() + kStatsDescSize, wanted) != 0) continue;
    kvm_stats_desc desc;
    std::memcpy(&desc, entry.data(), kStatsDescSize);
    uint64_t value = 0;
    CHECK_EQ(pread(fd.get(), &value, sizeof value, header.data_offset + desc.offset), sizeof value);
    return value;
  }
  CHECK(!"there is such a statistic");
  return 0;
}

int make_chips(const Vm& vm, bool chips) {
  if (chips) CHECK_EQ(vm.call(KVM_CREATE_IRQCHIP), 0);
  return 0;
}

// Flat 32-bit code of ring 0 at kCode, no paging.
class Guest {
 public:
  Guest(const char* begin, const char* end, bool chips = false) : memory(kMemory), chips_(make_chips(vm, chips)), vcpu(vm) {
    CHECK_EQ(vm.set_region(0, 0, memory, kMemory), 0);
    std::memcpy(memory.data() + kCode, begin, static_cast<size_t>(end - begin));
    kvm_sregs sregs = vcpu.sregs();
    sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = flat(16, 3);
    sregs.cs = flat(8, 11);
    sregs.idt.base = kIdt;
    sregs.idt.limit = 0x7ff;
    sregs.gdt.base = kTable;
    sregs.gdt.limit = 23;
    sregs.cr0 |= 1;
    CHECK_EQ(vcpu.call(KVM_SET_SREGS, &sregs), 0);
    const uint64_t gdt[3] = {0, 0x00cf9b000000ffff, 0x00cf93000000ffff};
    std::memcpy(memory.data() + kTable, gdt, sizeof gdt);
    kvm_regs regs = {};
    regs.rip = regs.rsp = kCode;
    regs.rflags = 2;
    CHECK_EQ(vcpu.call(KVM_SET_REGS, &regs), 0);
  }
  uint32_t* words(uint32_t address) { return reinterpret_cast<uint32_t*>(memory.data() + address); }
  void trap_gate(unsigned vector, uint32_t handler) {
    words(kIdt)[2 * vector] = 8 << 16 | (handler & 0xffff);
    words(kIdt)[2 * vector + 1] = (handler & 0xffff0000) | 0x8f00;
  }
  // 4 MiB at 0 mapped as they are; `rest` for all other entries of the directory.
  void enable_paging(uint32_t rest) {
    words(kDirectory)[0] = 0x87;
    for (unsigned i = 1; i < 1024; i++) words(kDirectory)[i] = rest;
    kvm_sregs sregs = vcpu.sregs();
    sregs.cr3 = kDirectory;
    sregs.cr4 |= 0x10;
    sregs.cr0 |= 0x80000000;
    CHECK_EQ(vcpu.call(KVM_SET_SREGS, &sregs), 0);
  }
  // Until its next OUT.
  void run() {
    CHECK_EQ(vcpu.run(), 0);
    CHECK_EQ(vcpu.shared->exit_reason, KVM_EXIT_IO);
  }
  // It never leaves by itself: a signal makes it.
  void run_for_ever() {
    struct sigaction action = {};
    action.sa_handler = [](int) {};
    sigaction(SIGALRM, &action, nullptr);
    itimerval turn = {{0, 100000}, {0, 100000}};
    setitimer(ITIMER_REAL, &turn, nullptr);
    CHECK_EQ(vcpu.run(), -EINTR);
    turn = {};
    setitimer(ITIMER_REAL, &turn, nullptr);
  }
  ~Guest() {
    const uint64_t stay = statistic(vcpu, "longest_stay");
    std::printf("  longest stay %llu, %llu polls\n", static_cast<unsigned long long>(stay),
                static_cast<unsigned long long>(statistic(vcpu, "polls")));
    CHECK(stay > 0);
    if (options.counted) CHECK(stay < kLimit);
  }

  Memory memory;
  Vm vm;

 private:
  int chips_;

 public:
  Vcpu vcpu;
};

void needs_guest() { SKIP_UNLESS(options.guest, "no guest code wanted"); }

}  // namespace

#define CODE(name, text)                                                                                       \
  asm(".pushsection .rodata\n.code32\nstay_" #name "_begin:\n" text "\nstay_" #name "_end:\n.code64\n.popsection"); \
  extern "C" const char stay_##name##_begin[], stay_##name##_end[];
#define CODE_OF(name) stay_##name##_begin, stay_##name##_end

CODE(out, "out %al, $0x42\n out %al, $0x42\n out %al, $0x42\n out %al, $0x42")
CODE(loop, "1: jmp 1b")
CODE(rep, "cld\n mov $0x40000, %edi\n mov $0x4000, %ecx\n mov %eax, %cr3\n rep stosl\n out %al, $0x42")
CODE(load_tables, "lgdt 0x1000\n lldt %ax\n out %al, $0x42\n lgdt 0x1000\n out %al, $0x42")
CODE(load_cr3, "mov %ebx, %cr3\n out %al, $0x42\n mov %edx, %cr3\n out %al, $0x42\n mov %ebx, %cr3\n out %al, $0x42")
// Writes through the directory that is its own page table, then all over the upper half of it.
CODE(itself, "mov $0xfffff800, %edi\n 1: mov (%edi), %eax\n mov %eax, (%edi)\n add $4, %edi\n cmp $0xffffffc0, %edi\n jb 1b\n"
             "mov $0xffc00000, %edi\n 2: mov (%edi), %eax\n add $0x1000, %edi\n jnz 2b\n"
             "mov $0x40f00, %edi\n 3: movl $0, (%edi)\n add $4, %edi\n cmp $0x41000, %edi\n jb 3b\n out %al, $0x42")
// Reads %ecx pages from 4 MiB on, all of them one page, and then calls that page.
CODE(everywhere, "mov $0x400000, %edi\n 1: mov (%edi), %eax\n add $0x1000, %edi\n loop 1b\n call *%edx\n out %al, $0x42")
// Runs through %ecx jumps, each a unit; then the paging mode changes.
CODE(units, "call *%edx\n out %al, $0x42\n mov %cr4, %eax\n xor $0x10, %al\n mov %eax, %cr4\n call *%ebx\n out %al, $0x42")

TEST(stay_forget) {
  needs_guest();
  constexpr uint64_t kBig = 2ull << 30;
  Guest guest(CODE_OF(out));
  Memory big(kBig);
  CHECK_EQ(guest.vm.set_region(1, 0x40000000, big, kBig), 0);
  guest.run();
  CHECK_EQ(guest.vm.set_region(1, 0x40000000, big, 0), 0);
  guest.run();
}

TEST(stay_log_dirty) {
  needs_guest();
  Guest guest(CODE_OF(out));
  constexpr uint64_t kBig = 2ull << 30;
  Memory big(kBig);
  guest.run();
  CHECK_EQ(guest.vm.set_region(1, 0x40000000, big, kBig, KVM_MEM_LOG_DIRTY_PAGES), 0);
  std::vector<uint64_t> bits(kBig / 4096 / 64);
  kvm_dirty_log log = {};
  log.slot = 1;
  log.dirty_bitmap = bits.data();
  CHECK_EQ(guest.vm.call(KVM_GET_DIRTY_LOG, &log), 0);
  guest.run();
  CHECK_EQ(guest.vm.set_region(1, 0x40000000, big, 0), 0);
}

TEST(stay_descriptor_tables) {
  needs_guest();
  Guest guest(CODE_OF(load_tables));
  for (uint32_t at = 0; at < 0x10000; at += 8) std::memcpy(guest.memory.data() + kMiB + at, guest.memory.data() + kTable + 16, 8);
  const uint8_t gdtr[6] = {0xff, 0xff, 0, 0, 0x10, 0};
  std::memcpy(guest.memory.data() + 0x1000, gdtr, sizeof gdtr);
  kvm_sregs sregs = guest.vcpu.sregs();
  sregs.gdt.base = kMiB;
  sregs.gdt.limit = 0xffff;
  CHECK_EQ(guest.vcpu.call(KVM_SET_SREGS, &sregs), 0);
  guest.words(kMiB)[2] = 0xffff;  // selector 8: an LDT of 64 KiB, all over the GDT
  guest.words(kMiB)[3] = 0x00008210;
  kvm_regs regs = guest.vcpu.regs();
  regs.rax = 8;
  CHECK_EQ(guest.vcpu.call(KVM_SET_REGS, &regs), 0);
  guest.run();
  guest.run();
}

// Page tables that are empty but for their ends, so that a place for the hole is looked for to the end of each.
TEST(stay_address_space) {
  needs_guest();
  Guest guest(CODE_OF(load_cr3));
  guest.words(kOther)[511] = guest.words(kOther)[1023] = 0x00001007;
  guest.enable_paging(kOther | 7);
  std::memcpy(guest.memory.data() + kTable, guest.memory.data() + kDirectory, 4096);
  kvm_regs regs = guest.vcpu.regs();
  regs.rbx = kDirectory;
  regs.rdx = kTable;
  CHECK_EQ(guest.vcpu.call(KVM_SET_REGS, &regs), 0);
  for (int i = 0; i < 3; i++) guest.run();
}

TEST(stay_page_table_of_itself) {
  needs_guest();
  Guest guest(CODE_OF(itself));
  guest.enable_paging(kDirectory | 7);
  guest.run();
}

TEST(stay_page_everywhere) {
  needs_guest();
  Guest guest(CODE_OF(everywhere));
  for (unsigned i = 0; i < 1024; i++) guest.words(kOther)[i] = kTable | 7;
  guest.words(kTable)[3] = 0xc3;  // RET
  guest.enable_paging(kOther | 7);
  kvm_regs regs = guest.vcpu.regs();
  regs.rcx = 20000;
  regs.rdx = 0x40000c;
  CHECK_EQ(guest.vcpu.call(KVM_SET_REGS, &regs), 0);
  guest.run();
}

TEST(stay_string_instruction) {
  needs_guest();
  Guest guest(CODE_OF(rep));
  guest.enable_paging(0x83);
  kvm_regs regs = guest.vcpu.regs();
  regs.rax = kDirectory;
  CHECK_EQ(guest.vcpu.call(KVM_SET_REGS, &regs), 0);
  guest.vcpu.run();  // its page tables are gone then: any end will do
}

TEST(stay_full_cache) {
  needs_guest();
  Guest guest(CODE_OF(units));
  constexpr unsigned kUnits = 3000;
  uint8_t* at = guest.memory.data() + kMiB;
  for (unsigned i = 0; i < kUnits; i++) at[2 * i] = 0xeb, at[2 * i + 1] = 0;  // jmp to the next
  at[2 * kUnits] = 0xc3;
  kvm_regs regs = guest.vcpu.regs();
  regs.rdx = regs.rbx = kMiB;
  CHECK_EQ(guest.vcpu.call(KVM_SET_REGS, &regs), 0);
  guest.enable_paging(0);
  guest.words(kDirectory)[0] = kOther | 7;  // small pages: CR4.PSE makes no difference
  for (uint32_t i = 0; i < 1024; i++) guest.words(kOther)[i] = i << 12 | 7;
  guest.run();
  guest.run();
}

// The handler of a breakpoint begins with that breakpoint. The stack is all of memory, which is 4 MiB again and again.
TEST(stay_breakpoint_in_its_handler) {
  needs_guest();
  Guest guest(CODE_OF(loop));
  guest.enable_paging(0x008000e7);
  guest.trap_gate(1, kCode);
  kvm_debugregs debug = {};
  debug.db[0] = kCode;
  debug.dr6 = 0xffff0ff0;
  debug.dr7 = 0x401;
  CHECK_EQ(guest.vcpu.call(KVM_SET_DEBUGREGS, &debug), 0);
  kvm_regs regs = guest.vcpu.regs();
  regs.rsp = 0xfffffff0;
  CHECK_EQ(guest.vcpu.call(KVM_SET_REGS, &regs), 0);
  guest.run_for_ever();
}

// A handler of page faults that is not mapped itself.
TEST(stay_page_fault_handler_not_mapped) {
  needs_guest();
  // Elsewhere the processor meets them by itself; no instruction is done, and the clock of a counting emulator stands.
  SKIP_UNLESS(options.machine_type == RING1_VM_TYPE(RING1_ENGINE_BT), "another engine");
  Guest guest(CODE_OF(loop));
  guest.enable_paging(0x008000e7);
  guest.words(kDirectory)[1] = 0;
  guest.trap_gate(14, 0x400000);
  kvm_regs regs = guest.vcpu.regs();
  regs.rsp = 0xfffffff0;
  regs.rip = 0x400000;
  CHECK_EQ(guest.vcpu.call(KVM_SET_REGS, &regs), 0);
  guest.run_for_ever();
}

// A level that stays, a controller that forgets at once, and a handler that leaves IF alone.
TEST(stay_level_that_stays) {
  needs_guest();
  Guest guest(CODE_OF(loop), true);
  guest.enable_paging(0x008000e7);
  guest.trap_gate(0x20 + 5, kCode);
  kvm_irqchip chip = {};
  chip.chip_id = KVM_IRQCHIP_PIC_MASTER;
  CHECK_EQ(guest.vm.call(KVM_GET_IRQCHIP, &chip), 0);
  chip.chip.pic.irq_base = 0x20;
  chip.chip.pic.imr = 0xdf;
  chip.chip.pic.auto_eoi = 1;
  chip.chip.pic.elcr = 0x20;
  chip.chip.pic.init4 = 1;
  CHECK_EQ(guest.vm.call(KVM_SET_IRQCHIP, &chip), 0);
  kvm_irq_level line = {};
  line.irq = 5;
  line.level = 1;
  CHECK_EQ(guest.vm.call(KVM_IRQ_LINE, &line), 0);
  kvm_regs regs = guest.vcpu.regs();
  regs.rsp = 0xfffffff0;
  regs.rflags = 0x202;
  CHECK_EQ(guest.vcpu.call(KVM_SET_REGS, &regs), 0);
  guest.run_for_ever();
  CHECK(guest.vcpu.regs().rsp != 0xfffffff0);
}
