// SPDX-License-Identifier: GPL-2.0-only
// What makes a guest exit. As little as possible: everything else runs as on the bare processor.
#pragma once

#include "hwaccel/svm/vmcb.h"

namespace ring1::hwaccel::svm {

struct Needs {
  bool nested_paging = false;
  bool watch_cr0 = false;    // the guest's CR0 in the processor is not what the guest must read, or its writes matter
  bool nmi_blocked = false;  // the guest's IRET ends that
  bool interrupt_window = false;
};

void set_intercepts(const Needs& needs, VmcbControl* control);

// Both bitmaps say "exit" where a bit is set.
inline constexpr unsigned kIoBitmapBytes = 3 * 4096, kMsrBitmapBytes = 2 * 4096;
void fill_io_bitmap(uint8_t* bitmap);   // every port
void fill_msr_bitmap(uint8_t* bitmap);  // every register but those that VMRUN or VMLOAD load for the guest

}  // namespace ring1::hwaccel::svm
