// SPDX-License-Identifier: GPL-2.0-only
#include "hwaccel/vmx/exit.h"

#include "x86/exception.h"

namespace ring1::hwaccel::vmx {
namespace {

// By number; null where the manual has none.
constexpr const char* kNames[kExitReasons] = {
    "exception",
    "external interrupt",
    "triple fault",
    "INIT",
    "SIPI",
    "I/O SMI",
    "SMI",
    "interrupt window",
    "NMI window",
    "task switch",
    "CPUID",
    "GETSEC",
    "HLT",
    "INVD",
    "INVLPG",
    "RDPMC",
    "RDTSC",
    "RSM",
    "VMCALL",
    "VMCLEAR",
    "VMLAUNCH",
    "VMPTRLD",
    "VMPTRST",
    "VMREAD",
    "VMRESUME",
    "VMWRITE",
    "VMXOFF",
    "VMXON",
    "control register",
    "debug register",
    "I/O",
    "RDMSR",
    "WRMSR",
    "entry: guest state",
    "entry: MSR load",
    nullptr,
    "MWAIT",
    "monitor trap",
    nullptr,
    "MONITOR",
    "PAUSE",
    "entry: machine check",
    nullptr,
    "TPR threshold",
    "APIC access",
    "EOI",
    "GDTR or IDTR",
    "LDTR or TR",
    "EPT violation",
    "EPT misconfiguration",
    "INVEPT",
    "RDTSCP",
    "preemption timer",
    "INVVPID",
    "WBINVD",
    "XSETBV",
    "APIC write",
    "RDRAND",
    "INVPCID",
    "VMFUNC",
    "ENCLS",
    "RDSEED",
    "PML full",
    "XSAVES",
    "XRSTORS",
};

}  // namespace

const char* name_of(ExitReason reason) {
  const auto number = static_cast<unsigned>(reason);
  return number < kExitReasons && kNames[number] ? kNames[number] : "?";
}

ring1_exit_kind kind_of(ExitReason reason, EventInfo interruption) {
  switch (reason) {
    case ExitReason::kException:
      if (interruption.type == EventType::kNmi) return RING1_EXIT_INTERRUPT;
      switch (static_cast<Vector>(interruption.vector)) {
        case Vector::kPf: return RING1_EXIT_PAGE_FAULT;
        case Vector::kMc: return RING1_EXIT_INTERRUPT;
        default: return RING1_EXIT_EXCEPTION;
      }
    case ExitReason::kExternalInterrupt:
    case ExitReason::kPreemptionTimer: return RING1_EXIT_INTERRUPT;
    case ExitReason::kInterruptWindow:
    case ExitReason::kNmiWindow: return RING1_EXIT_WINDOW;
    case ExitReason::kTaskSwitch: return RING1_EXIT_TASK_SWITCH;
    case ExitReason::kCpuid: return RING1_EXIT_CPUID;
    case ExitReason::kHlt: return RING1_EXIT_HLT;
    case ExitReason::kInvlpg: return RING1_EXIT_INVLPG;
    case ExitReason::kCrAccess: return RING1_EXIT_CONTROL_REGISTER;
    case ExitReason::kMovDr: return RING1_EXIT_DEBUG_REGISTER;
    case ExitReason::kIo: return RING1_EXIT_PORT;
    case ExitReason::kRdmsr:
    case ExitReason::kWrmsr: return RING1_EXIT_MSR;
    case ExitReason::kEptViolation: return RING1_EXIT_NESTED_FAULT;
    case ExitReason::kEptMisconfiguration: return RING1_EXIT_DEVICE_MEMORY;
    case ExitReason::kTripleFault:
    case ExitReason::kInit:
    case ExitReason::kSipi:
    case ExitReason::kEntryGuestState:
    case ExitReason::kEntryMsrLoad:
    case ExitReason::kEntryMachineCheck: return RING1_EXIT_OTHER;
    default: return RING1_EXIT_INSTRUCTION;
  }
}

const char* describe_instruction_error(uint32_t error) {
  switch (error) {
    case 1: return "VMCALL in VMX root operation";
    case 2: return "VMCLEAR with an invalid physical address";
    case 3: return "VMCLEAR with the VMXON pointer";
    case 4: return "VMLAUNCH of a VMCS that is not clear";
    case 5: return "VMRESUME of a VMCS that is not launched";
    case 6: return "VMRESUME after VMXOFF";
    case 7: return "entry with invalid control fields";
    case 8: return "entry with invalid host-state fields";
    case 9: return "VMPTRLD with an invalid physical address";
    case 10: return "VMPTRLD with the VMXON pointer";
    case 11: return "VMPTRLD with an incorrect revision";
    case 12: return "VMREAD or VMWRITE of a field that is not supported";
    case 13: return "VMWRITE to a read-only field";
    case 15: return "VMXON in VMX root operation";
    case 26: return "entry with events blocked by MOV SS";
    case 28: return "INVEPT or INVVPID with an invalid operand";
    default: return "unknown";
  }
}

}  // namespace ring1::hwaccel::vmx
