// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/vmx/vmcs.h"

#include "base/assert.h"
#include "monitor/world/hardware.h"
#include "monitor/vmx/instructions.h"

extern "C" const char ring1_vmx_exited[];

namespace ring1::monitor {
namespace {

constexpr uint32_t kMsrSysenterEsp = 0x175, kMsrSysenterEip = 0x176;

static_assert(static_cast<uint32_t>(Vmcs::Field::kHostRsp) == 0x6c14, "as in entry.S");

struct Named {
  Vmcs::Field field;
  char name[24];
};

constexpr Named kFields[] = {
#define X(name, width, area, index) {Vmcs::Field::k##name, #name},
    RING1_VMCS_FIELDS(X)
#undef X
};

}  // namespace

bool Vmcs::init() {
  const uint64_t address = host_.switch_page().vmcs;
  // What a new region holds of the launch state is nobody's business but the processor's (SDM 3C 25.11.3).
  if (!address || !vmx_instructions::vmclear(address)) return false;
  if (!vmx_instructions::vmptrld(address)) return false;
  host_.switch_page().vmcs_launched = 0;
  seen_visits_ = host_.visits();
  write_host_state();
  write_processor_state();
  return true;
}

bool Vmcs::make_current() {
  if (seen_visits_ != host_.visits()) {
    seen_visits_ = host_.visits();
    const bool loaded = vmx_instructions::vmptrld(host_.switch_page().vmcs);
    RING1_ASSERT(loaded);
    if (!host_.switch_page().vmcs_launched) {
      write_processor_state();
      moved_ = true;
    }
  }
  const bool moved = moved_;
  moved_ = false;
  return moved;
}

uint64_t Vmcs::read(Field field) {
  if (seen_visits_ != host_.visits()) moved_ = make_current();
  return vmx_instructions::vmread(field);
}

void Vmcs::write(Field field, uint64_t value) {
  if (seen_visits_ != host_.visits()) moved_ = make_current();
  const bool written = vmx_instructions::vmwrite(field, value);
  RING1_ASSERT(written);
}

// The monitor's world, the same on every processor (SDM 3C 25.5). DS, ES, FS, GS and SS are null in it. An exit leaves
// limits of 0xffff in GDTR and IDTR: the tables are as large, or end before.
void Vmcs::write_host_state() {
  const ring1_switch& page = host_.switch_page();
  write(Field::kHostCr3, page.mon_cr3);
  for (unsigned i = 0; i < 6; i++) write(hwaccel::vmx::nth(Field::kHostEsSelector, i), 0);
  write(Field::kHostCsSelector, RING1_SEL_CODE64);
  write(Field::kHostTrSelector, RING1_SEL_TSS);
  write(Field::kHostFsBase, 0);
  write(Field::kHostGsBase, 0);
  write(Field::kHostTrBase, page.tss);
  write(Field::kHostGdtrBase, page.shadow_gdt);
  write(Field::kHostIdtrBase, page.monitor_idt);
  write(Field::kHostSysenterCs, 0);
  write(Field::kHostRip, reinterpret_cast<uint64_t>(ring1_vmx_exited));
}

// What an exit must leave as the host has it on this processor, because the world switch does not save it.
void Vmcs::write_processor_state() {
  const ring1_switch& page = host_.switch_page();
  write(Field::kHostCr0, page.mon_cr0);
  write(Field::kHostCr4, page.mon_cr4);
  write(Field::kHostSysenterEsp, hardware::read_msr(kMsrSysenterEsp));
  write(Field::kHostSysenterEip, hardware::read_msr(kMsrSysenterEip));
  if (has_efer) write(Field::kHostEfer, page.mon_efer);
}

void Vmcs::dump(Log& log) {
  log.line("VMCS:");
  for (const Named& named : kFields)
    if (const uint64_t value = read(named.field)) log.line("  %s %lx", named.name, value);
}

}  // namespace ring1::monitor
