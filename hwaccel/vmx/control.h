// SPDX-License-Identifier: GPL-2.0-only
// The execution controls of a VMCS that we use (SDM 3C 25.6 to 25.8), by the bit they have in their field.
#pragma once

#include <cstdint>

namespace ring1::hwaccel::vmx {

namespace pin {  // table 25-5
inline constexpr uint32_t kExternalInterrupt = 1u << 0, kNmi = 1u << 3, kVirtualNmis = 1u << 5;
}  // namespace pin

namespace processor {  // table 25-6
inline constexpr uint32_t kInterruptWindow = 1u << 2, kTscOffsetting = 1u << 3, kHlt = 1u << 7, kInvlpg = 1u << 9;
inline constexpr uint32_t kMwait = 1u << 10, kRdpmc = 1u << 11, kRdtsc = 1u << 12, kCr3Load = 1u << 15;
inline constexpr uint32_t kCr3Store = 1u << 16, kCr8Load = 1u << 19, kCr8Store = 1u << 20, kTprShadow = 1u << 21;
inline constexpr uint32_t kNmiWindow = 1u << 22, kMovDr = 1u << 23, kUnconditionalIo = 1u << 24;
inline constexpr uint32_t kIoBitmaps = 1u << 25, kMsrBitmaps = 1u << 28, kMonitor = 1u << 29, kPause = 1u << 30;
inline constexpr uint32_t kSecondary = 1u << 31;
}  // namespace processor

namespace secondary {  // table 25-7
inline constexpr uint32_t kEpt = 1u << 1, kRdtscp = 1u << 3, kVpid = 1u << 5, kUnrestrictedGuest = 1u << 7;
}

namespace exit_control {  // table 25-13
inline constexpr uint32_t kSaveDebug = 1u << 2, kHost64 = 1u << 9, kAcknowledge = 1u << 15;
inline constexpr uint32_t kSaveEfer = 1u << 20, kLoadEfer = 1u << 21;
}  // namespace exit_control

namespace entry_control {  // table 25-15
inline constexpr uint32_t kLoadDebug = 1u << 2, kGuest64 = 1u << 9, kLoadEfer = 1u << 15;
}

}  // namespace ring1::hwaccel::vmx
