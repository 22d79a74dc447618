// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/tables.h"

#include "monitor/hardware.h"
#include "monitor/trap_block.h"
#include "translator/shared_page.h"
#include "x86/exception.h"

extern "C" const char ring1_idt_stubs[];

namespace ring1::monitor {
namespace {

constexpr unsigned kStubBytes = 16;
constexpr uint64_t kInterruptGate = 0x8e;  // present, type 14 (SDM 3A 6.14.1)
constexpr unsigned kSystemCallVector = 0x80;

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

// Who may reach a vector by INT n; everything else raises #GP, and the monitor decodes the instruction.
unsigned gate_dpl(unsigned vector) {
  using translator::CalloutVector;
  switch (vector) {
    case static_cast<unsigned>(CalloutVector::kExit):
    case static_cast<unsigned>(CalloutVector::kEmulate):
    case static_cast<unsigned>(CalloutVector::kIndirectMiss):
    case static_cast<unsigned>(CalloutVector::kInterrupt):
    case static_cast<unsigned>(CalloutVector::kReadTsc): return 1;
    case static_cast<unsigned>(Vector::kBp):
    case static_cast<unsigned>(Vector::kOf):
    case kSystemCallVector: return 3;
    default: return 0;
  }
}

}  // namespace

void build_tables(ring1_switch& page, TrapBlock& block) {
  auto* idt = reinterpret_cast<Gate*>(page.monitor_idt);
  for (unsigned vector = 0; vector < 256; vector++) {
    const uint64_t handler = reinterpret_cast<uint64_t>(ring1_idt_stubs) + vector * kStubBytes;
    const uint64_t access = kInterruptGate | gate_dpl(vector) << 5;
    idt[vector].low =
        (handler & 0xffff) | uint64_t{RING1_SEL_CODE64} << 16 | access << 40 | (handler >> 16 & 0xffff) << 48;
    idt[vector].high = handler >> 32;
  }
  auto* tss = reinterpret_cast<Tss*>(page.tss);
  tss->rsp[0] = reinterpret_cast<uint64_t>(&block) + TB_END;
  tss->io_map_base = sizeof(Tss);  // beyond the limit: no port is open to the guest
}

void load_tables(const ring1_switch& page) {
  hardware::lgdt({RING1_GDT_BYTES - 1, page.shadow_gdt});
  hardware::lidt({4095, page.monitor_idt});
  hardware::lldt(static_cast<uint16_t>(page.ldt_selector));
}

}  // namespace ring1::monitor
