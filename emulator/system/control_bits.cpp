// SPDX-License-Identifier: GPL-2.0-only
#include "emulator/system/control_bits.h"

namespace ring1::emulator {

namespace {

enum CpuidOutput { kEax, kEbx, kEcx, kEdx };

// A bit of CPUID.1:EDX and the CR4 bits it makes available. A VMM may claim more in CPUID than there is, and gets no
// more by it: XCR0 and PKRU, behind OSXSAVE and PKE, are the host's (docs/races.md), and no engine knows the others.
// VME is not offered: where virtual-8086 mode is interpreted nobody looks at VIF, VIP and the TSS' map of redirected
// interrupts, and PVI is of that kind.
struct Feature {
  unsigned bit;
  uint64_t cr4;
};

// clang-format off
constexpr Feature kFeatures[] = {
    {2, cr4::kDe},
    {3, cr4::kPse},
    {4, cr4::kTsd},
    {6, cr4::kPae},
    {7, cr4::kMce},
    {13, cr4::kPge},
    {24, cr4::kOsfxsr},
    {25, cr4::kOsxmmexcpt},
};
// clang-format on

}  // namespace

uint64_t cr4_known(Machine& machine) {
  uint32_t leaf[4] = {};
  machine.cpuid(1, 0, leaf);
  uint64_t known = cr4::kPce;
  for (const Feature& feature : kFeatures)
    if (leaf[kEdx] & (1u << feature.bit)) known |= feature.cr4;
  return known;
}

uint64_t cr3_reserved(Machine& machine) {
  constexpr uint32_t kAddressSizes = 0x80000008u;
  constexpr uint64_t kNoFlush = uint64_t{1} << 63;
  uint32_t out[4] = {};
  machine.cpuid(kAddressSizes, 0, out);
  constexpr unsigned kLeast = 32, kMost = 52, kUnsaid = 36;
  const unsigned said = out[kEax] & 0xff, bits = said < kLeast || said > kMost ? kUnsaid : said;
  return ~uint64_t{0} << bits & ~kNoFlush;
}

}  // namespace ring1::emulator
