// SPDX-License-Identifier: GPL-2.0-only
// The local APIC: its timer, priorities, interrupts to oneself; the I/O APIC's routing of the PIT.
#include "cpu.h"
#include "devices.h"
#include "tables.h"
#include "test.h"

using namespace guest;

namespace {

constexpr unsigned kTimerVector = 0x50, kLowVector = 0x31, kHighVector = 0x91, kPitApicVector = 0x61;
volatile uint32_t ticks, order[4], arrived, isr_seen;

void on_timer(Frame&) {
  ticks = ticks + 1;
  isr_seen = apic(kApicIsr + 0x10 * (kTimerVector / 32)) >> (kTimerVector % 32) & 1;
  apic(kApicEoi) = 0;
}

void on_vector(Frame& f) {
  if (arrived < 4) order[arrived] = f.vector;
  arrived = arrived + 1;
  apic(kApicEoi) = 0;
}

bool wait_for(uint32_t count) {
  for (uint32_t i = 0; ticks < count && i < 200000000; ++i) asm volatile("sti; nop; cli" ::: "memory");
  return ticks >= count;
}

void timer() {
  apic(kApicDivide) = kApicDivideBy1;
  apic(kApicTimer) = kTimerVector;
  ticks = 0;
  apic(kApicInitial) = 100000;
  check(apic(kApicCurrent) <= 100000, "the count goes down");
  check(wait_for(1), "a one-shot");
  check(isr_seen, "  in service while its handler runs");
  expect_equal("  the count ends at 0", apic(kApicCurrent), 0);
  for (unsigned i = 0; i < 100000; ++i) asm volatile("sti; nop; cli" ::: "memory");
  expect_equal("  and it comes once", ticks, 1);
  ticks = 0;
  apic(kApicTimer) = kTimerVector | kApicPeriodic;
  apic(kApicInitial) = 500000;
  check(wait_for(20), "periodic");
  while (ticks < 30) asm volatile("sti; hlt; cli" ::: "memory");
  check(true, "  it wakes from HLT");
  apic(kApicTimer) = kTimerVector | kApicPeriodic | kApicMasked;
  asm volatile("sti; nop; cli" ::: "memory");
  ticks = 0;
  const uint32_t before = apic(kApicCurrent);
  uint32_t reloads = 0;
  for (uint32_t i = 0, last = before; i < 20000000 && reloads < 2; ++i) {
    const uint32_t now = apic(kApicCurrent);
    reloads += now > last;
    last = now;
  }
  check(reloads == 2, "masked it still counts");
  asm volatile("sti; nop; cli" ::: "memory");
  expect_equal("  without interrupts", ticks, 0);
  apic(kApicInitial) = 0;
  expect_equal("an initial count of 0 stops it", apic(kApicCurrent), 0);
}

void send_self(unsigned vector) { apic(kApicIcr) = 0x40000 | vector; }

void priorities() {
  arrived = 0;
  send_self(kLowVector);
  send_self(kHighVector);
  check(apic(kApicIrr + 0x10 * (kLowVector / 32)) >> (kLowVector % 32) & 1, "IRR of an interrupt to oneself");
  asm volatile("sti; nop; nop; nop; cli" ::: "memory");
  expect_equal("both come", arrived, 2);
  check(order[0] == kHighVector && order[1] == kLowVector, "the higher priority first");
  arrived = 0;
  apic(kApicTpr) = 0x40;
  send_self(kLowVector);
  send_self(kHighVector);
  asm volatile("sti; nop; nop; nop; cli" ::: "memory");
  check(arrived == 1 && order[0] == kHighVector, "TPR holds the lower one back");
  apic(kApicTpr) = 0;
  asm volatile("sti; nop; nop; nop; cli" ::: "memory");
  check(arrived == 2 && order[1] == kLowVector, "until it is lowered");
}

void routed_pit() {
  const uint32_t old = ioapic_read(0x10 + 2 * 2);
  arrived = 0;
  ioapic_write(0x10 + 2 * 2 + 1, apic(kApicId) & 0xff000000);
  ioapic_write(0x10 + 2 * 2, kPitApicVector);
  pit_start(kPitHz / 1000, 2);
  for (uint32_t i = 0; arrived < 5 && i < 200000000; ++i) asm volatile("sti; nop; cli" ::: "memory");
  check(arrived >= 5, "the PIT through pin 2 of the I/O APIC");
  ioapic_write(0x10 + 2 * 2, old | kApicMasked);
  asm volatile("sti; nop; nop; cli" ::: "memory");
  arrived = 0;
  for (unsigned i = 0; i < 200; ++i) {
    (void)pit_count(0);
    asm volatile("sti; nop; cli" ::: "memory");
  }
  expect_equal("masked it is silent", arrived, 0);
}

}  // namespace

void run_tests() {
  if (!has_edx(kCpuidApic)) return skip("the local APIC", "this processor has none");
  apic(kApicSvr) = kApicEnabled | 0xff;
  apic(kApicTpr) = 0;
  check((apic(kApicVersion) & 0xff) >= 0x10, "its version");
  set_handler(kTimerVector, on_timer);
  set_handler(kLowVector, on_vector);
  set_handler(kHighVector, on_vector);
  set_handler(kPitApicVector, on_vector);
  timer();
  priorities();
  routed_pit();
}
