// SPDX-License-Identifier: GPL-2.0-only
#include "devices.h"

namespace guest {

namespace {
constexpr uint16_t kMaster = 0x20, kSlave = 0xa0;
constexpr uint8_t kIcw1 = 0x11, kIcw4 = 0x01, kEoi = 0x20, kReadIrr = 0x0a, kReadIsr = 0x0b;
constexpr uint16_t kPitChannel0 = 0x40, kPitControl = 0x43;
constexpr unsigned kCascade = 2;

void init_one(uint16_t base, uint8_t vector, uint8_t wiring) {
  outb(base, kIcw1);
  outb(base + 1, vector);
  outb(base + 1, wiring);
  outb(base + 1, kIcw4);
  outb(base + 1, 0xff);
}

volatile uint32_t& ioapic(uint32_t offset) {
  return *reinterpret_cast<volatile uint32_t*>(uintptr_t{0xfec00000} + offset);
}
}  // namespace

void pic_init() {
  init_one(kMaster, kPicBase, 1 << kCascade);
  init_one(kSlave, kPicSlaveBase, kCascade);
}

void pic_unmask(unsigned line) {
  const uint16_t base = line < 8 ? kMaster : kSlave;
  outb(base + 1, static_cast<uint8_t>(inb(base + 1) & ~(1u << (line & 7))));
  if (line >= 8) pic_unmask(kCascade);
}

void pic_mask_all() {
  outb(kMaster + 1, 0xff);
  outb(kSlave + 1, 0xff);
}

void pic_eoi(unsigned line) {
  if (line >= 8) outb(kSlave, kEoi);
  outb(kMaster, kEoi);
}

uint8_t pic_requests() {
  outb(kMaster, kReadIrr);
  return inb(kMaster);
}

uint8_t pic_in_service() {
  outb(kMaster, kReadIsr);
  const uint8_t value = inb(kMaster);
  outb(kMaster, kReadIrr);
  return value;
}

void pit_start(uint32_t count, uint8_t mode) {
  outb(kPitControl, static_cast<uint8_t>(0x30 | mode << 1));
  outb(kPitChannel0, static_cast<uint8_t>(count));
  outb(kPitChannel0, static_cast<uint8_t>(count >> 8));
}

uint16_t pit_count(unsigned channel) {
  outb(kPitControl, static_cast<uint8_t>(channel << 6));  // latch
  const auto port = static_cast<uint16_t>(kPitChannel0 + channel);
  const uint8_t low = inb(port);
  return static_cast<uint16_t>(low | inb(port) << 8);
}

uint32_t ioapic_read(uint8_t index) {
  ioapic(0) = index;
  return ioapic(0x10);
}

void ioapic_write(uint8_t index, uint32_t value) {
  ioapic(0) = index;
  ioapic(0x10) = value;
}

}  // namespace guest
