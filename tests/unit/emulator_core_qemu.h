// SPDX-License-Identifier: GPL-2.0-only
// How an instance of an instruction can differ between the interpreter and a processor, and what QEMU's TCG is known to
// get wrong: the tests then run on the emulated host.
#pragma once

#include "emulator_core_forms.h"

namespace ring1::emulator::test {

enum class Difference {
  kNone,
  kFault,     // one of the two faulted
  kRegister,  // a general register
  kTarget,    // where the code went on
  kMemory,
  kFlags,    // a flag that the manual defines
  kEndless,  // the processor did not get to the end
};

const char* name(Difference difference);

// QEMU 7.2 is known to be wrong in such an instance of `form`.
bool qemu_differs(const Form& form, Difference difference);

}  // namespace ring1::emulator::test
