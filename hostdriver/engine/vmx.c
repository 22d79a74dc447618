// SPDX-License-Identifier: GPL-2.0-only
/*
 * VT-x as the module sees it: what the processor offers, VMXON and VMXOFF (SDM 3C 24.7, 31.3), and VMCLEAR where a VMCS was
 * active last: only that processor may clear it, and it must before another one loads it (SDM 3C 25.11.1).
 */
#include <linux/idr.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>
#include <asm/msr.h>
#include <asm/perf_event.h>
#include <asm/processor.h>
#include <asm/tlbflush.h>

#include "hostdriver/engine/hardware.h"
#include "include/ring1/switch.h"

#define FEATURE_VMX BIT(5) /* CPUID 1 ECX */
#define TRUE_CONTROLS BIT_ULL(55) /* IA32_VMX_BASIC */
#define REVISION 0x7fffffff
#define SECONDARY BIT(31) /* of the processor-based controls */
#define SECONDARY_EPT BIT(1)
#define SECONDARY_VPID BIT(5)
#define SECONDARY_UNRESTRICTED BIT(7)
#define EPT_LARGE BIT_ULL(16) /* IA32_VMX_EPT_VPID_CAP */
#define EPT_ACCESSED_DIRTY BIT_ULL(21)
#define PIN_VIRTUAL_NMIS BIT(5)

static DEFINE_PER_CPU(struct page *, vmxon_region);
static DEFINE_PER_CPU(bool, vmx_on);
static DEFINE_PER_CPU(struct list_head, active_worlds); /* their VMCS is active here; interrupts off */

static DEFINE_IDA(vpids);

static bool present(void)
{
	return cpuid_ecx(1) & FEATURE_VMX;
}

/* The bits that may be set of a pair of capability words; 0 if there is no such register. */
static u32 offered(u32 msr)
{
	u64 value;

	return rdmsrl_safe(msr, &value) ? 0 : value >> 32;
}

static u32 secondary_controls(void)
{
	return offered(MSR_IA32_VMX_PROCBASED_CTLS) & SECONDARY ? offered(MSR_IA32_VMX_PROCBASED_CTLS2) : 0;
}

static bool has_nested_paging(void)
{
	return secondary_controls() & SECONDARY_EPT;
}

static void describe_features(struct ring1_engine_info *info)
{
	u32 secondary = secondary_controls();
	u64 basic, ept = 0;

	rdmsrl(MSR_IA32_VMX_BASIC, basic);
	if (secondary & (SECONDARY_EPT | SECONDARY_VPID))
		rdmsrl(MSR_IA32_VMX_EPT_VPID_CAP, ept);
	ring1_engine_feature(info, "revision", "%u", (u32)basic & REVISION);
	ring1_engine_yes_no(info, "nested paging (EPT)", secondary & SECONDARY_EPT);
	ring1_engine_yes_no(info, "large pages in EPT", ept & EPT_LARGE);
	ring1_engine_yes_no(info, "accessed and dirty bits in EPT", ept & EPT_ACCESSED_DIRTY);
	ring1_engine_yes_no(info, "VPID", secondary & SECONDARY_VPID);
	ring1_engine_yes_no(info, "unrestricted guest", secondary & SECONDARY_UNRESTRICTED);
	ring1_engine_yes_no(info, "virtual NMIs", offered(MSR_IA32_VMX_PINBASED_CTLS) & PIN_VIRTUAL_NMIS);
	ring1_engine_yes_no(info, "flexible default controls", basic & TRUE_CONTROLS);
}

static void describe(struct ring1_engine_info *info)
{
	u64 control;

	if (!present()) {
		ring1_engine_unusable(info, -ENODEV, "the processor has no VT-x",
				      boot_cpu_data.x86_vendor == X86_VENDOR_INTEL ?
				      "in a virtual machine: ask for nested virtualisation" : "");
		return;
	}
	describe_features(info);
	if (rdmsrl_safe(MSR_IA32_FEAT_CTL, &control) || !(control & FEAT_CTL_LOCKED))
		ring1_engine_unusable(info, -EOPNOTSUPP, "neither firmware nor kernel has enabled VT-x", "");
	else if (!(control & FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX))
		ring1_engine_unusable(info, -EOPNOTSUPP, "VT-x is disabled by firmware",
				      "enable virtualisation (VT-x) in the firmware's set-up");
}

/* Whoever uses VT-x sets CR4.VMXE, and leaves it alone if it is set already: KVM does, and we do. */
static bool held(struct ring1_engine_info *info)
{
	if (!present() || !(cr4_read_shadow() & X86_CR4_VMXE))
		return false;
	if (info)
		ring1_engine_unusable(info, -EBUSY, "another hypervisor (kvm-intel?) holds VT-x",
				      "end its guests; --engine bt works beside them");
	return true;
}

static void discard(void)
{
	ring1_processor_pages_put(&vmxon_region);
	ida_destroy(&vpids);
}

static u32 revision(void)
{
	u64 basic;

	rdmsrl(MSR_IA32_VMX_BASIC, basic);
	return basic & REVISION;
}

/* Nobody uses the engine yet, so no VMCS is active. */
static int prepare(void)
{
	int cpu, ret = ring1_processor_pages_get(&vmxon_region);

	if (ret)
		return ret;
	for_each_possible_cpu(cpu) {
		*(u32 *)page_address(per_cpu(vmxon_region, cpu)) = revision();
		INIT_LIST_HEAD(per_cpu_ptr(&active_worlds, cpu));
	}
	return 0;
}

static int vmxon(u64 region)
{
	asm goto("1: vmxon %[region]\n\t"
		 "jbe %l[failed]\n\t"
		 _ASM_EXTABLE(1b, %l[failed])
		 : : [region] "m"(region) : "cc", "memory" : failed);
	return 0;
failed:
	return -EIO;
}

static int enable(void)
{
	int ret;

	if (cr4_read_shadow() & X86_CR4_VMXE)
		return -EBUSY;
	intel_pt_handle_vmx(1);
	cr4_set_bits(X86_CR4_VMXE);
	ret = vmxon(page_to_phys(this_cpu_read(vmxon_region)));
	if (ret) {
		cr4_clear_bits(X86_CR4_VMXE);
		intel_pt_handle_vmx(0);
	}
	this_cpu_write(vmx_on, !ret);
	return ret;
}

static void clear_world(struct ring1_engine_world *world)
{
	u64 vmcs = world->sw->vmcs;

	asm volatile("vmclear %0" : : "m"(vmcs) : "cc", "memory");
	world->sw->vmcs_launched = 0;
	list_del(&world->active);
	/* Whoever sees -1 may load it elsewhere. */
	smp_store_release(&world->vmcs_cpu, -1);
}

static void disable(void)
{
	struct ring1_engine_world *world, *next;

	list_for_each_entry_safe(world, next, this_cpu_ptr(&active_worlds), active)
		clear_world(world);
	asm volatile("vmxoff" : : : "cc", "memory");
	this_cpu_write(vmx_on, false);
	cr4_clear_bits(X86_CR4_VMXE);
	intel_pt_handle_vmx(0); /* Processor Trace and VT-x may exclude each other (SDM 3C 33.5.1) */
}

/* A VMCS and an identifier for the TLB. The host's is 0, and means none: then each entry and exit flushes. */
static void attach(struct ring1_engine_world *world)
{
	int vpid = ida_alloc_range(&vpids, 1, U16_MAX, GFP_KERNEL);

	*(u32 *)world->sw->hardware_area = revision();
	world->sw->vmcs = __pa(world->sw->hardware_area);
	world->sw->vpid = max(vpid, 0);
}

/* Interrupts are off. The VMCS may have gone elsewhere meanwhile. */
static void clear_here(void *data)
{
	struct ring1_engine_world *world = data;

	if (world->vmcs_cpu == smp_processor_id())
		clear_world(world);
}

static void detach(struct ring1_engine_world *world)
{
	int cpu;

	/* A processor that goes offline clears what is active there by itself. */
	while ((cpu = smp_load_acquire(&world->vmcs_cpu)) >= 0)
		smp_call_function_single(cpu, clear_here, world, 1);
	if (world->sw->vpid)
		ida_free(&vpids, world->sw->vpid);
}

/* No other processor has the VMCS active, and this one is in VMX operation. */
static bool arrive(struct ring1_engine_world *world)
{
	for (;;) {
		int active;

		preempt_disable();
		active = smp_load_acquire(&world->vmcs_cpu);
		if ((active < 0 || active == smp_processor_id()) && this_cpu_read(vmx_on))
			return true;
		preempt_enable();
		if (fatal_signal_pending(current))
			return false;
		if (active >= 0)
			smp_call_function_single(active, clear_here, world, 1);
		else
			schedule_timeout_killable(1); /* this processor is on its way out, or in */
	}
}

/* The monitor may load the VMCS now. */
static void activate(struct ring1_engine_world *world)
{
	if (world->vmcs_cpu >= 0)
		return;
	world->vmcs_cpu = smp_processor_id();
	list_add(&world->active, this_cpu_ptr(&active_worlds));
}

const struct ring1_hardware ring1_vmx = {
	.name = "vmx",
	.describe = describe,
	.prepare = prepare,
	.discard = discard,
	.enable = enable,
	.disable = disable,
	.held = held,
	.has_nested_paging = has_nested_paging,
	.attach = attach,
	.detach = detach,
	.arrive = arrive,
	.activate = activate,
};
