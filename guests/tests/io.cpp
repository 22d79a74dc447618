// SPDX-License-Identifier: GPL-2.0-only
// Ports of every size, in every addressing, one by one and in strings.
#include "io.h"

#include "cpu.h"
#include "test.h"

using namespace guest;

namespace {

constexpr uint16_t kScratch = 0x3ff;   // COM1's scratch register: holds a byte
constexpr uint16_t kNothing = 0x0e80;  // no device there
constexpr uint8_t kNmiMask = 0x80, kCmosFree = 0x50;

void sizes() {
  outb(kScratch, 0x5a);
  expect_equal("a byte", inb(kScratch), 0x5a);
  uint32_t eax = 0x11223344;
  asm volatile("inb %%dx, %%al" : "+a"(eax) : "d"(kScratch));
  expect_equal("IN AL keeps the rest of EAX", eax, 0x1122335a);
  expect_equal("nothing there: a byte", inb(kNothing), 0xff);
  expect_equal("nothing there: a word", inw(kNothing), 0xffff);
  expect_equal("nothing there: a double word", inl(kNothing), 0xffffffff);
  eax = 0x11223344;
  asm volatile("inw %%dx, %%ax" : "+a"(eax) : "d"(kNothing));
  expect_equal("IN AX keeps the upper half", eax, 0x1122ffff);
  outw(kNothing, 0x1234);
  outl(kNothing, 0x12345678);
  asm volatile("outb %%al, $0x80; outw %%ax, $0x80; outl %%eax, $0x80" ::"a"(1));
  check(true, "writes of every size to nothing");
}

void strings() {
  const uint8_t out[5] = {1, 2, 3, 4, 0xc3};
  uint8_t in[8] = {};
  uint32_t source = reinterpret_cast<uint32_t>(out), target = reinterpret_cast<uint32_t>(in), count = 5;
  asm volatile("cld; rep outsb" : "+S"(source), "+c"(count) : "d"(kScratch) : "memory");
  expect_equal("REP OUTSB ends with the last byte", inb(kScratch), 0xc3);
  expect_equal("  ESI", source, reinterpret_cast<uint32_t>(out) + 5);
  expect_equal("  ECX", count, 0);
  count = 3;
  asm volatile("rep insb" : "+D"(target), "+c"(count) : "d"(kScratch) : "memory");
  check(in[0] == 0xc3 && in[1] == 0xc3 && in[2] == 0xc3 && in[3] == 0, "REP INSB");
  expect_equal("  EDI", target, reinterpret_cast<uint32_t>(in) + 3);
  target = reinterpret_cast<uint32_t>(in) + 4;
  asm volatile("std; insl; cld" : "+D"(target) : "d"(kNothing) : "memory");
  expect_equal("INSL", *reinterpret_cast<volatile uint32_t*>(in + 4), 0xffffffff);
  expect_equal("  downwards", target, reinterpret_cast<uint32_t>(in));
  count = 0;
  source = 1;
  asm volatile("rep outsb" : "+S"(source), "+c"(count) : "d"(kScratch) : "memory");
  expect_equal("a count of 0 does nothing", inb(kScratch), 0xc3);
  static uint8_t many[4096];
  many[4095] = 0x77;
  source = reinterpret_cast<uint32_t>(many);
  count = sizeof many;
  asm volatile("rep outsb" : "+S"(source), "+c"(count) : "d"(kScratch) : "memory");
  expect_equal("4096 bytes in one instruction", inb(kScratch), 0x77);
}

void cmos() {
  outb(0x70, kNmiMask | kCmosFree);
  const uint8_t old = inb(0x71);
  outb(0x70, kNmiMask | kCmosFree);
  outb(0x71, 0x3c);
  outb(0x70, kNmiMask | kCmosFree);
  expect_equal("a byte of CMOS", inb(0x71), 0x3c);
  outb(0x70, kNmiMask | kCmosFree);
  outb(0x71, old);
  outb(0x70, kNmiMask | 0xd);
  check(inb(0x71) & 0x80, "its battery is well");
}

}  // namespace

void run_tests() {
  sizes();
  strings();
  cmos();
}
