// SPDX-License-Identifier: GPL-2.0-only
// The 8259s and the 8254: counting, masking, priorities, the speaker gate.
#include "cpu.h"
#include "devices.h"
#include "interval.h"
#include "tables.h"
#include "test.h"

using namespace guest;

namespace {

constexpr uint16_t kSpeaker = 0x61;
volatile uint32_t ticks;
volatile bool eoi_in_handler = true;

void on_tick(Frame&) {
  ticks = ticks + 1;
  if (eoi_in_handler) pic_eoi(0);
}

void masks() {
  outb(0x21, 0xa5);
  expect_equal("the master's mask reads back", inb(0x21), 0xa5);
  outb(0xa1, 0x5a);
  expect_equal("the slave's mask reads back", inb(0xa1), 0x5a);
  pic_mask_all();
  pit_start(kPitHz / 1000, 2);
  sti();
  for (unsigned i = 0; i < 100; ++i) (void)pit_count(0);
  while (!(pic_requests() & 1)) pause();
  cli();
  expect_equal("no interrupt of a masked line", ticks, 0);
  pic_unmask(0);
  asm volatile("sti; nop; cli" ::: "memory");
  check(ticks >= 1, "it comes when the mask goes");
  pic_mask_all();
}

void counting() {
  ticks = 0;
  pit_start(kPitHz / 1000, 2);
  pic_unmask(0);
  while (ticks < 50) asm volatile("sti; hlt; cli" ::: "memory");
  check(true, "50 ticks with HLT");
  ticks = 0;
  sti();
  for (uint32_t i = 0; ticks < 50 && i < 2000000000; ++i) asm volatile("" ::: "memory");
  cli();
  check(ticks >= 50, "50 ticks in a loop");
  pic_mask_all();
}

// Without EOI the line stays in service and nothing of its priority or below comes.
void in_service() {
  ticks = 0;
  eoi_in_handler = false;
  pit_start(kPitHz / 2000, 2);
  pic_unmask(0);
  while (!ticks) asm volatile("sti; hlt; cli" ::: "memory");
  expect_equal("in service", pic_in_service() & 1, 1);
  while (!(pic_requests() & 1)) pause();
  asm volatile("sti; nop; nop; cli" ::: "memory");
  expect_equal("no second one before EOI", ticks, 1);
  pic_eoi(0);
  expect_equal("EOI ends it", pic_in_service() & 1, 0);
  asm volatile("sti; nop; nop; cli" ::: "memory");
  expect_equal("then the next comes", ticks, 2);
  pic_eoi(0);
  eoi_in_handler = true;
  pic_mask_all();
}

void counters() {
  pit_start(0xffff, 2);
  const uint16_t first = pit_count(0);
  // It may have begun anew while somebody else had the processor, but not most of the time.
  unsigned down = 0, up = 0;
  uint16_t last = first;
  for (unsigned i = 0; i < 1000000 && down + up < 20; ++i) {
    const uint16_t count = pit_count(0);
    down += count < last;
    up += count > last;
    last = count;
  }
  check(down > up, "channel 0 counts down");
  outb(0x43, 0xe2);  // read-back of channel 0's status
  expect_equal("read-back tells mode and access", inb(0x40) & 0x3f, 0x34);
}

// Channel 2 with the speaker's gate, as kernels use it to calibrate their clocks: between which TSC readings it was
// started and was over.
Interval tsc_of_one_shot(uint32_t milliseconds) {
  const uint32_t count = kPitHz / 1000 * milliseconds;
  outb(kSpeaker, static_cast<uint8_t>((inb(kSpeaker) & ~2) | 1));
  outb(0x43, 0xb0);
  outb(0x42, static_cast<uint8_t>(count));
  Interval start{rdtsc(), 0}, end{};
  outb(0x42, static_cast<uint8_t>(count >> 8));
  start.high = end.low = rdtsc();
  for (bool over = false; !over;) {
    const uint64_t before = rdtsc();
    over = inb(kSpeaker) & 0x20;
    end.high = rdtsc();
    if (!over) end.low = before;
  }
  return elapsed(start, end);
}

void speaker_gate() {
  Interval one = kAnytime, three = kAnytime;
  for (unsigned i = 0; i < 5; ++i) {
    one = both(one, widened(tsc_of_one_shot(10), 50));
    three = both(three, widened(tsc_of_one_shot(30), 50));
  }
  check(!one.empty() && one.high > 1000, "a one-shot takes its time (%u cycles for 10 ms)",
        static_cast<uint32_t>(one.high));
  check(!three.empty() && three.low <= 3 * one.high && three.high >= 3 * one.low,
        "three times as long takes three times as long (%u)", static_cast<uint32_t>(three.high));
  outb(kSpeaker, static_cast<uint8_t>(inb(kSpeaker) & ~3));
  outb(0x43, 0xb0);
  outb(0x42, 0xff);
  outb(0x42, 0x01);
  const uint16_t held = pit_count(2);
  for (unsigned i = 0; i < 1000; ++i) (void)inb(kSpeaker);
  if (pit_count(2) != held)
    skip("a closed gate holds the count", "QEMU's PIT counts on in mode 0");
  else
    check(true, "a closed gate holds the count");
  check(!(inb(kSpeaker) & 1), "the gate reads back");
  outb(kSpeaker, static_cast<uint8_t>(inb(kSpeaker) | 1));
  check(inb(kSpeaker) & 1, "  open too");
}

}  // namespace

void run_tests() {
  set_handler(kPitVector, on_tick);
  set_handler(kPicBase + 7, [](Frame&) {});  // spurious
  masks();
  counting();
  in_service();
  counters();
  speaker_gate();
}
