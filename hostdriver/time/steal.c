// SPDX-License-Identifier: GPL-2.0-only
/*
 * Time in which a vCPU was ready to run and something else did: it waited for a turn of ours (sched.c), or its thread
 * for a processor of Linux'. The monitor tells the guest of it. With the policy *active* nothing is stolen, as virtual
 * time stands meanwhile.
 */
#include <linux/ktime.h>
#include <linux/sched.h>

#include "hostdriver/time/time.h"
#include "hostdriver/vm/vcpu.h"

static u64 run_delay(void)
{
#ifdef CONFIG_SCHED_INFO
	return current->sched_info.run_delay;
#else
	return 0;
#endif
}

static void add(struct ring1_vcpu *vcpu, u64 ns)
{
	if (!vcpu->shared->config.active_time)
		vcpu->shared->stats.stolen_ns += ns;
}

/* The monitor is not inside, and current runs the vCPU. What another thread waited for is not the vCPU's. */
void ring1_steal_account(struct ring1_vcpu *vcpu)
{
	u64 delay = run_delay();

	if (vcpu->steal_pid == current->pid && delay > vcpu->run_delay)
		add(vcpu, delay - vcpu->run_delay);
	vcpu->steal_pid = current->pid;
	vcpu->run_delay = delay;
}

/* It has waited for its turn since then (ktime). On its way to a processor afterwards it waited as well: once only. */
void ring1_steal_waited(struct ring1_vcpu *vcpu, u64 since)
{
	add(vcpu, ktime_get_ns() - since);
	vcpu->run_delay = run_delay();
}
