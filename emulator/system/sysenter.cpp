// SPDX-License-Identifier: GPL-2.0-only
// SYSENTER and SYSEXIT (SDM 2B).
#include "emulator/system/far_transfer.h"

namespace ring1::emulator {

namespace {

constexpr uint32_t kFlatLimit = 0xffffffff;
constexpr uint32_t kFlatData =
    RING1_AR_P | RING1_AR_S | RING1_AR_WRITABLE | RING1_AR_ACCESSED | RING1_AR_DB | RING1_AR_G;
constexpr uint32_t kFlatCode = kFlatData | RING1_AR_CODE;

ring1_segment flat(uint32_t selector, uint32_t access, unsigned cpl) {
  ring1_segment segment{};
  segment.limit = kFlatLimit;
  segment.access = access | cpl << RING1_AR_DPL_SHIFT;
  segment.selector = static_cast<uint16_t>((selector & ~3u) | cpl);
  return segment;
}

void enter_flat(ring1_cpu_state& cpu, uint32_t code, uint32_t stack, unsigned cpl, uint64_t eip, uint64_t esp) {
  cpu.seg[kCs] = flat(code, kFlatCode, cpl);
  cpu.seg[kSs] = flat(stack, kFlatData, cpl);
  cpu.rip = static_cast<uint32_t>(eip);
  cpu.gpr[kRsp] = static_cast<uint32_t>(esp);
}

}  // namespace

Outcome sysenter(Sys& sys) {
  ring1_cpu_state& cpu = sys.cpu;
  const auto base = static_cast<uint32_t>(cpu.sysenter_cs & 0xfffc);
  if (real_mode_of(cpu) || base == 0) return sys.raise(Vector::kGp);
  cpu.rflags &= ~uint64_t{eflags::kVm | eflags::kIf | eflags::kRf};
  enter_flat(cpu, base, base + 8, 0, cpu.sysenter_eip, cpu.sysenter_esp);
  return Outcome::kDone;
}

Outcome sysexit(Sys& sys) {
  ring1_cpu_state& cpu = sys.cpu;
  const auto base = static_cast<uint32_t>(cpu.sysenter_cs & 0xfffc);
  if (real_mode_of(cpu) || base == 0 || cpl_of(cpu) != 0) return sys.raise(Vector::kGp);
  enter_flat(cpu, base + 16, base + 24, 3, cpu.gpr[kRdx], cpu.gpr[kRcx]);
  return Outcome::kDone;
}

}  // namespace ring1::emulator
