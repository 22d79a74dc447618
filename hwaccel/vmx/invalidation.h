// SPDX-License-Identifier: GPL-2.0-only
// How narrow an invalidation can be on this processor (SDM 3C 29.4.3, 31.3 INVEPT, INVVPID; 3D A.10).
#pragma once

#include <cstdint>

#include "hwaccel/vmx/ept_capability.h"

namespace ring1::hwaccel::vmx {

enum class InveptScope : uint8_t { kNone = 0, kContext = 1, kAll = 2 };
enum class InvvpidScope : uint8_t { kAddress = 0, kContext = 1, kAll = 2, kNone = 0xff };

constexpr InveptScope invept_scope(uint64_t ept_vpid) {
  using namespace ept_capability;
  if (!(ept_vpid & kInvept)) return InveptScope::kNone;
  return ept_vpid & kInveptContext ? InveptScope::kContext
         : ept_vpid & kInveptAll   ? InveptScope::kAll
                                   : InveptScope::kNone;
}

// For one address if `address`, else for all of a VPID.
constexpr InvvpidScope invvpid_scope(uint64_t ept_vpid, bool address) {
  using namespace ept_capability;
  if (!(ept_vpid & kInvvpid)) return InvvpidScope::kNone;
  if (address && (ept_vpid & kInvvpidAddress)) return InvvpidScope::kAddress;
  return ept_vpid & kInvvpidContext ? InvvpidScope::kContext
         : ept_vpid & kInvvpidAll   ? InvvpidScope::kAll
                                    : InvvpidScope::kNone;
}

}  // namespace ring1::hwaccel::vmx
