// SPDX-License-Identifier: GPL-2.0-only
#include "emulator/system/control_bits.h"

namespace ring1::emulator {

namespace {

enum CpuidOutput { kEax, kEbx, kEcx, kEdx };

// A CPUID bit and the CR4 bits it makes available.
struct Feature {
  uint32_t leaf;
  CpuidOutput output;
  unsigned bit;
  uint64_t cr4;
};

constexpr Feature kFeatures[] = {
    {1, kEdx, 1, cr4::kVme | cr4::kPvi},
    {1, kEdx, 2, cr4::kDe},
    {1, kEdx, 3, cr4::kPse},
    {1, kEdx, 4, cr4::kTsd},
    {1, kEdx, 6, cr4::kPae},
    {1, kEdx, 7, cr4::kMce},
    {1, kEdx, 13, cr4::kPge},
    {1, kEdx, 24, cr4::kOsfxsr},
    {1, kEdx, 25, cr4::kOsxmmexcpt},
    {1, kEcx, 17, cr4::kPcide},
    {1, kEcx, 26, cr4::kOsxsave},
    {7, kEbx, 0, cr4::kFsgsbase},
    {7, kEbx, 7, cr4::kSmep},
    {7, kEbx, 20, cr4::kSmap},
    {7, kEcx, 2, cr4::kUmip},
    {7, kEcx, 3, cr4::kPke},
    {7, kEcx, 16, cr4::kLa57},
};

constexpr uint32_t kExtendedFeatures = 7;

}  // namespace

uint64_t cr4_known(Machine& machine) {
  uint32_t leaf0[4] = {}, leaf1[4] = {}, leaf7[4] = {};
  machine.cpuid(0, 0, leaf0);
  machine.cpuid(1, 0, leaf1);
  if (leaf0[kEax] >= kExtendedFeatures) machine.cpuid(kExtendedFeatures, 0, leaf7);
  uint64_t known = cr4::kPce;
  for (const Feature& feature : kFeatures) {
    const uint32_t* leaf = feature.leaf == 1 ? leaf1 : leaf7;
    if (leaf[feature.output] & (1u << feature.bit)) known |= feature.cr4;
  }
  return known;
}

uint64_t cr3_reserved(Machine& machine) {
  constexpr uint32_t kAddressSizes = 0x80000008u;
  constexpr uint64_t kNoFlush = uint64_t{1} << 63;
  uint32_t out[4] = {};
  machine.cpuid(kAddressSizes, 0, out);
  const unsigned bits = out[kEax] & 0xff;
  return bits < 64 ? ~uint64_t{0} << bits & ~kNoFlush : 0;
}

}  // namespace ring1::emulator
