// SPDX-License-Identifier: GPL-2.0-only
// Random instances of the instruction forms as 64-bit code: REX, sixteen registers, 64-bit operands and addresses.
#pragma once

#include <random>
#include <string>

#include "emulator_core_forms.h"
#include "emulator_long_native.h"

namespace ring1::emulator::test {

struct LongCase {
  const Form* form;
  uint64_t data_base;  // LongNative::kLowData or kHighData
  uint8_t bytes[20];
  unsigned length;
  uint32_t undefined;
  LongState state;
};

// The forms that exist in 64-bit code, and those that exist only there.
std::vector<Form> long_forms();

LongCase make_long_case(const Form& form, std::mt19937_64& random, uint8_t* data);

std::string describe(const LongCase& the_case);

}  // namespace ring1::emulator::test
