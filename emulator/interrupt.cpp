// SPDX-License-Identifier: GPL-2.0-only
// INT n INT3 INTO INT1 UD. The saved RIP is that of the next instruction; a fault on the way to the handler
// belongs to the instruction itself.
#include "emulator/flags.h"
#include "emulator/handlers.h"
#include "emulator/system/handlers.h"

namespace ring1::emulator {
namespace {

// Delivery clears TF, so no single-step trap follows.
Outcome interrupt(Context& c, uint8_t vector) {
  c.trap_due = false;
  return software_interrupt(c, vector);
}

}  // namespace

Outcome op_int(Context& c) {
  if (c.vm86() && c.iopl() != 3) return c.raise(Vector::kGp);
  return interrupt(c, static_cast<uint8_t>(c.immediate(0)));
}

Outcome op_int3(Context& c) { return interrupt(c, static_cast<uint8_t>(Vector::kBp)); }

Outcome op_into(Context& c) {
  return flag(c, eflags::kOf) ? interrupt(c, static_cast<uint8_t>(Vector::kOf)) : Outcome::kDone;
}

// INT1 raises #DB like hardware does: no check of the gate's DPL.
Outcome op_int1(Context& c) {
  c.trap_due = false;
  *c.fault = Fault{Vector::kDb};
  return Outcome::kTrap;
}

Outcome op_ud(Context& c) { return c.raise(Vector::kUd); }

}  // namespace ring1::emulator
