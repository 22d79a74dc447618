// SPDX-License-Identifier: GPL-2.0-only
// What a processor's VMX can do, and the controls we set on it (SDM 3D appendix A).
#pragma once

#include <cstdint>

namespace ring1::hwaccel::vmx {

// Numbers of the capability registers.
namespace msr {
inline constexpr uint32_t kBasic = 0x480, kPin = 0x481, kProcessor = 0x482, kExit = 0x483, kEntry = 0x484;
inline constexpr uint32_t kMisc = 0x485, kCr0Fixed0 = 0x486, kCr0Fixed1 = 0x487, kCr4Fixed0 = 0x488;
inline constexpr uint32_t kCr4Fixed1 = 0x489, kSecondary = 0x48b, kEptVpid = 0x48c, kTrueOffset = 0x48d - 0x481;
}  // namespace msr

// Raw values. pin, processor, exit and entry come from the TRUE registers where there are such (A.2); secondary and
// ept_vpid are 0 where there are none.
struct CapabilityMsrs {
  uint64_t basic = 0, pin = 0, processor = 0, exit = 0, entry = 0, misc = 0;
  uint64_t cr0_fixed0 = 0, cr0_fixed1 = 0, cr4_fixed0 = 0, cr4_fixed1 = 0, secondary = 0, ept_vpid = 0;
};

// Reads them in the order their existence depends on each other; `read(number)` is RDMSR.
template <class Read>
CapabilityMsrs read_capabilities(Read read);

// Low half: bits that must be 1; high half: bits that may be (A.3).
struct ControlRange {
  uint32_t must, may;
  constexpr explicit ControlRange(uint64_t msr)
      : must(static_cast<uint32_t>(msr)), may(static_cast<uint32_t>(msr >> 32)) {}
  constexpr bool offers(uint32_t bits) const { return (may & bits) == bits; }
  constexpr bool can_be_clear(uint32_t bits) const { return (must & bits) == 0; }
};

// The lack that makes VMX unusable, or kNone.
enum class Lack : uint8_t {
  kNone,
  kMemoryType,          // VMCS not in write-back memory
  kInterruptExiting,    // external-interrupt and NMI exiting
  kInstructionExiting,  // HLT, I/O, MOV DR, interrupt window, TSC offsetting, CR8
  kHost64,              // exits to a 64-bit host
  kPagingControls,      // without EPT: exits on CR3 and INVLPG
};
const char* describe(Lack lack);

// What the user allows: features can be given up, to test what older processors do.
struct Wish {
  bool ept = true, vpid = true, unrestricted_guest = true, tpr_shadow = true;
};

struct Controls {
  Lack lack = Lack::kNone;
  uint32_t pin = 0, processor = 0, secondary = 0, exit = 0, entry = 0;

  bool ept = false, vpid = false, unrestricted_guest = false, virtual_nmis = false, msr_bitmaps = false;
  bool tpr_shadow = false, efer = false;  // efer: switched by the processor
  bool ept_large = false, ept_dirty = false;
  uint64_t ept_pointer_bits = 0;                                  // of the EPT pointer, besides the address
  uint64_t cr0_must = 0, cr0_may = 0, cr4_must = 0, cr4_may = 0;  // while the guest runs
};

Controls choose_controls(const CapabilityMsrs& msrs, const Wish& wish);

constexpr uint32_t revision_of(const CapabilityMsrs& msrs) { return static_cast<uint32_t>(msrs.basic) & 0x7fffffff; }

template <class Read>
CapabilityMsrs read_capabilities(Read read) {
  CapabilityMsrs msrs;
  msrs.basic = read(msr::kBasic);
  const uint32_t more = msrs.basic >> 55 & 1 ? msr::kTrueOffset : 0;
  msrs.pin = read(msr::kPin + more);
  msrs.processor = read(msr::kProcessor + more);
  msrs.exit = read(msr::kExit + more);
  msrs.entry = read(msr::kEntry + more);
  msrs.misc = read(msr::kMisc);
  msrs.cr0_fixed0 = read(msr::kCr0Fixed0);
  msrs.cr0_fixed1 = read(msr::kCr0Fixed1);
  msrs.cr4_fixed0 = read(msr::kCr4Fixed0);
  msrs.cr4_fixed1 = read(msr::kCr4Fixed1);
  constexpr uint32_t kSecondaryOffered = 1u << 31, kEptOrVpid = 1u << 1 | 1u << 5;
  if (ControlRange(msrs.processor).offers(kSecondaryOffered)) msrs.secondary = read(msr::kSecondary);
  if (ControlRange(msrs.secondary).may & kEptOrVpid) msrs.ept_vpid = read(msr::kEptVpid);
  return msrs;
}

}  // namespace ring1::hwaccel::vmx
