// SPDX-License-Identifier: GPL-2.0-only
#include "emulator_core_qemu.h"

namespace ring1::emulator::test {

const char* name(Difference difference) {
  static const char* const names[] = {"no difference", "a fault on one side", "register", "target", "memory", "flags",
                                      "endless"};
  return names[static_cast<int>(difference)];
}

bool qemu_differs(const Form& form, Difference difference) {
  struct Known {
    std::vector<uint8_t> opcode;
    int reg;
    Difference difference;
  };
  static const Known known[] = {
      {{0xf6}, 1, Difference::kFault},            // TEST like /0 (APM 3 A, group 3); QEMU raises #UD
      {{0xf7}, 1, Difference::kFault},            // the same
      {{0x0f, 0xa4}, -1, Difference::kMemory},    // SHLD with RIP-relative operand: QEMU forgets the immediate's byte
      {{0x0f, 0xac}, -1, Difference::kMemory},    // SHRD: the same
      {{0x0f, 0xbc}, -1, Difference::kRegister},  // BSF of a 32-bit zero: QEMU clears the destination's upper half
      {{0x0f, 0xbd}, -1, Difference::kRegister},  // BSR: the same
  };
  for (const Known& row : known)
    if (form.opcode == row.opcode && form.reg == row.reg && difference == row.difference) return true;
  return false;
}

}  // namespace ring1::emulator::test
