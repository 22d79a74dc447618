// SPDX-License-Identifier: GPL-2.0-only
// The fields of a VMCS. An encoding is made of width, area and index (SDM 3D appendix B), so one row per field gives
// the number for VMREAD and VMWRITE and the name for a dump.
#pragma once

#include <cstdint>

namespace ring1::hwaccel::vmx {

enum class Width : uint32_t { k16 = 0, k64 = 1, k32 = 2, kNatural = 3 };
enum class Area : uint32_t { kControl = 0, kReadOnly = 1, kGuest = 2, kHost = 3 };

constexpr uint32_t encode(Width width, Area area, uint32_t index) {
  return static_cast<uint32_t>(width) << 13 | static_cast<uint32_t>(area) << 10 | index << 1;
}

// Name, width, area, index.
// clang-format off
#define RING1_VMCS_FIELDS(X)                         \
  X(Vpid,                   k16,      kControl,   0) \
  X(GuestEsSelector,        k16,      kGuest,     0) \
  X(GuestCsSelector,        k16,      kGuest,     1) \
  X(GuestSsSelector,        k16,      kGuest,     2) \
  X(GuestDsSelector,        k16,      kGuest,     3) \
  X(GuestFsSelector,        k16,      kGuest,     4) \
  X(GuestGsSelector,        k16,      kGuest,     5) \
  X(GuestLdtrSelector,      k16,      kGuest,     6) \
  X(GuestTrSelector,        k16,      kGuest,     7) \
  X(HostEsSelector,         k16,      kHost,      0) \
  X(HostCsSelector,         k16,      kHost,      1) \
  X(HostSsSelector,         k16,      kHost,      2) \
  X(HostDsSelector,         k16,      kHost,      3) \
  X(HostFsSelector,         k16,      kHost,      4) \
  X(HostGsSelector,         k16,      kHost,      5) \
  X(HostTrSelector,         k16,      kHost,      6) \
  X(IoBitmapA,              k64,      kControl,   0) \
  X(IoBitmapB,              k64,      kControl,   1) \
  X(MsrBitmap,              k64,      kControl,   2) \
  X(ExitMsrStore,           k64,      kControl,   3) \
  X(ExitMsrLoad,            k64,      kControl,   4) \
  X(EntryMsrLoad,           k64,      kControl,   5) \
  X(TscOffset,              k64,      kControl,   8) \
  X(VirtualApicPage,        k64,      kControl,   9) \
  X(EptPointer,             k64,      kControl,  13) \
  X(GuestPhysicalAddress,   k64,      kReadOnly,  0) \
  X(LinkPointer,            k64,      kGuest,     0) \
  X(GuestDebugctl,          k64,      kGuest,     1) \
  X(GuestPat,               k64,      kGuest,     2) \
  X(GuestEfer,              k64,      kGuest,     3) \
  X(GuestPdpte0,            k64,      kGuest,     5) \
  X(GuestPdpte1,            k64,      kGuest,     6) \
  X(GuestPdpte2,            k64,      kGuest,     7) \
  X(GuestPdpte3,            k64,      kGuest,     8) \
  X(HostPat,                k64,      kHost,      0) \
  X(HostEfer,               k64,      kHost,      1) \
  X(PinControls,            k32,      kControl,   0) \
  X(ProcessorControls,      k32,      kControl,   1) \
  X(ExceptionBitmap,        k32,      kControl,   2) \
  X(PageFaultErrorMask,     k32,      kControl,   3) \
  X(PageFaultErrorMatch,    k32,      kControl,   4) \
  X(Cr3TargetCount,         k32,      kControl,   5) \
  X(ExitControls,           k32,      kControl,   6) \
  X(ExitMsrStoreCount,      k32,      kControl,   7) \
  X(ExitMsrLoadCount,       k32,      kControl,   8) \
  X(EntryControls,          k32,      kControl,   9) \
  X(EntryMsrLoadCount,      k32,      kControl,  10) \
  X(EntryInterruptionInfo,  k32,      kControl,  11) \
  X(EntryErrorCode,         k32,      kControl,  12) \
  X(EntryInstructionLength, k32,      kControl,  13) \
  X(TprThreshold,           k32,      kControl,  14) \
  X(SecondaryControls,      k32,      kControl,  15) \
  X(InstructionError,       k32,      kReadOnly,  0) \
  X(ExitReason,             k32,      kReadOnly,  1) \
  X(ExitInterruptionInfo,   k32,      kReadOnly,  2) \
  X(ExitErrorCode,          k32,      kReadOnly,  3) \
  X(VectoringInfo,          k32,      kReadOnly,  4) \
  X(VectoringErrorCode,     k32,      kReadOnly,  5) \
  X(ExitInstructionLength,  k32,      kReadOnly,  6) \
  X(ExitInstructionInfo,    k32,      kReadOnly,  7) \
  X(GuestEsLimit,           k32,      kGuest,     0) \
  X(GuestCsLimit,           k32,      kGuest,     1) \
  X(GuestSsLimit,           k32,      kGuest,     2) \
  X(GuestDsLimit,           k32,      kGuest,     3) \
  X(GuestFsLimit,           k32,      kGuest,     4) \
  X(GuestGsLimit,           k32,      kGuest,     5) \
  X(GuestLdtrLimit,         k32,      kGuest,     6) \
  X(GuestTrLimit,           k32,      kGuest,     7) \
  X(GuestGdtrLimit,         k32,      kGuest,     8) \
  X(GuestIdtrLimit,         k32,      kGuest,     9) \
  X(GuestEsAccess,          k32,      kGuest,    10) \
  X(GuestCsAccess,          k32,      kGuest,    11) \
  X(GuestSsAccess,          k32,      kGuest,    12) \
  X(GuestDsAccess,          k32,      kGuest,    13) \
  X(GuestFsAccess,          k32,      kGuest,    14) \
  X(GuestGsAccess,          k32,      kGuest,    15) \
  X(GuestLdtrAccess,        k32,      kGuest,    16) \
  X(GuestTrAccess,          k32,      kGuest,    17) \
  X(GuestInterruptibility,  k32,      kGuest,    18) \
  X(GuestActivity,          k32,      kGuest,    19) \
  X(GuestSysenterCs,        k32,      kGuest,    21) \
  X(GuestPreemptionTimer,   k32,      kGuest,    23) \
  X(HostSysenterCs,         k32,      kHost,      0) \
  X(Cr0Mask,                kNatural, kControl,   0) \
  X(Cr4Mask,                kNatural, kControl,   1) \
  X(Cr0Shadow,              kNatural, kControl,   2) \
  X(Cr4Shadow,              kNatural, kControl,   3) \
  X(ExitQualification,      kNatural, kReadOnly,  0) \
  X(GuestLinearAddress,     kNatural, kReadOnly,  5) \
  X(GuestCr0,               kNatural, kGuest,     0) \
  X(GuestCr3,               kNatural, kGuest,     1) \
  X(GuestCr4,               kNatural, kGuest,     2) \
  X(GuestEsBase,            kNatural, kGuest,     3) \
  X(GuestCsBase,            kNatural, kGuest,     4) \
  X(GuestSsBase,            kNatural, kGuest,     5) \
  X(GuestDsBase,            kNatural, kGuest,     6) \
  X(GuestFsBase,            kNatural, kGuest,     7) \
  X(GuestGsBase,            kNatural, kGuest,     8) \
  X(GuestLdtrBase,          kNatural, kGuest,     9) \
  X(GuestTrBase,            kNatural, kGuest,    10) \
  X(GuestGdtrBase,          kNatural, kGuest,    11) \
  X(GuestIdtrBase,          kNatural, kGuest,    12) \
  X(GuestDr7,               kNatural, kGuest,    13) \
  X(GuestRsp,               kNatural, kGuest,    14) \
  X(GuestRip,               kNatural, kGuest,    15) \
  X(GuestRflags,            kNatural, kGuest,    16) \
  X(GuestPendingDebug,      kNatural, kGuest,    17) \
  X(GuestSysenterEsp,       kNatural, kGuest,    18) \
  X(GuestSysenterEip,       kNatural, kGuest,    19) \
  X(HostCr0,                kNatural, kHost,      0) \
  X(HostCr3,                kNatural, kHost,      1) \
  X(HostCr4,                kNatural, kHost,      2) \
  X(HostFsBase,             kNatural, kHost,      3) \
  X(HostGsBase,             kNatural, kHost,      4) \
  X(HostTrBase,             kNatural, kHost,      5) \
  X(HostGdtrBase,           kNatural, kHost,      6) \
  X(HostIdtrBase,           kNatural, kHost,      7) \
  X(HostSysenterEsp,        kNatural, kHost,      8) \
  X(HostSysenterEip,        kNatural, kHost,      9) \
  X(HostRsp,                kNatural, kHost,     10) \
  X(HostRip,                kNatural, kHost,     11)
// clang-format on

enum class Field : uint32_t {
#define X(name, width, area, index) k##name = encode(Width::width, Area::area, index),
  RING1_VMCS_FIELDS(X)
#undef X
};

constexpr Width width_of(Field field) { return static_cast<Width>(static_cast<uint32_t>(field) >> 13 & 3); }
constexpr Area area_of(Field field) { return static_cast<Area>(static_cast<uint32_t>(field) >> 10 & 3); }
constexpr uint32_t index_of(Field field) { return static_cast<uint32_t>(field) >> 1 & 0x1ff; }

// The n-th of fields that follow each other, as those of the segment registers do.
constexpr Field nth(Field first, unsigned n) { return static_cast<Field>(static_cast<uint32_t>(first) + 2 * n); }

// One value of appendix B for each combination of width and area that is used.
static_assert(static_cast<uint32_t>(Field::kVpid) == 0x0000 &&
              static_cast<uint32_t>(Field::kGuestTrSelector) == 0x080e);
static_assert(static_cast<uint32_t>(Field::kHostTrSelector) == 0x0c0c &&
              static_cast<uint32_t>(Field::kEptPointer) == 0x201a);
static_assert(static_cast<uint32_t>(Field::kGuestPhysicalAddress) == 0x2400 &&
              static_cast<uint32_t>(Field::kGuestPdpte3) == 0x2810 &&
              static_cast<uint32_t>(Field::kHostEfer) == 0x2c02);
static_assert(static_cast<uint32_t>(Field::kSecondaryControls) == 0x401e &&
              static_cast<uint32_t>(Field::kExitInstructionInfo) == 0x440e);
static_assert(static_cast<uint32_t>(Field::kGuestSysenterCs) == 0x482a &&
              static_cast<uint32_t>(Field::kHostSysenterCs) == 0x4c00);
static_assert(static_cast<uint32_t>(Field::kCr4Shadow) == 0x6006 &&
              static_cast<uint32_t>(Field::kGuestLinearAddress) == 0x640a);
static_assert(static_cast<uint32_t>(Field::kGuestSysenterEip) == 0x6826 &&
              static_cast<uint32_t>(Field::kHostRip) == 0x6c16);

}  // namespace ring1::hwaccel::vmx
