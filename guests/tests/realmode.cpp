// SPDX-License-Identifier: GPL-2.0-only
// Into real mode and back: arithmetic, segments, interrupts, HLT, the timer, limits that stay.
#include "cpu.h"
#include "devices.h"
#include "tables.h"
#include "test.h"

using namespace guest;

extern "C" {
extern uint8_t real_begin[], real_end[], real_basics[], real_loop[], real_interrupts[], real_timer[], real_unreal[];
void real_call(uint32_t function);
}

namespace {

constexpr uint32_t kReal = 0x8000, kResult = 0x6000;

volatile uint32_t& result32(uint32_t offset) { return *reinterpret_cast<volatile uint32_t*>(kResult + offset); }
uint16_t result16(uint32_t offset) { return *reinterpret_cast<volatile uint16_t*>(kResult + offset); }
void run(const uint8_t* function) { real_call(static_cast<uint32_t>(function - real_begin) + kReal); }

void basics() {
  run(real_basics);
  expect_equal("CS", result16(0), 0);
  expect_equal("DS", result16(2), 0);
  expect_equal("32-bit registers", result32(4), 0x34567812);
  expect_equal("two segments, one address", result32(8), 0xcafef00d);
  expect_equal("a 32-bit push and pop", result32(16), 0x22222222);
  expect_equal("a 16-bit push and pop", result16(20), 0x1111);
  expect_equal("SP is balanced", result16(22), result16(12));
  check(!(result16(24) & kCr0Pe), "SMSW tells PE = 0");
  check(result16(26) & kFlagCf, "PUSHF");
  expect_equal("CS after a far call", result16(28), kReal >> 4);
  expect_equal("a string copied backwards", result32(32), 0x676e6972);
}

uint32_t loop_in_protected_mode() {
  uint32_t eax = 0;
  for (uint32_t cx = 50000; cx; --cx) {
    const uint32_t low = (eax & 0xffff) + cx;
    eax = (eax & 0xffff0000) | (low & 0xffff);
    eax += low >> 16;
    eax = (eax & ~0xffu) | ((eax ^ eax >> 8) & 0xff);
  }
  return eax;
}

}  // namespace

void run_tests() {
  for (uint8_t* from = real_begin; from < real_end; ++from)
    *reinterpret_cast<volatile uint8_t*>(kReal + (from - real_begin)) = *from;
  set_descriptor(spare(0), 0, 0xffff, kTypeCode, 0);
  set_descriptor(spare(1), 0, 0xffff, kTypeData, 0);
  basics();
  run(real_loop);
  expect_equal("a loop", result32(0), loop_in_protected_mode());
  run(real_interrupts);
  expect_equal("INT reaches its vector", result32(0), 1);
  check(!(result16(4) & kFlagIf) && (result16(6) & kFlagIf), "INT clears IF and saves it");
  check(result16(8) & kFlagIf, "IRET restores it");
  expect_equal("#DE saves the IP of the division", result16(12), result16(16));
  pit_start(kPitHz / 1000, 2);
  pic_unmask(0);
  run(real_timer);
  pic_mask_all();
  expect_equal("ten ticks of the timer", result32(0), 10);
  run(real_unreal);
  expect_equal("an access above 1 MiB", result32(0), 0x600dcafe);
  for (unsigned i = 0; i < 100; ++i) run(real_basics);
  check(true, "100 times there and back");
  expect_fault("exceptions work again", ATTEMPT("ud2", :), kUd);
}
