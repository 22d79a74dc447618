// SPDX-License-Identifier: GPL-2.0-only
// A VMCB as lines of text, for the log of a virtual machine that died.
#pragma once

#include "hwaccel/svm/vmcb.h"

namespace ring1::hwaccel::svm {

// Rows of name and value, in the order of the manual.
struct VmcbRow {
  const char* name;
  uint64_t value;
};

// Calls sink(row) for everything that VMRUN checks and #VMEXIT reports.
inline constexpr unsigned kVmcbRows = 40;
unsigned dump_rows(const Vmcb& vmcb, VmcbRow rows[kVmcbRows]);

}  // namespace ring1::hwaccel::svm
