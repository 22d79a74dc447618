// SPDX-License-Identifier: GPL-2.0-only
// What a kernel finds at its start, and ports that it may wait for, as on QEMU.
#include "cpu.h"
#include "io.h"
#include "test.h"

using namespace guest;

extern "C" const uint16_t start_selectors[3];

namespace {

constexpr uint16_t kPciAddress = 0xcf8, kSystemControl = 0x92, kKeyboardData = 0x60, kKeyboardCommand = 0x64;
constexpr uint8_t kA20 = 2, kOutputFull = 1, kInputFull = 2;

uint16_t word_at(uint32_t address) {
  uint16_t value;
  asm volatile("movw (%1), %0" : "=r"(value) : "r"(address) : "memory");
  return value;
}

bool keyboard_says(uint8_t bit, bool set) {
  for (unsigned i = 0; i < 100000; ++i)
    if (!(inb(kKeyboardCommand) & bit) == !set) return true;
  return false;
}

uint8_t output_port() {
  if (!keyboard_says(kInputFull, false)) return 0;
  outb(kKeyboardCommand, 0xd0);
  return keyboard_says(kOutputFull, true) ? inb(kKeyboardData) : 0;
}

void a20() {
  check(inb(kSystemControl) & kA20, "A20 is on, by port 0x92");
  outb(kKeyboardCommand, 0xad);
  while (inb(kKeyboardCommand) & kOutputFull) (void)inb(kKeyboardData);
  check(output_port() & kA20, "  and by the keyboard controller");
  outb(kKeyboardCommand, 0xd1);
  check(keyboard_says(kInputFull, false), "it takes the output port's value");
  outb(kKeyboardData, 0xdf);
  check(output_port() & kA20, "  and gives it back");
  outb(kSystemControl, kA20);
  check(inb(kSystemControl) & kA20, "port 0x92 gives back what was written");
}

}  // namespace

void run_tests() {
  expect_equal("CS", start_selectors[0], 0x08);
  expect_equal("DS", start_selectors[1], 0x10);
  expect_equal("SS", start_selectors[2], 0x10);
  expect_equal("COM1 in the BIOS' data", word_at(0x400), 0x3f8);
  expect_equal("memory below 640 KiB", word_at(0x413), 639);
  expect_equal("the extended data area", word_at(0x40e), 0x9fc0);
  outl(kPciAddress, 0x80000600);
  check(true, "an address of PCI's is no reset");
  a20();
}
