// SPDX-License-Identifier: GPL-2.0-only
/* One visit to the monitor's world. */
#include <linux/err.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>
#include <linux/thread_info.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/fpu/api.h>
#include <asm/msr.h>
#include <asm/segment.h>
#include <asm/special_insns.h>
#include <asm/tsc.h>

#include "hostdriver/compat.h"
#include "hostdriver/world/speculation.h"
#include "hostdriver/world/tracing.h"
#include "hostdriver/world/private.h"

#define HOST_GDT_SLOTS 16

int ring1_world_init(void)
{
	int ret;

	if (!boot_cpu_has(X86_FEATURE_TSC) || !tsc_khz) {
		pr_err("ring1: the processor's time-stamp counter is not usable (tsc_khz = %u)\n", tsc_khz);
		return -ENODEV;
	}
	if (ring1_host_uses_fred()) {
		pr_err("ring1: the host has switched on FRED, which is not supported: boot it with fred=off\n");
		return -ENODEV;
	}
	ring1_tracing_init();
	ret = ring1_image_load();
	if (!ret)
		ring1_speculation_init();
	return ret;
}

void ring1_world_exit(void)
{
	ring1_speculation_exit();
	ring1_image_unload();
}

int ring1_world_cpu(const struct ring1_world *world)
{
	return READ_ONCE(world->cpu);
}

/* CR4.VMXE may not change in VMX operation, whoever entered it: the monitor's CR4 follows this processor's. */
static void follow_vmxe(struct ring1_switch *sw)
{
	sw->mon_cr4 = (sw->mon_cr4 & ~(u64)X86_CR4_VMXE) | (native_read_cr4() & X86_CR4_VMXE);
}

/*
 * The segments of user space, as Linux loads them at a context switch: a selector whose descriptor has gone from the LDT or
 * from the thread's entries of the GDT becomes null, through the kernel's exception table. The switch has left null in them
 * all, and the bases as they were; a load takes the base from the descriptor, so the base comes after it.
 */
static void load_user_segments(const struct ring1_switch *sw)
{
	if (sw->host_ds)
		loadsegment(ds, sw->host_ds);
	if (sw->host_es)
		loadsegment(es, sw->host_es);
	if (sw->host_fs) {
		loadsegment(fs, sw->host_fs);
		wrmsrl(MSR_FS_BASE, sw->host_fs_base);
	}
	if (sw->host_gs) {
		load_gs_index(sw->host_gs);
		wrmsrl(MSR_KERNEL_GS_BASE, sw->host_kernel_gs_base);
	}
}

enum visit_result {
	VISITED,
	TOO_EARLY, /* guest pages must be withdrawn first */
	NEVER,	   /* the thread is being killed, and would have to wait */
};

static enum visit_result visit(struct ring1_world *world)
{
	struct ring1_tracing tracing;

	if (!ring1_engine_arrive(&world->engine))
		return NEVER;
	if (!ring1_world_begin_visit(world)) {
		local_irq_enable();
		preempt_enable();
		return fatal_signal_pending(current) ? NEVER : TOO_EARLY;
	}
	ring1_engine_activate(&world->engine);
	follow_vmxe(world->sw);
	/* A signal that came after the caller's test must not wait for the host's next interrupt. */
	if (signal_pending(current))
		WRITE_ONCE(world->shared->kick, 1);
	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		switch_fpu_return();
	if (world->last_cpu != smp_processor_id())
		world->sw->moved = 1;
	world->last_cpu = smp_processor_id();
	world->sw->visited = 1;
	/* The host's descriptors of this processor, TSS included: the way back loads TR through this copy. */
	memcpy((void *)world->sw->transition_gdt, get_cpu_gdt_ro(smp_processor_id()), HOST_GDT_SLOTS * 8);
	world->shared->stats.world_switches++;
	ring1_tracing_stop(&tracing);
	ring1_speculation_enter(world->sw);
	ring1_switch_to_monitor(world->sw);
	load_user_segments(world->sw);
	ring1_tracing_resume(&tracing);
	ring1_world_end_visit(world);
	ring1_world_replay(world);
	local_irq_enable();
	preempt_enable();
	return VISITED;
}

enum ring1_request ring1_world_enter(struct ring1_world *world)
{
	for (;;) {
		enum visit_result result;

		ring1_world_take_withdrawn(world);
		result = visit(world);
		if (result == TOO_EARLY) {
			cond_resched(); /* others may give up pages as fast as we look */
			continue;
		}
		if (result == NEVER)
			return RING1_REQUEST_NONE;
		switch (world->shared->request) {
		case RING1_REQUEST_PAGES:
			ring1_world_grant(world);
			cond_resched();
			break;
		case RING1_REQUEST_POLL:
			cond_resched();
			break;
		default:
			return world->shared->request;
		}
		world->shared->command = RING1_COMMAND_RUN;
	}
}
