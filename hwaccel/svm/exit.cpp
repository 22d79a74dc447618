// SPDX-License-Identifier: GPL-2.0-only
#include "hwaccel/svm/exit.h"

#include "hwaccel/svm/vmcb.h"
#include "x86/exception.h"

namespace ring1::hwaccel::svm {
namespace {

constexpr bool is_between(Exit exit, Exit first, Exit last) { return exit >= first && exit <= last; }

constexpr bool is_software_exception(uint8_t vector) {
  return vector == static_cast<uint8_t>(Vector::kBp) || vector == static_cast<uint8_t>(Vector::kOf);
}

constexpr Exit exception_exit(Vector vector) {
  return static_cast<Exit>(static_cast<uint64_t>(Exit::kException0) + static_cast<uint64_t>(vector));
}

}  // namespace

const char* name_of(Exit exit) {
  if (is_between(exit, Exit::kReadCr0, Exit::kReadCr15)) return "read of a control register";
  if (is_between(exit, Exit::kWriteCr0, Exit::kWriteCr15)) return "write of a control register";
  if (is_between(exit, Exit::kReadDr0, Exit::kReadDr15)) return "read of a debug register";
  if (is_between(exit, Exit::kWriteDr0, Exit::kWriteDr15)) return "write of a debug register";
  if (is_between(exit, Exit::kException0, Exit::kException31)) return "exception";
  switch (exit) {
    case Exit::kInterrupt: return "interrupt";
    case Exit::kNmi: return "NMI";
    case Exit::kVirtualInterrupt: return "interrupt window";
    case Exit::kCpuid: return "CPUID";
    case Exit::kIret: return "IRET";
    case Exit::kHlt: return "HLT";
    case Exit::kInvlpg: return "INVLPG";
    case Exit::kIo: return "port";
    case Exit::kMsr: return "MSR";
    case Exit::kTaskSwitch: return "task switch";
    case Exit::kShutdown: return "shutdown";
    case Exit::kNestedPageFault: return "nested page fault";
    case Exit::kInvalid: return "invalid state";
    default: return "instruction";
  }
}

ring1_exit_kind kind_of(Exit exit) {
  if (is_between(exit, Exit::kReadCr0, Exit::kWriteCr15)) return RING1_EXIT_CONTROL_REGISTER;
  if (is_between(exit, Exit::kReadDr0, Exit::kWriteDr15)) return RING1_EXIT_DEBUG_REGISTER;
  if (exit == exception_exit(Vector::kPf)) return RING1_EXIT_PAGE_FAULT;
  if (exit == exception_exit(Vector::kMc)) return RING1_EXIT_INTERRUPT;
  if (is_between(exit, Exit::kException0, Exit::kException31)) return RING1_EXIT_EXCEPTION;
  switch (exit) {
    case Exit::kInterrupt:
    case Exit::kNmi:
    case Exit::kSmi:
    case Exit::kInit: return RING1_EXIT_INTERRUPT;
    case Exit::kVirtualInterrupt: return RING1_EXIT_WINDOW;
    case Exit::kCr0SelectiveWrite: return RING1_EXIT_CONTROL_REGISTER;
    case Exit::kCpuid: return RING1_EXIT_CPUID;
    case Exit::kIret: return RING1_EXIT_IRET;
    case Exit::kHlt: return RING1_EXIT_HLT;
    case Exit::kInvlpg: return RING1_EXIT_INVLPG;
    case Exit::kIo: return RING1_EXIT_PORT;
    case Exit::kMsr: return RING1_EXIT_MSR;
    case Exit::kTaskSwitch: return RING1_EXIT_TASK_SWITCH;
    case Exit::kNestedPageFault: return RING1_EXIT_NESTED_FAULT;
    case Exit::kShutdown:
    case Exit::kInvalid: return RING1_EXIT_OTHER;
    default: return RING1_EXIT_INSTRUCTION;
  }
}

PortAccess decode_port(uint64_t info) {
  constexpr uint64_t kIn = 1u << 0, kString = 1u << 2;
  constexpr unsigned kSizeShift = 4, kSizeMask = 7, kPortShift = 16;
  return {.port = static_cast<uint16_t>(info >> kPortShift),
          .size = static_cast<uint8_t>(info >> kSizeShift & kSizeMask),
          .is_in = (info & kIn) != 0,
          .is_string = (info & kString) != 0};
}

uint64_t encode_event(const ring1_pending_event& event, bool protected_mode) {
  uint64_t type = event::kInterrupt;
  if (event.is_exception)
    type = event::kException;
  else if (event.is_software)
    type = event::kSoftware;
  else if (event.vector == static_cast<uint8_t>(Vector::kNmi))
    type = event::kNmi;
  // Real mode has no error codes (SDM 3A 20.1.4).
  const bool has_error = event.has_error && protected_mode;
  const uint64_t error = has_error ? uint64_t{event.error_code} << event::kErrorShift | event::kErrorValid : 0;
  return event.vector | type | error | event::kValid;
}

CutShort decode_cut_short(uint64_t info) {
  CutShort out;
  if (!(info & event::kValid)) return out;
  const auto vector = static_cast<uint8_t>(info & event::kVectorMask);
  switch (info & event::kTypeMask) {
    case event::kNmi: out.nmi = true; break;
    case event::kInterrupt: out.event = {.valid = 1, .vector = vector}; break;
    case event::kException:
      if (is_software_exception(vector)) break;
      out.event = {.valid = 1,
                   .vector = vector,
                   .is_exception = 1,
                   .has_error = static_cast<uint8_t>((info & event::kErrorValid) != 0)};
      if (out.event.has_error) out.event.error_code = static_cast<uint32_t>(info >> event::kErrorShift);
      break;
  }
  return out;
}

}  // namespace ring1::hwaccel::svm
