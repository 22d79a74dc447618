// SPDX-License-Identifier: GPL-2.0-only
// CR8 and the local APIC's task priority are one register (APM 2 16.6.4); it holds interrupts back.
#include "devices.h"
#include "kernel.h"

using namespace guest;

namespace {

constexpr unsigned kLowVector = 0x52, kHighVector = 0x72, kSpurious = 0xff;
volatile unsigned low_seen, high_seen;

void send_to_self(unsigned vector) {
  constexpr uint32_t kSelf = 1u << 18;
  apic(kApicIcr) = kSelf | vector;
}

void open_for_interrupts() { asm volatile("sti; nop; nop; cli" ::: "memory"); }

}  // namespace

void run_tests() {
  write_cr8(5);
  expect_equal("CR8", read_cr8(), 5);
  expect_equal("  is the APIC's task priority", apic(kApicTpr), 0x50);
  apic(kApicTpr) = 0x60;
  expect_equal("  in both directions", read_cr8(), 6);
  const Caught c = ATTEMPT("mov %0, %%cr8", : : "r"(0x10ull));
  if (c.vector == kNoFault)
    skip("a priority of more than four bits", "this processor takes it");
  else
    expect_fault("a priority of more than four bits", c, kGp);

  set_handler(kLowVector, [](Frame&) {
    low_seen = low_seen + 1;
    apic(kApicEoi) = 0;
  });
  set_handler(kHighVector, [](Frame&) {
    high_seen = high_seen + 1;
    apic(kApicEoi) = 0;
  });
  apic(kApicSvr) = kApicEnabled | kSpurious;
  write_cr8(5);
  send_to_self(kLowVector);
  send_to_self(kHighVector);
  open_for_interrupts();
  expect_equal("an interrupt of higher priority", high_seen, 1);
  expect_equal("one of the same class waits", low_seen, 0);
  write_cr8(4);
  open_for_interrupts();
  expect_equal("  until CR8 is lowered", low_seen, 1);
  write_cr8(0);
}
