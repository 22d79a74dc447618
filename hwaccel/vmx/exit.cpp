// SPDX-License-Identifier: GPL-2.0-only
#include "hwaccel/vmx/exit.h"

namespace ring1::hwaccel::vmx {
namespace {

// By number; null where the manual has none.
constexpr const char* kNames[kExitReasons] = {
    "exception", "external interrupt", "triple fault", "INIT", "SIPI", "I/O SMI", "SMI", "interrupt window",
    "NMI window", "task switch", "CPUID", "GETSEC", "HLT", "INVD", "INVLPG", "RDPMC", "RDTSC", "RSM", "VMCALL",
    "VMCLEAR", "VMLAUNCH", "VMPTRLD", "VMPTRST", "VMREAD", "VMRESUME", "VMWRITE", "VMXOFF", "VMXON",
    "control register", "debug register", "I/O", "RDMSR", "WRMSR", "entry: guest state", "entry: MSR load", nullptr,
    "MWAIT", "monitor trap", nullptr, "MONITOR", "PAUSE", "entry: machine check", nullptr, "TPR threshold",
    "APIC access", "EOI", "GDTR or IDTR", "LDTR or TR", "EPT violation", "EPT misconfiguration", "INVEPT", "RDTSCP",
    "preemption timer", "INVVPID", "WBINVD", "XSETBV", "APIC write", "RDRAND", "INVPCID", "VMFUNC", "ENCLS", "RDSEED",
    "PML full", "XSAVES", "XRSTORS",
};

}  // namespace

const char* name_of(ExitReason reason) {
  const auto number = static_cast<unsigned>(reason);
  return number < kExitReasons && kNames[number] ? kNames[number] : "?";
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
