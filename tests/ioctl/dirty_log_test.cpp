// SPDX-License-Identifier: GPL-2.0-only
// KVM_GET_DIRTY_LOG: its errors, when it begins and ends, and that it holds what the guest has written.
#include <cstring>

#include "check.h"
#include "dirty_log.h"

using namespace ring1::ioctl_test;

namespace {

constexpr uint8_t kHlt = 0xf4;

// 16 pages from 0 in slot 0. Not the code's at 0x1000: KVM counts a page that it maps writable at a read.
uint64_t dirty_pages(const RealMode& machine) {
  uint64_t bitmap = ~0ull;
  CHECK_EQ(read_log(machine.vm, 0, &bitmap), 0);
  return bitmap & ~(1ull << RealMode::kCode / kPage);
}

void log_on(const RealMode& machine) {
  CHECK_EQ(machine.vm.set_region(0, 0, machine.memory, machine.memory.size(), KVM_MEM_LOG_DIRTY_PAGES), 0);
}

}  // namespace

TEST(dirty_log_errors) {
  Vm vm;
  Memory memory(16 * kPage);
  uint64_t bitmap = 0;
  CHECK_EQ(read_log(vm, 0, &bitmap), -ENOENT);
  CHECK_EQ(vm.set_region(0, 0, memory, 4 * kPage), 0);
  CHECK_EQ(read_log(vm, 0, &bitmap), -ENOENT);
  CHECK_EQ(read_log(vm, 0xffff, &bitmap), -EINVAL);
  CHECK_EQ(read_log(vm, 0xffffffff, &bitmap), -EINVAL);
  CHECK_EQ(vm.call(KVM_GET_DIRTY_LOG, 8ul), -EFAULT);
  CHECK_EQ(vm.set_region(0, 0, memory, 4 * kPage, KVM_MEM_LOG_DIRTY_PAGES), 0);
  CHECK_EQ(read_log(vm, 0, &bitmap), 0);
  CHECK_EQ(bitmap, 0u);
  CHECK_EQ(read_log(vm, 0, reinterpret_cast<void*>(8)), -EFAULT);
}

TEST(dirty_log_comes_and_goes) {
  Vm vm;
  Memory memory(16 * kPage);
  uint64_t bitmap = 0;
  CHECK_EQ(vm.set_region(0, 0, memory, 4 * kPage), 0);
  CHECK_EQ(vm.set_region(0, 0, memory, 4 * kPage, KVM_MEM_LOG_DIRTY_PAGES), 0);
  CHECK_EQ(read_log(vm, 0, &bitmap), 0);
  CHECK_EQ(vm.set_region(0, 0, memory, 5 * kPage, KVM_MEM_LOG_DIRTY_PAGES), -EINVAL);
  CHECK_EQ(vm.set_region(0, 0, memory, 4 * kPage, KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY), -EINVAL);
  CHECK_EQ(vm.set_region(0, kPage, memory, 4 * kPage, KVM_MEM_LOG_DIRTY_PAGES), 0);
  CHECK_EQ(read_log(vm, 0, &bitmap), 0);
  CHECK_EQ(vm.set_region(0, kPage, memory, 4 * kPage), 0);
  CHECK_EQ(read_log(vm, 0, &bitmap), -ENOENT);
  CHECK_EQ(vm.set_region(1, 8 * kPage, memory, kPage, KVM_MEM_LOG_DIRTY_PAGES), 0);
  CHECK_EQ(read_log(vm, 1, &bitmap), 0);
  CHECK_EQ(vm.set_region(1, 0, memory, 0), 0);
  CHECK_EQ(read_log(vm, 1, &bitmap), -ENOENT);
}

TEST(dirty_log_readonly) {
  Vm vm;
  Memory memory(16 * kPage);
  uint64_t bitmap = ~0ull;
  CHECK_EQ(vm.set_region(0, 0, memory, 4 * kPage, KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY), 0);
  CHECK_EQ(read_log(vm, 0, &bitmap), 0);
  CHECK_EQ(bitmap, 0u);
}

// mov [0x3000], al; mov [0x5fff], ax; hlt
TEST(dirty_log_real_mode) {
  SKIP_UNLESS(options.guest, "no guest code wanted");
  RealMode machine({0xa2, 0x00, 0x30, 0xa3, 0xff, 0x5f, kHlt});
  log_on(machine);
  CHECK_EQ(machine.vcpu.run(), 0);
  CHECK_EQ(dirty_pages(machine), 1u << 3 | 1u << 5 | 1u << 6);
  CHECK_EQ(dirty_pages(machine), 0u);
  machine.start_at(RealMode::kCode);
  CHECK_EQ(machine.vcpu.run(), 0);
  CHECK_EQ(dirty_pages(machine), 1u << 3 | 1u << 5 | 1u << 6);
}

// Logging that begins after the guest has written everywhere, ends and begins again.
TEST(dirty_log_later) {
  SKIP_UNLESS(options.guest, "no guest code wanted");
  RealMode machine({0xa2, 0x00, 0x30, 0xa3, 0xff, 0x5f, kHlt});
  CHECK_EQ(machine.vcpu.run(), 0);
  for (unsigned round = 0; round < 2; round++) {
    log_on(machine);
    CHECK_EQ(dirty_pages(machine), 0u);
    machine.start_at(RealMode::kCode);
    CHECK_EQ(machine.vcpu.run(), 0);
    CHECK_EQ(dirty_pages(machine), 1u << 3 | 1u << 5 | 1u << 6);
    CHECK_EQ(machine.vm.set_region(0, 0, machine.memory, machine.memory.size()), 0);
    machine.start_at(RealMode::kCode);
    CHECK_EQ(machine.vcpu.run(), 0);
  }
}

// The log is read while one instruction waits for a device: what it writes after that is in the next one.
TEST(dirty_log_in_the_middle_of_a_string) {
  SKIP_UNLESS(options.guest, "no guest code wanted");
  // mov ax, 0xa000; mov ds, ax; xor si, si; mov di, 0x3000; mov cx, 3; cld; rep movsb; hlt
  RealMode machine({0xb8, 0x00, 0xa0, 0x8e, 0xd8, 0x31, 0xf6, 0xbf, 0x00, 0x30, 0xb9, 0x03, 0x00, 0xfc, 0xf3, 0xa4, kHlt});
  log_on(machine);
  for (uint8_t byte = 1; byte <= 3; byte++) {
    CHECK_EQ(machine.vcpu.run(), 0);
    CHECK_EQ(machine.vcpu.shared->exit_reason, KVM_EXIT_MMIO);
    machine.vcpu.shared->mmio.data[0] = byte;
    CHECK_EQ(dirty_pages(machine), byte > 1 ? 1u << 3 : 0u);
  }
  CHECK_EQ(machine.vcpu.run(), 0);
  CHECK_EQ(machine.vcpu.shared->exit_reason, KVM_EXIT_HLT);
  CHECK_EQ(dirty_pages(machine), 1u << 3);
  CHECK_EQ(std::memcmp(machine.memory.data() + 0x3000, "\1\2\3", 3), 0);
}

// Pages are looked up by sixteen. A page that may be written stays so when it is one of those.
TEST(dirty_log_with_a_page_looked_up_again) {
  SKIP_UNLESS(options.guest, "no guest code wanted");
  // mov ax, 0x2000; mov ds, ax; mov al, [0]; mov ax, 0x2100; mov ds, ax; mov ax, 0x3400; mov es, ax; mov si, 0xeffe; xor di, di;
  // mov cx, 4; cld; rep movsb; hlt. So page 20 is written, and then page 16 looked up.
  RealMode machine({0xb8, 0x00, 0x20, 0x8e, 0xd8, 0xa0, 0x00, 0x00, 0xb8, 0x00, 0x21, 0x8e, 0xd8, 0xb8, 0x00, 0x34, 0x8e, 0xc0,
                    0xbe, 0xfe, 0xef, 0x31, 0xff, 0xb9, 0x04, 0x00, 0xfc, 0xf3, 0xa4, kHlt});
  Memory logged(0x30000);
  std::memset(logged.data(), 0, logged.size());
  std::memcpy(logged.data() + 0xfffe, "abcd", 4);
  CHECK_EQ(machine.vm.set_region(1, 0x20000, logged, logged.size(), KVM_MEM_LOG_DIRTY_PAGES), 0);
  CHECK_EQ(machine.vcpu.run(), 0);
  CHECK_EQ(machine.vcpu.shared->exit_reason, KVM_EXIT_HLT);
  CHECK_EQ(std::memcmp(logged.data() + 0x14000, "abcd", 4), 0);
  uint64_t bits = 0;
  CHECK_EQ(read_log(machine.vm, 1, &bits), 0);
  // KVM on an emulated processor also names pages that were read.
  CHECK_EQ(machine.vm.device.is_ring1() ? bits : bits & 1u << 20, 1u << 20);
}

// A log that could not be handed over is not lost.
TEST(dirty_log_kept) {
  SKIP_UNLESS(options.guest, "no guest code wanted");
  RealMode machine({0xa2, 0x00, 0x30, kHlt});
  SKIP_UNLESS(machine.vm.device.is_ring1(), "KVM forgets it");
  log_on(machine);
  CHECK_EQ(machine.vcpu.run(), 0);
  CHECK_EQ(read_log(machine.vm, 0, reinterpret_cast<void*>(8)), -EFAULT);
  CHECK_EQ(dirty_pages(machine), 1u << 3);
}

namespace {

long clear_log(const Vm& vm, uint32_t slot, uint64_t first, uint32_t count, void* bitmap) {
  kvm_clear_dirty_log log{};
  log.slot = slot;
  log.first_page = first;
  log.num_pages = count;
  log.dirty_bitmap = bitmap;
  return vm.call(KVM_CLEAR_DIRTY_LOG, &log);
}

long clear_by_hand(const Vm& vm, uint64_t flags) {
  kvm_enable_cap cap{};
  cap.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2;
  cap.args[0] = flags;
  return vm.call(KVM_ENABLE_CAP, &cap);
}

}  // namespace

TEST(dirty_log_clear_errors) {
  Vm vm;
  Memory memory(200 * kPage);
  uint64_t bitmap[4] = {};
  CHECK_EQ(clear_by_hand(vm, ~0ull), -EINVAL);
  CHECK_EQ(vm.set_region(0, 0, memory, 200 * kPage), 0);
  CHECK_EQ(clear_log(vm, 0, 0, 64, bitmap), -ENOENT);
  CHECK_EQ(clear_log(vm, 1, 0, 64, bitmap), -ENOENT);
  CHECK_EQ(clear_log(vm, 0xffff, 0, 64, bitmap), -EINVAL);
  CHECK_EQ(vm.set_region(0, 0, memory, 200 * kPage, KVM_MEM_LOG_DIRTY_PAGES), 0);
  CHECK_EQ(clear_log(vm, 0, 0, 200, bitmap), 0);
  CHECK_EQ(clear_log(vm, 0, 128, 72, bitmap), 0);
  CHECK_EQ(clear_log(vm, 0, 200, 0, bitmap), -EINVAL);  // not a multiple of 64
  CHECK_EQ(clear_log(vm, 0, 1, 64, bitmap), -EINVAL);
  CHECK_EQ(clear_log(vm, 0, 0, 65, bitmap), -EINVAL);
  CHECK_EQ(clear_log(vm, 0, 0, 201, bitmap), -EINVAL);
  CHECK_EQ(clear_log(vm, 0, 128, 73, bitmap), -EINVAL);
  CHECK_EQ(clear_log(vm, 0, 256, 0, bitmap), -EINVAL);
  CHECK_EQ(clear_log(vm, 0, 0xffffffffffffffc0, 64, bitmap), -EINVAL);
  CHECK_EQ(clear_log(vm, 0, 0, 64, reinterpret_cast<void*>(8)), -EFAULT);
}

// The log stays until it is cleared, page by page; what is clean again is noticed again.
TEST(dirty_log_cleared_by_hand) {
  SKIP_UNLESS(options.guest, "no guest code wanted");
  // mov [3000h], al; mov [5000h], al; hlt; mov [5001h], al; hlt
  RealMode machine({0xa2, 0x00, 0x30, 0xa2, 0x00, 0x50, kHlt, 0xa2, 0x01, 0x50, kHlt});
  CHECK_EQ(clear_by_hand(machine.vm, KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE), 0);
  log_on(machine);
  CHECK_EQ(machine.vcpu.run(), 0);
  for (unsigned i = 0; i < 2; i++) CHECK_EQ(dirty_pages(machine), 1u << 3 | 1u << 5);
  uint64_t some = 1u << 5 | 1u << 7;
  CHECK_EQ(clear_log(machine.vm, 0, 0, 16, &some), 0);
  CHECK_EQ(dirty_pages(machine), 1u << 3);
  CHECK_EQ(machine.vcpu.run(), 0);
  CHECK_EQ(dirty_pages(machine), 1u << 3 | 1u << 5);
  uint64_t all = ~0ull;
  CHECK_EQ(clear_log(machine.vm, 0, 0, 16, &all), 0);
  CHECK_EQ(dirty_pages(machine), 0u);
  CHECK_EQ(clear_by_hand(machine.vm, 0), 0);
}
