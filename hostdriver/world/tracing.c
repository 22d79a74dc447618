// SPDX-License-Identifier: GPL-2.0-only
/*
 * PEBS and BTS write records to linear addresses of the host, which are not mapped in a monitor's world: the processor
 * would take a page fault there on behalf of whatever runs (SDM 3B 18.4.9, 20.6.2.4). Processor Trace writes to physical
 * memory, and would tell the host's tracer of the guest. BTF would change what the guest's TF means. So all of them are
 * off while a world is entered. What is off already costs one RDMSR each.
 *
 * An NMI between our read and our write may switch off a PEBS counter whose bit we then set again on the way back: its
 * event is off as well, and such a counter records nothing.
 */
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/msr.h>
#include <asm/processor.h>

#include "hostdriver/world/tracing.h"

#define MISC_ENABLE_PEBS_UNAVAILABLE BIT_ULL(12)

static bool has_debugctl, has_pebs, has_pt;

void ring1_tracing_init(void)
{
	bool intel = boot_cpu_data.x86_vendor == X86_VENDOR_INTEL;
	u64 value, misc;

	has_debugctl = boot_cpu_data.x86 >= 6 && !rdmsrl_safe(MSR_IA32_DEBUGCTLMSR, &value);
	has_pebs = intel && boot_cpu_has(X86_FEATURE_DS) && !rdmsrl_safe(MSR_IA32_MISC_ENABLE, &misc) &&
		   !(misc & MISC_ENABLE_PEBS_UNAVAILABLE) && !rdmsrl_safe(MSR_IA32_PEBS_ENABLE, &value);
	has_pt = intel && boot_cpu_has(X86_FEATURE_INTEL_PT) && !rdmsrl_safe(MSR_IA32_RTIT_CTL, &value);
}

/* The value; the register loses `what`. */
static u64 stop(bool has, u32 msr, u64 what)
{
	u64 value;

	if (!has)
		return 0;
	rdmsrl(msr, value);
	if (value & what)
		wrmsrl(msr, value & ~what);
	return value;
}

static void resume(u32 msr, u64 value, u64 what)
{
	if (value & what)
		wrmsrl(msr, value);
}

#define PEBS_ANY (~0ULL)
#define DEBUGCTL_ANY (~(u64)DEBUGCTLMSR_FREEZE_IN_SMM)

void ring1_tracing_stop(struct ring1_tracing *saved)
{
	saved->pebs_enable = stop(has_pebs, MSR_IA32_PEBS_ENABLE, PEBS_ANY);
	saved->rtit_ctl = stop(has_pt, MSR_IA32_RTIT_CTL, RTIT_CTL_TRACEEN);
	saved->debugctl = stop(has_debugctl, MSR_IA32_DEBUGCTLMSR, DEBUGCTL_ANY);
}

/* An exit of VT-x clears all of DEBUGCTL (SDM 3C 28.5.1), so that it is written if there was anything. */
void ring1_tracing_resume(const struct ring1_tracing *saved)
{
	resume(MSR_IA32_DEBUGCTLMSR, saved->debugctl, ~0ULL);
	resume(MSR_IA32_RTIT_CTL, saved->rtit_ctl, RTIT_CTL_TRACEEN);
	resume(MSR_IA32_PEBS_ENABLE, saved->pebs_enable, PEBS_ANY);
}
