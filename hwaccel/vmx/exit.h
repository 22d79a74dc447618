// SPDX-License-Identifier: GPL-2.0-only
// Why a guest was left (SDM 3C 28.2, 3D appendix C), as the processor's words and as what they mean.
#pragma once

#include <cstdint>

#include "include/ring1/exits.h"

namespace ring1::hwaccel::vmx {

enum class ExitReason : uint16_t {
  kException = 0,
  kExternalInterrupt = 1,
  kTripleFault = 2,
  kInit = 3,
  kSipi = 4,
  kIoSmi = 5,
  kOtherSmi = 6,
  kInterruptWindow = 7,
  kNmiWindow = 8,
  kTaskSwitch = 9,
  kCpuid = 10,
  kGetsec = 11,
  kHlt = 12,
  kInvd = 13,
  kInvlpg = 14,
  kRdpmc = 15,
  kRdtsc = 16,
  kRsm = 17,
  kVmcall = 18,
  kVmclear = 19,
  kVmlaunch = 20,
  kVmptrld = 21,
  kVmptrst = 22,
  kVmread = 23,
  kVmresume = 24,
  kVmwrite = 25,
  kVmxoff = 26,
  kVmxon = 27,
  kCrAccess = 28,
  kMovDr = 29,
  kIo = 30,
  kRdmsr = 31,
  kWrmsr = 32,
  kEntryGuestState = 33,
  kEntryMsrLoad = 34,
  kMwait = 36,
  kMonitorTrap = 37,
  kMonitor = 39,
  kPause = 40,
  kEntryMachineCheck = 41,
  kTprThreshold = 43,
  kApicAccess = 44,
  kEoi = 45,
  kGdtrIdtr = 46,
  kLdtrTr = 47,
  kEptViolation = 48,
  kEptMisconfiguration = 49,
  kInvept = 50,
  kRdtscp = 51,
  kPreemptionTimer = 52,
  kInvvpid = 53,
  kWbinvd = 54,
  kXsetbv = 55,
  kApicWrite = 56,
  kRdrand = 57,
  kInvpcid = 58,
  kVmfunc = 59,
  kEncls = 60,
  kRdseed = 61,
  kPmlFull = 62,
  kXsaves = 63,
  kXrstors = 64,
};
inline constexpr unsigned kExitReasons = 65;

// The manual's name; "?" for a number that is none.
const char* name_of(ExitReason reason);

constexpr ExitReason reason_of(uint32_t field) { return static_cast<ExitReason>(field & 0xffff); }
// Bit 31: the guest was not entered.
constexpr bool entry_failed(uint32_t field) { return field >> 31; }

// Interruption information, in all its four fields (SDM 3C 25.8.3, 25.9.2, 25.9.3).
enum class EventType : uint8_t {
  kExternal = 0,
  kNmi = 2,
  kHardwareException = 3,
  kSoftwareInterrupt = 4,
  kPrivilegedSoftware = 5,
  kSoftwareException = 6,
};
struct EventInfo {
  bool valid = false, has_error = false, nmi_unblocking = false;
  EventType type = EventType::kExternal;
  uint8_t vector = 0;

  static constexpr EventInfo of(uint32_t field) {
    return {.valid = (field >> 31) != 0,
            .has_error = (field >> 11 & 1) != 0,
            .nmi_unblocking = (field >> 12 & 1) != 0,
            .type = static_cast<EventType>(field >> 8 & 7),
            .vector = static_cast<uint8_t>(field)};
  }
  constexpr uint32_t field() const {
    return valid ? 1u << 31 | uint32_t{has_error} << 11 | static_cast<uint32_t>(type) << 8 | vector : 0;
  }
  // Software events carry the length of their instruction.
  constexpr bool is_software() const {
    return type == EventType::kSoftwareInterrupt || type == EventType::kPrivilegedSoftware ||
           type == EventType::kSoftwareException;
  }
};

// For the statistics. `interruption` is the exit's interruption information. Of EPT violations only the engine knows
// what was behind them.
ring1_exit_kind kind_of(ExitReason reason, EventInfo interruption);

// Table 28-3.
struct CrAccess {
  enum class Kind : uint8_t { kWrite, kRead, kClts, kLmsw } kind;
  uint8_t cr, gpr;
  uint16_t lmsw_value;

  static constexpr CrAccess of(uint64_t qualification) {
    return {.kind = static_cast<Kind>(qualification >> 4 & 3),
            .cr = static_cast<uint8_t>(qualification & 0xf),
            .gpr = static_cast<uint8_t>(qualification >> 8 & 0xf),
            .lmsw_value = static_cast<uint16_t>(qualification >> 16)};
  }
};

// Table 28-4.
struct DrAccess {
  uint8_t dr, gpr;
  bool is_read;

  static constexpr DrAccess of(uint64_t qualification) {
    return {.dr = static_cast<uint8_t>(qualification & 7),
            .gpr = static_cast<uint8_t>(qualification >> 8 & 0xf),
            .is_read = (qualification >> 4 & 1) != 0};
  }
};

// Table 28-5.
struct IoAccess {
  uint8_t size;  // 1, 2, 4
  bool is_in, is_string, is_rep;
  uint16_t port;

  static constexpr IoAccess of(uint64_t qualification) {
    return {.size = static_cast<uint8_t>((qualification & 7) + 1),
            .is_in = (qualification >> 3 & 1) != 0,
            .is_string = (qualification >> 4 & 1) != 0,
            .is_rep = (qualification >> 5 & 1) != 0,
            .port = static_cast<uint16_t>(qualification >> 16)};
  }
};

// Table 28-2.
struct TaskSwitchAccess {
  enum class Source : uint8_t { kCall, kIret, kJump, kGate } source;
  uint16_t selector;

  static constexpr TaskSwitchAccess of(uint64_t qualification) {
    return {.source = static_cast<Source>(qualification >> 30 & 3), .selector = static_cast<uint16_t>(qualification)};
  }
};

// Table 28-7.
struct EptViolation {
  bool read, write, fetch;
  bool readable, writable, executable;  // what the tables allowed
  bool linear_valid;                    // GuestLinearAddress counts
  bool translation;                     // the access itself, not one to the guest's paging structures
  bool nmi_unblocking;

  static constexpr EptViolation of(uint64_t q) {
    return {.read = (q & 1) != 0,
            .write = (q >> 1 & 1) != 0,
            .fetch = (q >> 2 & 1) != 0,
            .readable = (q >> 3 & 1) != 0,
            .writable = (q >> 4 & 1) != 0,
            .executable = (q >> 5 & 1) != 0,
            .linear_valid = (q >> 7 & 1) != 0,
            .translation = (q >> 8 & 1) != 0,
            .nmi_unblocking = (q >> 12 & 1) != 0};
  }
};

// Pending debug exceptions and the qualification of #DB: what belongs into DR6 (table 28-1).
inline constexpr uint64_t kDebugQualification = 0x600f;

// Guest interruptibility (table 25-3).
namespace interruptibility {
inline constexpr uint32_t kSti = 1u << 0, kMovSs = 1u << 1, kSmi = 1u << 2, kNmi = 1u << 3;
}

// What VMfail left in the instruction-error field, for the log (SDM 3C 31.4).
const char* describe_instruction_error(uint32_t error);

}  // namespace ring1::hwaccel::vmx
