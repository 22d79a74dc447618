// SPDX-License-Identifier: GPL-2.0-only
// Non-maskable interrupts in 64-bit mode: on their own stack, one at a time until IRET, at ring 3 too (APM 2 8.2.3).
#include "devices.h"
#include "kernel.h"

using namespace guest;

namespace {

constexpr unsigned kNmi = 2, kSpurious = 0xff;
volatile unsigned seen, deepest, depth, more;
volatile uint64_t frame_at, cs_seen, flags_seen;

void send_to_self() {
  constexpr uint32_t kSelf = 1u << 18, kDeliverNmi = 4u << 8;
  apic(kApicIcr) = kSelf | kDeliverNmi;
}

void on_nmi(Frame& frame) {
  seen = seen + 1;
  depth = depth + 1;
  if (depth > deepest) deepest = depth;
  frame_at = address_of(&frame);
  cs_seen = frame.cs;
  flags_seen = frame.rflags;
  if (more) {
    more = more - 1;
    send_to_self();
    for (unsigned i = 0; i < 100; ++i) asm volatile("nop");
  }
  depth = depth - 1;
}

}  // namespace

void run_tests() {
  set_handler(kNmi, on_nmi);
  set_gate(kNmi, 2, 0);
  apic(kApicSvr) = kApicEnabled | kSpurious;
  cli();
  send_to_self();
  for (unsigned i = 0; i < 100 && !seen; ++i) asm volatile("nop");
  expect_equal("an NMI with IF clear", seen, 1);
  expect_equal("  on its stack of the table", frame_at + sizeof(Frame), address_of(ist_stacks[1] + kIstBytes));
  expect_equal("  IF of the interrupted code", flags_seen & kFlagIf, 0);

  seen = 0;
  more = 2;
  send_to_self();
  for (unsigned i = 0; i < 100 && seen < 3; ++i) asm volatile("nop");
  expect_equal("NMIs sent by the handler of one", seen, 3);
  expect_equal("  come after its IRET", deepest, 1);

  seen = 0;
  run_user(
      [] {
        send_to_self();
        for (unsigned i = 0; i < 100 && !seen; ++i) asm volatile("nop");
      },
      kFlagFixed | kFlagIf);
  expect_equal("an NMI at ring 3", seen, 1);
  expect_equal("  CS", cs_seen, kCode3);
  expect_equal("  IF", flags_seen & kFlagIf, kFlagIf);

  seen = 0;
  for (unsigned i = 0; i < 200; ++i) send_to_self();
  check(seen >= 1, "many in a row");
  const unsigned before = seen;
  send_to_self();
  for (unsigned i = 0; i < 100 && seen == before; ++i) asm volatile("nop");
  expect_equal("  and one more", seen, before + 1);
}
