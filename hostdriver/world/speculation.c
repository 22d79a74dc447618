// SPDX-License-Identifier: GPL-2.0-only
/*
 * Speculation across the borders of a guest. The host has chosen by processor and command line what it does; we do for our
 * guests what it does for KVM's, and look at what it has switched on.
 *
 *   from world to world on a processor   predictors are flushed (IBPB)
 *   host to world                        processor buffers are overwritten (VERW); engine vmx: the first-level data cache
 *                                        is flushed where EPT entries of a guest may name what lies there (L1TF)
 *   world to host                        the return predictor is filled with harmless entries, the branch history
 *                                        cleared; predictors are flushed where the host relies on modes of the processor,
 *                                        or on cleaning at its own entries, which this way back is none of
 *   KVM_RUN to user space                predictors are flushed: the program would run on what the guest has trained
 *
 * Modes: ring 1 is a supervisor to the processor. Enhanced IBRS and its like keep apart user and supervisor, hence not
 * guest kernels of engine bt and the host; with retpolines the host does not use the predictor in question. What the
 * host's SPEC_CTRL says stays in force in the world: no guest is offered the register.
 *
 * Between a guest and its monitor nothing is done: the monitor's world maps only this guest's memory and its own, in
 * which there are no secrets but addresses of the host.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/processor.h>

#include "include/ring1/switch.h"
#include "hostdriver/world/speculation.h"

static char *mitigations = "auto";
module_param(mitigations, charp, 0444);
MODULE_PARM_DESC(mitigations, "against speculation: auto, what the host does for KVM (default), or off");

#define L1D_ORDER 4 /* twice the size of the largest such cache without the MSR, and KVM's choice too */

static bool barriers, flush_l1d;
static void *l1d_pages;
static atomic64_t worlds = ATOMIC64_INIT(0);
static DEFINE_PER_CPU(u64, last_world);

/* Bits of the kernel's own count like the processor's. */
static bool host_uses(unsigned int feature)
{
	return test_bit(feature, (unsigned long *)boot_cpu_data.x86_capability);
}

/* The host flushes predictors itself where it sees a reason; without that it does not care, or cannot. */
static bool host_flushes_predictors(void)
{
	return host_uses(X86_FEATURE_USE_IBPB) || host_uses(X86_FEATURE_ENTRY_IBPB) || host_uses(X86_FEATURE_IBPB_ON_VMEXIT);
}

/* Returns of this processor follow predictions of others, and the host cleans up whenever it is entered. */
static bool host_cleans_returns(void)
{
	return host_uses(X86_FEATURE_ENTRY_IBPB) || host_uses(X86_FEATURE_IBPB_ON_VMEXIT) || host_uses(X86_FEATURE_UNRET) ||
	       host_uses(X86_FEATURE_SRSO);
}

static bool host_relies_on_modes(void)
{
	return boot_cpu_has_bug(X86_BUG_SPECTRE_V2) && !host_uses(X86_FEATURE_RETPOLINE) &&
	       !host_uses(X86_FEATURE_RETPOLINE_LFENCE);
}

static u32 on_the_switch(enum ring1_engine engine)
{
	u32 what = 0;

	if (host_uses(X86_FEATURE_CLEAR_CPU_BUF) || host_uses(X86_FEATURE_CLEAR_CPU_BUF_VM))
		what |= RING1_SPECULATION_BUFFERS;
	if (host_uses(X86_FEATURE_RSB_VMEXIT) || host_uses(X86_FEATURE_RSB_VMEXIT_LITE) || host_uses(X86_FEATURE_RSB_CTXSW))
		what |= RING1_SPECULATION_RETURNS;
	if (host_uses(X86_FEATURE_CLEAR_BHB_LOOP) || host_uses(X86_FEATURE_CLEAR_BHB_LOOP_ON_VMEXIT))
		what |= RING1_SPECULATION_HISTORY;
	if (barriers && (host_cleans_returns() || (engine == RING1_ENGINE_BT && host_relies_on_modes())))
		what |= RING1_SPECULATION_PREDICTORS;
	return what;
}

static bool wants_l1d_flush(void)
{
	u64 capabilities = 0;

	if (!boot_cpu_has_bug(X86_BUG_L1TF) || l1tf_mitigation == L1TF_MITIGATION_OFF)
		return false;
	if (host_uses(X86_FEATURE_ARCH_CAPABILITIES))
		rdmsrl(MSR_IA32_ARCH_CAPABILITIES, capabilities);
	return !(capabilities & ARCH_CAP_SKIP_VMENTRY_L1DFLUSH);
}

static bool switched_off(void)
{
	return !strcmp(mitigations, "off") || cpu_mitigations_off();
}

void ring1_speculation_init(void)
{
	if (switched_off())
		return;
	barriers = host_flushes_predictors() && boot_cpu_has(X86_FEATURE_IBPB);
	flush_l1d = wants_l1d_flush();
	if (flush_l1d && !boot_cpu_has(X86_FEATURE_FLUSH_L1D))
		l1d_pages = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, L1D_ORDER);
	pr_info("speculation: switch bt %x, svm and vmx %x;%s%s\n", on_the_switch(RING1_ENGINE_BT), on_the_switch(RING1_ENGINE_VMX),
		barriers ? " IBPB" : "", flush_l1d ? " L1D" : "");
}

void ring1_speculation_exit(void)
{
	free_pages((unsigned long)l1d_pages, L1D_ORDER);
}

void ring1_speculation_world(struct ring1_switch *sw, enum ring1_engine engine)
{
	sw->number = atomic64_inc_return(&worlds);
	sw->predictor_command = x86_pred_cmd;
	if (!switched_off())
		sw->speculation = on_the_switch(engine);
}

static void flush_predictors(void)
{
	if (barriers)
		wrmsrl(MSR_IA32_PRED_CMD, x86_pred_cmd);
}

/* Without the register: read as much as the cache holds, a line at a time (twice, for what replaces not the oldest). */
static void flush_first_level(void)
{
	unsigned int i;

	if (boot_cpu_has(X86_FEATURE_FLUSH_L1D)) {
		wrmsrl(MSR_IA32_FLUSH_CMD, L1D_FLUSH);
		return;
	}
	if (!l1d_pages)
		return;
	for (i = 0; i < 2 * (PAGE_SIZE << L1D_ORDER); i += 64)
		(void)READ_ONCE(*((u8 *)l1d_pages + i % (PAGE_SIZE << L1D_ORDER)));
}

void ring1_speculation_enter(const struct ring1_switch *sw)
{
	if (this_cpu_read(last_world) != sw->number) {
		this_cpu_write(last_world, sw->number);
		flush_predictors();
	}
	if (flush_l1d && sw->vmcs)
		flush_first_level();
}

/* Where the processor's modes do not keep a guest's user code apart from ours it is the kernel that sees to it. */
void ring1_speculation_to_user(enum ring1_engine engine)
{
	if (engine == RING1_ENGINE_BT)
		flush_predictors();
#ifdef X86_FEATURE_IBPB_EXIT_TO_USER
	else if (barriers && host_uses(X86_FEATURE_IBPB_EXIT_TO_USER))
		this_cpu_write(x86_ibpb_exit_to_user, true);
#endif
}
