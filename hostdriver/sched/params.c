// SPDX-License-Identifier: GPL-2.0-only
/* The choice of a policy, and what a VM asks for: by ioctl, and in debugfs for whoever looks after the machine. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/capability.h>
#include <linux/cpumask.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <asm/barrier.h>

#include "hostdriver/sched/sched.h"
#include "hostdriver/sched/slots.h"
#include "hostdriver/vm/vcpu.h"
#include "hostdriver/vm/vm.h"
#include "sched/sched.h"

static char *policy_name = "credit";
module_param_named(sched, policy_name, charp, 0444);
MODULE_PARM_DESC(sched, "how VMs share processors: credit, bvt, sedf, rr, or none for the host's own way (default credit)");

u32 ring1_sched_policy;

/* Protects the parameters of all VMs and the sum of their claims. */
static DEFINE_MUTEX(params_lock);
static u64 claims; /* millionths of a processor */

int ring1_sched_init(void)
{
	ring1_sched_policy = ring1_sched_policy_by_name(policy_name);
	if (ring1_sched_policy == RING1_SCHED_POLICIES) {
		pr_err("sched must be credit, bvt, sedf, rr or none, not %s\n", policy_name);
		return -EINVAL;
	}
	if (ring1_sched_policy == RING1_SCHED_NONE)
		return 0;
	ring1_slots_init();
	preempt_notifier_inc();
	return 0;
}

void ring1_sched_exit(void)
{
	if (ring1_sched_policy == RING1_SCHED_NONE)
		return;
	preempt_notifier_dec();
	ring1_slots_exit();
}

const char *ring1_sched_name(void)
{
	return ring1_sched_policy_name(ring1_sched_policy);
}

void ring1_sched_vm_init(struct ring1_vm *vm)
{
	ring1_sched_default_params(&vm->sched);
}

void ring1_sched_vm_free(struct ring1_vm *vm)
{
	mutex_lock(&params_lock);
	claims -= ring1_sched_claim(&vm->sched);
	mutex_unlock(&params_lock);
}

int ring1_sched_get(void *object, void *data)
{
	struct ring1_vm *vm = object;
	struct ring1_vm_sched *settings = data;

	mutex_lock(&params_lock);
	*settings = (struct ring1_vm_sched){ .policy = ring1_sched_policy, .params = vm->sched };
	mutex_unlock(&params_lock);
	return 0;
}

static bool within_guarantee(const struct ring1_sched_params *now, const struct ring1_sched_params *wanted)
{
	return wanted->slice <= now->slice && wanted->period == now->period && wanted->latency == now->latency;
}

static bool same_warp(const struct ring1_sched_params *a, const struct ring1_sched_params *b)
{
	return a->warp_enabled == b->warp_enabled && a->warp == b->warp && a->warp_limit == b->warp_limit &&
	       a->warp_pause == b->warp_pause;
}

/*
 * More than a VM gets that asks for nothing, and more than it has: at the cost of other users' VMs. What was granted to it
 * may be named again, or be given up.
 */
static bool beyond_fair_share(const struct ring1_sched_params *now, const struct ring1_sched_params *wanted)
{
	struct ring1_sched_params usual;

	ring1_sched_default_params(&usual);
	return wanted->weight > max(usual.weight, now->weight) || (wanted->slice && !within_guarantee(now, wanted)) ||
	       (wanted->warp_enabled && !same_warp(wanted, now));
}

/* Every vCPU gets what is asked for the VM. params_lock is held. */
static int change(struct ring1_vm *vm, const struct ring1_sched_params *params)
{
	u64 sum = claims - ring1_sched_claim(&vm->sched) + ring1_sched_claim(params);
	int i;

	if (sum > claims && sum > num_online_cpus() * 1000000ULL)
		return -EBUSY;
	claims = sum;
	vm->sched = *params;
	for (i = 0; i < RING1_MAX_VCPUS; i++) {
		struct ring1_vcpu *vcpu = smp_load_acquire(&vm->vcpus[i]);

		if (vcpu)
			ring1_sched_vcpu_adjust(vcpu, params);
	}
	return 0;
}

/* Parameters may have changed while the vCPU was made. */
void ring1_sched_vcpu_added(struct ring1_vcpu *vcpu)
{
	mutex_lock(&params_lock);
	ring1_sched_vcpu_adjust(vcpu, &vcpu->vm->sched);
	mutex_unlock(&params_lock);
}

int ring1_sched_set(void *object, void *data)
{
	const struct ring1_vm_sched *settings = data;
	struct ring1_vm *vm = object;
	int ret;

	if (settings->policy || settings->reserved || ring1_sched_check_params(&settings->params))
		return -EINVAL;
	mutex_lock(&params_lock);
	if (beyond_fair_share(&vm->sched, &settings->params) && !capable(CAP_SYS_NICE))
		ret = -EPERM;
	else
		ret = change(vm, &settings->params);
	mutex_unlock(&params_lock);
	return ret;
}
