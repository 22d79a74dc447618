// SPDX-License-Identifier: GPL-2.0-only
/* Which processor's queue a vCPU is in. */
#include <linux/cpumask.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/spinlock.h>

#include "hostdriver/sched/sched.h"
#include "hostdriver/sched/slots.h"
#include "hostdriver/vm/vcpu.h"

static u64 load_of(int cpu)
{
	return READ_ONCE(ring1_slots_of(cpu)->queue.load);
}

static u32 own_load(const struct ring1_vcpu *vcpu)
{
	return ring1_sched_load(ring1_sched_policy, &vcpu->sched.entity.params);
}

static bool may_take(struct ring1_sched_entity *entity, void *context)
{
	const struct ring1_slot_queue *slots = context;
	struct ring1_vcpu *vcpu = ring1_sched_vcpu_of(entity);

	return vcpu->sched.slot == RING1_SLOT_WAITING && cpumask_test_cpu(slots->cpu, vcpu->sched.task->cpus_ptr);
}

/* Nobody wants this processor: take somebody who waits for another. */
bool ring1_slots_steal(struct ring1_slot_queue *slots, u64 now)
{
	int cpu;

	for_each_online_cpu(cpu) {
		struct ring1_slot_queue *other = ring1_slots_of(cpu);
		struct ring1_sched_entity *entity;

		if (other == slots || READ_ONCE(other->queue.runnable) < 2 || !spin_trylock(&other->lock))
			continue;
		ring1_slots_charge(other);
		entity = ring1_sched_candidate(&other->queue, now, may_take, slots);
		if (entity)
			ring1_sched_migrate(entity, &slots->queue, now);
		spin_unlock(&other->lock);
		if (entity)
			return true;
	}
	return false;
}

static bool is_idle(int cpu)
{
	return !READ_ONCE(ring1_slots_of(cpu)->queue.runnable);
}

/*
 * Here if it is idle, where the vCPU was if that is, anywhere that is; else where it was, unless another queue would be
 * shorter with it than that one is.
 */
static int choose_cpu(int here, int before, u32 load)
{
	const struct cpumask *allowed = current->cpus_ptr;
	bool may_stay = cpumask_test_cpu(before, allowed) && cpu_online(before);
	int cpu, best;

	if (is_idle(here))
		return here;
	if (may_stay && is_idle(before))
		return before;
	best = may_stay ? before : here;
	for_each_cpu_and(cpu, allowed, cpu_online_mask) {
		if (is_idle(cpu))
			return cpu;
		if (load_of(cpu) + load < load_of(best))
			best = cpu;
	}
	return best;
}

/* To the queue of a processor where the thread may run. The vCPU is OUT, so nobody else moves it. */
void ring1_slots_place(struct ring1_vcpu *vcpu)
{
	struct ring1_slot_queue *from = container_of(vcpu->sched.entity.queue, struct ring1_slot_queue, queue);
	struct ring1_slot_queue *to = ring1_slots_of(choose_cpu(raw_smp_processor_id(), from->cpu, own_load(vcpu)));
	unsigned long flags;

	if (from == to)
		return;
	/* Not local_irq_save(): the locks sleep on a real-time kernel. */
	spin_lock_irqsave(from < to ? &from->lock : &to->lock, flags);
	spin_lock_nested(from < to ? &to->lock : &from->lock, SINGLE_DEPTH_NESTING);
	ring1_slots_charge(to);
	ring1_sched_migrate(&vcpu->sched.entity, &to->queue, ktime_get_ns());
	spin_unlock(from < to ? &to->lock : &from->lock);
	spin_unlock_irqrestore(from < to ? &from->lock : &to->lock, flags);
}

/*
 * The vCPU's turn is over, and it waits. It goes to another queue if that one, with it, would still be shorter than this
 * one is: so each move makes the longest queue shorter, and there is an end to it.
 */
void ring1_slots_balance(struct ring1_slot_queue *slots, struct ring1_vcpu *vcpu, u64 now)
{
	struct ring1_slot_queue *best = slots;
	u32 load = own_load(vcpu);
	int cpu;

	for_each_cpu_and(cpu, current->cpus_ptr, cpu_online_mask) {
		u64 with = load_of(cpu) + load;

		if (cpu != slots->cpu && with < slots->queue.load && (best == slots || with < best->queue.load + load))
			best = ring1_slots_of(cpu);
	}
	if (best == slots || !spin_trylock(&best->lock))
		return;
	ring1_slots_charge(best);
	ring1_sched_migrate(&vcpu->sched.entity, &best->queue, now);
	ring1_slots_update(best, now);
	spin_unlock(&best->lock);
}
