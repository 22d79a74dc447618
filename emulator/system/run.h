// SPDX-License-Identifier: GPL-2.0-only
// The bridge from a decoded instruction to the transactions of sys.h.
#pragma once

#include "emulator/context.h"
#include "emulator/system/sys.h"

namespace ring1::emulator {

// Runs `operation` on a copy of the CPU and keeps the result if it succeeded. After a task switch a fault belongs to
// the new task, so the instruction's snapshot follows.
template <class Operation>
Outcome run(Context& c, Operation operation) {
  Sys sys(c.cpu, c.machine, c.fault);
  const Outcome outcome = sys.finish(operation(sys));
  if (sys.committed() && c.saved != nullptr) c.commit();
  return outcome;
}

// #GP(0) unless CPL is 0.
inline bool require_cpl0(Context& c) { return c.cpl() == 0 || c.fail(Vector::kGp); }

constexpr SegmentRegister segment_number(ZydisRegister reg) {
  return static_cast<SegmentRegister>(reg - ZYDIS_REGISTER_ES);
}
constexpr bool is_segment_register(ZydisRegister reg) { return reg >= ZYDIS_REGISTER_ES && reg <= ZYDIS_REGISTER_GS; }

}  // namespace ring1::emulator
