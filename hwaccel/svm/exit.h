// SPDX-License-Identifier: GPL-2.0-only
// Exit codes of #VMEXIT (APM 2 appendix C), and what the information fields say.
#pragma once

#include <cstdint>

#include "include/ring1/cpu_state.h"
#include "include/ring1/exits.h"

namespace ring1::hwaccel::svm {

enum class Exit : uint64_t {
  kReadCr0 = 0x00,
  kReadCr15 = 0x0f,
  kWriteCr0 = 0x10,
  kWriteCr3 = 0x13,
  kWriteCr4 = 0x14,
  kWriteCr15 = 0x1f,
  kReadDr0 = 0x20,
  kReadDr15 = 0x2f,
  kWriteDr0 = 0x30,
  kWriteDr15 = 0x3f,
  kException0 = 0x40,
  kException31 = 0x5f,
  kInterrupt = 0x60,
  kNmi = 0x61,
  kSmi = 0x62,
  kInit = 0x63,
  kVirtualInterrupt = 0x64,
  kCr0SelectiveWrite = 0x65,
  kReadTsc = 0x6e,
  kReadPmc = 0x6f,
  kCpuid = 0x72,
  kRsm = 0x73,
  kIret = 0x74,
  kInvd = 0x76,
  kHlt = 0x78,
  kInvlpg = 0x79,
  kInvlpga = 0x7a,
  kIo = 0x7b,
  kMsr = 0x7c,
  kTaskSwitch = 0x7d,
  kFerrFreeze = 0x7e,
  kShutdown = 0x7f,
  kVmrun = 0x80,
  kVmmcall = 0x81,
  kVmload = 0x82,
  kVmsave = 0x83,
  kStgi = 0x84,
  kClgi = 0x85,
  kSkinit = 0x86,
  kRdtscp = 0x87,
  kIcebp = 0x88,
  kWbinvd = 0x89,
  kMonitor = 0x8a,
  kMwait = 0x8b,
  kMwaitArmed = 0x8c,
  kXsetbv = 0x8d,
  kRdpru = 0x8e,
  kNestedPageFault = 0x400,
  kInvalid = ~uint64_t{0},
};

// For the log.
const char* name_of(Exit exit);

// For the statistics. Of nested page faults only the engine knows what was behind them.
ring1_exit_kind kind_of(Exit exit);

// EXITINFO1 of a nested page fault (APM 2 15.25.6).
namespace nested_fault {
inline constexpr uint64_t kPresent = 1u << 0, kWrite = 1u << 1, kTableWalk = uint64_t{1} << 33;
}

// EXITINFO1 of IN and OUT (APM 2 15.10.2); EXITINFO2 is the RIP behind the instruction.
struct PortAccess {
  uint16_t port;
  uint8_t size;
  bool is_in, is_string;
};
PortAccess decode_port(uint64_t info);

// The event of EVENTINJ for what waits in ring1_cpu_state; the guest is in protected mode or not.
uint64_t encode_event(const ring1_pending_event& event, bool protected_mode);

// What EXITINTINFO says must be delivered again. Software interrupts and the exceptions of INT3 and INTO are not: RIP
// still stands at the instruction, which is simply executed again. An NMI comes back as an NMI.
struct CutShort {
  ring1_pending_event event{};
  bool nmi = false;
};
CutShort decode_cut_short(uint64_t info);

}  // namespace ring1::hwaccel::svm
