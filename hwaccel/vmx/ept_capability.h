// SPDX-License-Identifier: GPL-2.0-only
// IA32_VMX_EPT_VPID_CAP (SDM 3D A.10) and the EPT pointer (SDM 3C 25.6.11).
#pragma once

#include <cstdint>

namespace ring1::hwaccel::vmx::ept_capability {

inline constexpr uint64_t kFourLevels = 1u << 6, kWriteBack = 1u << 14, kLarge2M = 1u << 16;
inline constexpr uint64_t kInvept = 1u << 20, kAccessedDirty = 1u << 21, kInveptContext = 1u << 25;
inline constexpr uint64_t kInveptAll = 1u << 26, kInvvpid = uint64_t{1} << 32;
inline constexpr uint64_t kInvvpidAddress = uint64_t{1} << 40, kInvvpidContext = uint64_t{1} << 41;
inline constexpr uint64_t kInvvpidAll = uint64_t{1} << 42;

// Of the EPT pointer.
inline constexpr uint64_t kPointerWriteBack = 6, kPointerFourLevels = 3u << 3, kPointerAccessedDirty = 1u << 6;

}  // namespace ring1::hwaccel::vmx::ept_capability
