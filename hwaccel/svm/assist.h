// SPDX-License-Identifier: GPL-2.0-only
// Where the processor saves the next RIP and assists in decoding, an exit tells which instruction it was: then nobody
// walks the guest's page tables once more to fetch it.
#pragma once

#include <cstdint>

#include "hwaccel/svm/vmcb.h"
#include "x86/instruction_bytes.h"

namespace ring1::hwaccel::svm {

// How far nRIP lies behind RIP; 0 if it is not saved, or not for this exit (APM 2 15.7.1).
unsigned next_rip_distance(const Vmcb& vmcb, uint32_t features);

// The instruction of this exit. After a page fault, the bytes that the processor had fetched (APM 2 15.33.5). For other
// exits one that does the same and is spelled in the plainest way, with the length of the real one: of that prefixes do
// not show.
InstructionBytes instruction_of(const Vmcb& vmcb, uint32_t features);

// INVLPG names its linear address (APM 2 15.33.3), and there is nothing else to know. False: it must be decoded.
bool invlpg_address(const Vmcb& vmcb, uint32_t features, uint64_t* linear);

}  // namespace ring1::hwaccel::svm
