// SPDX-License-Identifier: GPL-2.0-only
// 64-bit guests: what their registers may hold, what is refused, and a few instructions of 64-bit code.
#include <cstdio>
#include <cstring>

#include "check.h"
#include "machine.h"

using namespace ring1::ioctl_test;

namespace {

constexpr uint64_t kPe = 1, kPg = 1u << 31, kPae = 1u << 5;
constexpr uint64_t kSce = 1, kLme = 1u << 8, kLma = 1u << 10;
constexpr uint32_t kEfer = 0xc0000080, kFsBase = 0xc0000100, kGsBase = 0xc0000101, kKernelGsBase = 0xc0000102;
constexpr uint64_t kHigh = 0xffff888012345000, kNotCanonical = 0x0001000000000000;

using Msrs = List<kvm_msrs, kvm_msr_entry, 1>;

long set_msr(const Vcpu& vcpu, uint32_t index, uint64_t value) {
  Msrs msrs;
  msrs.head().nmsrs = 1;
  msrs.entries()[0].index = index;
  msrs.entries()[0].data = value;
  return vcpu.call(kSetMsrs, msrs.address());
}

uint64_t get_msr(const Vcpu& vcpu, uint32_t index) {
  Msrs msrs;
  msrs.head().nmsrs = 1;
  msrs.entries()[0].index = index;
  CHECK_EQ(vcpu.call(kGetMsrs, msrs.address()), 1);
  return msrs.entries()[0].data;
}

kvm_segment flat(uint16_t selector, uint8_t type) {
  kvm_segment segment = {};
  segment.limit = 0xffffffff;
  segment.selector = selector;
  segment.type = type;
  segment.present = segment.s = segment.g = 1;
  return segment;
}

kvm_sregs long_mode(kvm_sregs sregs, uint64_t cr3) {
  sregs.cs = flat(8, 0xb);
  sregs.cs.l = 1;
  sregs.ds = sregs.es = sregs.ss = sregs.fs = sregs.gs = flat(0x10, 3);
  sregs.ds.db = sregs.es.db = sregs.ss.db = sregs.fs.db = sregs.gs.db = 1;
  sregs.cr0 = kPe | kPg | 0x10;
  sregs.cr3 = cr3;
  sregs.cr4 = kPae;
  sregs.efer = kLme | kLma;
  return sregs;
}

void take_supported_cpuid(const Vm& vm, const Vcpu& vcpu) {
  CpuidList list;
  list.head().nent = 256;
  CHECK_EQ(vm.device.call(kGetSupportedCpuid, list.address()), 0);
  CHECK_EQ(vcpu.call(kSetCpuid2, list.address()), 0);
}

}  // namespace

TEST(long_mode_without_it) {
  Vm vm;
  SKIP_UNLESS(!vm.has_long_mode(), "the engine can run 64-bit guests");
  Vcpu vcpu(vm);
  const kvm_sregs good = vcpu.sregs();
  kvm_sregs bad = long_mode(good, 0x1000);
  CHECK_EQ(vcpu.call(KVM_SET_SREGS, &bad), -EINVAL);
  bad = good;
  bad.efer = kLme;
  CHECK_EQ(vcpu.call(KVM_SET_SREGS, &bad), -EINVAL);
  bad = good;
  bad.gs.base = kHigh;
  CHECK_EQ(vcpu.call(KVM_SET_SREGS, &bad), -EINVAL);
  CHECK_EQ(set_msr(vcpu, kEfer, kLme), 0);
  CHECK_EQ(set_msr(vcpu, kFsBase, 0x1000), 0);
  const kvm_sregs after = vcpu.sregs();
  CHECK(std::memcmp(&good, &after, sizeof good) == 0);
}

TEST(long_mode_sregs) {
  Vm vm;
  SKIP_UNLESS(vm.has_long_mode(), "the engine runs 32-bit guests only");
  Vcpu vcpu(vm);
  take_supported_cpuid(vm, vcpu);
  kvm_sregs sregs = long_mode(vcpu.sregs(), 0x1000);
  sregs.fs.base = 0x00007fff12345678;
  sregs.gs.base = kHigh;
  sregs.gdt.base = sregs.idt.base = kHigh;
  sregs.cr2 = kHigh + 8;
  sregs.cr8 = 5;
  CHECK_EQ(vcpu.call(KVM_SET_SREGS, &sregs), 0);
  const kvm_sregs back = vcpu.sregs();
  CHECK_EQ(back.cs.l, 1);
  CHECK_EQ(back.fs.base, sregs.fs.base);
  CHECK_EQ(back.gs.base, kHigh);
  CHECK_EQ(back.gdt.base, kHigh);
  CHECK_EQ(back.idt.base, kHigh);
  CHECK_EQ(back.cr2, kHigh + 8);
  CHECK_EQ(back.cr3, 0x1000);
  CHECK_EQ(back.efer, kLme | kLma);
  CHECK_EQ(get_msr(vcpu, kFsBase), sregs.fs.base);
  CHECK_EQ(get_msr(vcpu, kGsBase), kHigh);
}

TEST(long_mode_sregs_refused) {
  Vm vm;
  SKIP_UNLESS(vm.has_long_mode(), "the engine runs 32-bit guests only");
  Vcpu vcpu(vm);
  take_supported_cpuid(vm, vcpu);
  const kvm_sregs before = vcpu.sregs(), good = long_mode(before, 0x1000);
  kvm_sregs bad = good;
  bad.efer = kLme;  // paging, so LMA must be set
  CHECK_EQ(vcpu.call(KVM_SET_SREGS, &bad), -EINVAL);
  bad = good;
  bad.cr4 = 0;
  CHECK_EQ(vcpu.call(KVM_SET_SREGS, &bad), -EINVAL);
  bad = good;
  bad.cr0 = kPe | 0x10;  // LMA and 64-bit code without paging
  CHECK_EQ(vcpu.call(KVM_SET_SREGS, &bad), -EINVAL);
  bad = good;
  bad.efer = 0;  // 64-bit code without long mode
  CHECK_EQ(vcpu.call(KVM_SET_SREGS, &bad), -EINVAL);
  bad = good;
  bad.cr3 = 1ull << 60;
  CHECK_EQ(vcpu.call(KVM_SET_SREGS, &bad), -EINVAL);
  if (vm.device.is_ring1()) {
    bad = good;
    bad.gs.base = kNotCanonical;
    CHECK_EQ(vcpu.call(KVM_SET_SREGS, &bad), -EINVAL);
    bad = good;
    bad.ds.base = 1ull << 32;
    CHECK_EQ(vcpu.call(KVM_SET_SREGS, &bad), -EINVAL);
  }
  const kvm_sregs after = vcpu.sregs();
  CHECK(std::memcmp(&before, &after, sizeof before) == 0);
}

TEST(long_mode_msrs) {
  Vm vm;
  SKIP_UNLESS(vm.has_long_mode(), "the engine runs 32-bit guests only");
  Vcpu vcpu(vm);
  take_supported_cpuid(vm, vcpu);
  CHECK_EQ(set_msr(vcpu, kEfer, kSce | kLme), 1);
  CHECK_EQ(get_msr(vcpu, kEfer), kSce | kLme);
  CHECK_EQ(set_msr(vcpu, kEfer, kSce | kLme | kLma), 1);  // LMA follows from paging, not from a write
  CHECK_EQ(get_msr(vcpu, kEfer), kSce | kLme);
  CHECK_EQ(set_msr(vcpu, kEfer, 1ull << 1), 0);
  for (uint32_t base : {kFsBase, kGsBase, kKernelGsBase}) {
    CHECK_EQ(set_msr(vcpu, base, kHigh), 1);
    CHECK_EQ(get_msr(vcpu, base), kHigh);
    CHECK_EQ(set_msr(vcpu, base, kNotCanonical), 0);
  }
  CHECK_EQ(vcpu.sregs().fs.base, kHigh);
  for (uint32_t target : {0xc0000082u, 0xc0000083u}) {  // LSTAR, CSTAR
    CHECK_EQ(set_msr(vcpu, target, kHigh), 1);
    CHECK_EQ(get_msr(vcpu, target), kHigh);
    CHECK_EQ(set_msr(vcpu, target, kNotCanonical), 0);
  }
  CHECK_EQ(set_msr(vcpu, 0xc0000081, 0x0023001000000000), 1);
  CHECK_EQ(get_msr(vcpu, 0xc0000081), 0x0023001000000000);
  CHECK_EQ(set_msr(vcpu, 0xc0000084, 0x47700), 1);
  CHECK_EQ(get_msr(vcpu, 0xc0000084), 0x47700);
}

namespace {

// Code runs at -2 MiB + 0x1000. Page tables at 0x2000: the first 2 MiB identity-mapped, and once more at -2 MiB; the
// next 2 MiB are device memory at 1 GiB.
struct LongMachine {
  static constexpr uint64_t kCodeBase = 0xffffffffffe01000, kDevice = 0x40000000, kDeviceVa = 0x200000;

  explicit LongMachine(Vm& owner) : vm(owner), vcpu(owner) {
    constexpr uint64_t kPresent = 3, kLarge = 0x83;
    auto* tables = reinterpret_cast<uint64_t*>(memory.data() + 0x2000);
    tables[0] = tables[511] = 0x3000 | kPresent;
    tables[512] = tables[512 + 511] = 0x4000 | kPresent;
    tables[1024] = tables[1024 + 511] = kLarge;
    tables[1024 + 1] = kDevice | kLarge;
    CHECK_EQ(vm.set_region(0, 0, memory, memory.size()), 0);
    take_supported_cpuid(vm, vcpu);
    kvm_sregs sregs = long_mode(vcpu.sregs(), 0x2000);
    CHECK_EQ(vcpu.call(KVM_SET_SREGS, &sregs), 0);
  }

  void start(const uint8_t* code, size_t size, kvm_regs regs = {}) {
    std::memcpy(memory.data() + 0x1000, code, size);
    regs.rip = kCodeBase;
    regs.rflags = 2;
    CHECK_EQ(vcpu.call(KVM_SET_REGS, &regs), 0);
  }

  Vm& vm;
  Memory memory{0x10000};
  Vcpu vcpu;
};

}  // namespace

TEST(long_mode_code) {
  SKIP_UNLESS(options.guest, "--no-guest");
  Vm vm;
  SKIP_UNLESS(vm.has_long_mode(), "the engine runs 32-bit guests only");
  LongMachine machine(vm);
  const Vcpu& vcpu = machine.vcpu;
  const uint8_t code[] = {
      0x49, 0xb8, 0xf0, 0xde, 0xbc, 0x9a, 0x78, 0x56, 0x34, 0x12,  // mov r8, 0x123456789abcdef0
      0x4c, 0x89, 0x04, 0x25, 0x00, 0x90, 0xe0, 0xff,              // mov [0xffffffffffe09000], r8: at 0x9000
      0x41, 0xb9, 0x10, 0x00, 0x20, 0x00,                          // mov r9d, 0x200010
      0x4d, 0x89, 0x01,                                            // mov [r9], r8: a device
      0x4d, 0x8b, 0x51, 0x08,                                      // mov r10, [r9+8]: a device
      0xe6, 0x10,                                                  // out 0x10, al
  };
  machine.start(code, sizeof code);

  CHECK_EQ(vcpu.run(), 0);
  CHECK_EQ(vcpu.shared->exit_reason, KVM_EXIT_MMIO);
  uint64_t value;
  std::memcpy(&value, vcpu.shared->mmio.data, sizeof value);
  CHECK(vcpu.shared->mmio.is_write);
  CHECK_EQ(vcpu.shared->mmio.phys_addr, 0x40000010);
  CHECK_EQ(vcpu.shared->mmio.len, 8);
  CHECK_EQ(value, 0x123456789abcdef0);
  std::memcpy(&value, machine.memory.data() + 0x9000, sizeof value);
  CHECK_EQ(value, 0x123456789abcdef0);

  CHECK_EQ(vcpu.run(), 0);
  CHECK_EQ(vcpu.shared->exit_reason, KVM_EXIT_MMIO);
  CHECK(!vcpu.shared->mmio.is_write);
  CHECK_EQ(vcpu.shared->mmio.phys_addr, 0x40000018);
  CHECK_EQ(vcpu.shared->mmio.len, 8);
  value = 0xfedcba9876543210;
  std::memcpy(vcpu.shared->mmio.data, &value, sizeof value);

  CHECK_EQ(vcpu.run(), 0);
  CHECK_EQ(vcpu.shared->exit_reason, KVM_EXIT_IO);
  CHECK_EQ(vcpu.regs().r10, 0xfedcba9876543210);
  CHECK_EQ(vcpu.sregs().efer, kLme | kLma);
}

// Long mode enabled, paging off, PAE off: what a hostile guest leaves a processor in at an exit. QEMU forgets to turn paging on for
// the host then, and KVM on it never comes back.
TEST(long_mode_enabled_without_paging) {
  SKIP_UNLESS(options.guest, "no guest code wanted");
  RealMode machine({0x90, 0xe6, 0x80, 0xf4});
  SKIP_UNLESS(machine.vm.device.is_ring1(), "it would hang the emulator");
  SKIP_UNLESS(machine.vm.has_long_mode(), "no long mode");
  take_supported_cpuid(machine.vm, machine.vcpu);
  machine.enter_protected_mode();
  kvm_sregs sregs = machine.vcpu.sregs();
  sregs.efer = kLme;
  CHECK_EQ(machine.vcpu.call(KVM_SET_SREGS, &sregs), 0);
  for (const unsigned reason : {KVM_EXIT_IO, KVM_EXIT_HLT}) {
    CHECK_EQ(machine.vcpu.run(), 0);
    CHECK_EQ(machine.vcpu.shared->exit_reason, reason);
    CHECK_EQ(machine.vcpu.sregs().efer, kLme);
    CHECK_EQ(get_msr(machine.vcpu, kEfer), kLme);
  }
}

// Each on eight bytes of a device, with RAX and RBX in hand; R9 and RDI point there, RSI at eight bytes of memory.
TEST(long_mode_device_memory) {
  SKIP_UNLESS(options.guest, "--no-guest");
  Vm vm;
  SKIP_UNLESS(vm.has_long_mode(), "the engine runs 32-bit guests only");
  constexpr uint64_t kRax = 0x8877665544332211, kBefore = 0x0123456789abcdef, kInMemory = 0x1020304050607080;
  static const struct {
    const char* name;
    uint8_t code[12];
    uint64_t device, rax;
  } kCases[] = {
      {"mov [r9], al", {0x41, 0x88, 0x01, 0xf4}, 0x0123456789abcd11, kRax},
      {"mov [r9], ax", {0x66, 0x41, 0x89, 0x01, 0xf4}, 0x0123456789ab2211, kRax},
      {"mov [r9], eax", {0x41, 0x89, 0x01, 0xf4}, 0x0123456744332211, kRax},
      {"mov [r9], rax", {0x49, 0x89, 0x01, 0xf4}, kRax, kRax},
      {"mov qword [r9], -2", {0x49, 0xc7, 0x01, 0xfe, 0xff, 0xff, 0xff, 0xf4}, ~1ull, kRax},
      {"mov al, [r9]", {0x41, 0x8a, 0x01, 0xf4}, kBefore, 0x88776655443322ef},
      {"mov ax, [r9]", {0x66, 0x41, 0x8b, 0x01, 0xf4}, kBefore, 0x887766554433cdef},
      {"mov eax, [r9]", {0x41, 0x8b, 0x01, 0xf4}, kBefore, 0x89abcdef},
      {"mov rax, [r9]", {0x49, 0x8b, 0x01, 0xf4}, kBefore, kBefore},
      {"movzx eax, byte [r9]", {0x41, 0x0f, 0xb6, 0x01, 0xf4}, kBefore, 0xef},
      {"movsx rax, word [r9]", {0x49, 0x0f, 0xbf, 0x01, 0xf4}, kBefore, 0xffffffffffffcdef},
      {"movsxd rax, [r9]", {0x49, 0x63, 0x01, 0xf4}, kBefore, 0xffffffff89abcdef},
      {"or [r9], rax", {0x49, 0x09, 0x01, 0xf4}, kBefore | kRax, kRax},
      {"add [r9], al", {0x41, 0x00, 0x01, 0xf4}, 0x0123456789abcd00, kRax},
      {"xor word [r9], -1", {0x66, 0x41, 0x83, 0x31, 0xff, 0xf4}, 0x0123456789ab3210, kRax},
      {"inc qword [r9]", {0x49, 0xff, 0x01, 0xf4}, kBefore + 1, kRax},
      {"shl qword [r9], 4", {0x49, 0xc1, 0x21, 0x04, 0xf4}, kBefore << 4, kRax},
      {"lock xadd [r9], rax", {0xf0, 0x49, 0x0f, 0xc1, 0x01, 0xf4}, kBefore + kRax, kBefore},
      {"xchg [r9], rax", {0x49, 0x87, 0x01, 0xf4}, kRax, kBefore},
      {"lock cmpxchg [r9], rbx", {0xf0, 0x49, 0x0f, 0xb1, 0x19, 0xf4}, kBefore, kBefore},
      {"add rax, [r9]", {0x49, 0x03, 0x01, 0xf4}, kBefore, kRax + kBefore},
      {"movsq", {0x48, 0xa5, 0xf4}, kInMemory, kRax},
      {"stosw", {0x66, 0xab, 0xf4}, 0x0123456789ab2211, kRax},
      {"rep stosb", {0xb9, 0x08, 0x00, 0x00, 0x00, 0xf3, 0xaa, 0xf4}, 0x1111111111111111, kRax},
      // From -2 MiB + 0x1007 to 0x200000, which the displacement reaches around the end of the address space.
      {"mov rax, [rip + x]", {0x48, 0x8b, 0x05, 0xf9, 0xef, 0x3f, 0x00, 0xf4}, kBefore, kBefore},
      {"mov dword [rip + x], 7",
       {0xc7, 0x05, 0xf6, 0xef, 0x3f, 0x00, 0x07, 0x00, 0x00, 0x00, 0xf4},
       0x0123456700000007,
       kRax},
      {"add [rip + x], rax", {0x48, 0x01, 0x05, 0xf9, 0xef, 0x3f, 0x00, 0xf4}, kBefore + kRax, kRax},
  };
  LongMachine machine(vm);
  const Vcpu& vcpu = machine.vcpu;
  for (const auto& one : kCases) {
    uint64_t device = kBefore;
    std::memcpy(machine.memory.data() + 0x9000, &kInMemory, sizeof kInMemory);
    kvm_regs regs = {};
    regs.rax = kRax;
    regs.r9 = regs.rdi = LongMachine::kDeviceVa;
    regs.rsi = 0x9000;
    machine.start(one.code, sizeof one.code, regs);
    for (;;) {
      CHECK_EQ(vcpu.run(), 0);
      if (vcpu.shared->exit_reason != KVM_EXIT_MMIO) break;
      auto& access = vcpu.shared->mmio;
      const uint64_t offset = access.phys_addr - LongMachine::kDevice;
      CHECK(offset + access.len <= sizeof device);
      auto* bytes = reinterpret_cast<uint8_t*>(&device) + offset;
      if (access.is_write)
        std::memcpy(bytes, access.data, access.len);
      else
        std::memcpy(access.data, bytes, access.len);
    }
    CHECK_EQ(vcpu.shared->exit_reason, KVM_EXIT_HLT);
    if (device != one.device || vcpu.regs().rax != one.rax) std::printf("  %s:\n", one.name);
    CHECK_EQ(device, one.device);
    CHECK_EQ(vcpu.regs().rax, one.rax);
  }
}
