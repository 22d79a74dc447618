// SPDX-License-Identifier: GPL-2.0-only
/* A vCPU has one owner at a time: KVM_RUN, or whoever makes it step aside. */
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/wait.h>
#include <asm/barrier.h>

#include "hostdriver/compat.h"
#include "hostdriver/vm/own.h"
#include "hostdriver/vm/vcpu.h"
#include "hostdriver/vm/vm.h"
#include "hostdriver/world/world.h"

/*
 * Brings a vCPU's thread to where it looks at what changed: out of its halt, or out of the guest. Order: the change
 * (and `event`) before the processor number is read; ring1_world_enter() publishes the number before the monitor looks.
 * So either the monitor sees the change or the interrupt strikes the guest.
 */
void ring1_vcpu_notify(struct ring1_vcpu *vcpu)
{
	int cpu, self;

	smp_store_mb(vcpu->event, true);
	wake_up_all(&vcpu->wait); /* sleeps on a real-time kernel */
	self = get_cpu();
	cpu = ring1_world_cpu(vcpu->world);
	if (cpu >= 0 && cpu != self)
		smp_send_reschedule(cpu);
	put_cpu();
}

/* KVM_RUN tests `waiters` after it cleared `kick`; we raise them in the other order, so it sees one of the two. */
int ring1_vcpu_own(struct ring1_vcpu *vcpu)
{
	int ret;

	atomic_inc(&vcpu->waiters);
	smp_mb__after_atomic();
	WRITE_ONCE(vcpu->shared->kick, 1);
	ring1_vcpu_notify(vcpu);
	ret = mutex_lock_killable(&vcpu->mutex);
	if (atomic_dec_and_test(&vcpu->waiters))
		wake_up_all(&vcpu->wait);
	return ret;
}

void ring1_vcpu_disown(struct ring1_vcpu *vcpu)
{
	mutex_unlock(&vcpu->mutex);
}

int ring1_vm_own_vcpus(struct ring1_vm *vm)
{
	int i, ret = 0;

	for (i = 0; i < RING1_MAX_VCPUS && !ret; i++)
		if (vm->vcpus[i])
			ret = ring1_vcpu_own(vm->vcpus[i]);
	if (ret)
		for (i -= 2; i >= 0; i--)
			if (vm->vcpus[i])
				ring1_vcpu_disown(vm->vcpus[i]);
	return ret;
}

void ring1_vm_disown_vcpus(struct ring1_vm *vm)
{
	int i;

	for (i = RING1_MAX_VCPUS - 1; i >= 0; i--)
		if (vm->vcpus[i])
			ring1_vcpu_disown(vm->vcpus[i]);
}
