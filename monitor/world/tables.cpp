// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/world/tables.h"

#include "monitor/world/hardware.h"

extern "C" const char ring1_idt_stubs[];

namespace ring1::monitor {
namespace {

constexpr unsigned kStubBytes = 16;
constexpr uint64_t kInterruptGate = 0x8e;  // present, type 14 (SDM 3A 6.14.1)
constexpr unsigned kVectors = 256, kAccessShift = 40, kDplShift = kAccessShift + 5;

struct Gate {
  uint64_t low, high;
};

// 64-bit TSS (SDM 3A 7.7).
struct [[gnu::packed]] Tss {
  uint32_t reserved0;
  uint64_t rsp[3];
  uint64_t reserved1;
  uint64_t ist[7];
  uint64_t reserved2;
  uint16_t reserved3;
  uint16_t io_map_base;
};

}  // namespace

void build_tables(ring1_switch& page) {
  auto* idt = reinterpret_cast<Gate*>(page.monitor_idt);
  for (unsigned vector = 0; vector < kVectors; vector++) {
    const uint64_t handler = reinterpret_cast<uint64_t>(ring1_idt_stubs) + vector * kStubBytes;
    idt[vector].low = (handler & 0xffff) | uint64_t{RING1_SEL_CODE64} << 16 | kInterruptGate << kAccessShift |
                      (handler >> 16 & 0xffff) << 48;
    idt[vector].high = handler >> 32;
  }
  reinterpret_cast<Tss*>(page.tss)->io_map_base = sizeof(Tss);  // beyond the limit: no port is open to the guest
}

void open_gate(ring1_switch& page, unsigned vector, unsigned dpl) {
  reinterpret_cast<Gate*>(page.monitor_idt)[vector % kVectors].low |= uint64_t{dpl} << kDplShift;
}

void set_trap_stack(ring1_switch& page, uint64_t top) { reinterpret_cast<Tss*>(page.tss)->rsp[0] = top; }

void load_tables(const ring1_switch& page) {
  hardware::lgdt({RING1_GDT_BYTES - 1, page.shadow_gdt});
  hardware::lidt({4095, page.monitor_idt});
  hardware::lldt(static_cast<uint16_t>(page.ldt_selector));
}

}  // namespace ring1::monitor
