// SPDX-License-Identifier: GPL-2.0-only
/* The processors' slots: who holds which, until when, and who is next. */
#include <linux/cpumask.h>
#include <linux/ktime.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <asm/barrier.h>

#include "hostdriver/compat.h"
#include "hostdriver/sched/sched.h"
#include "hostdriver/sched/slots.h"
#include "hostdriver/vm/vcpu.h"
#include "hostdriver/world/world.h"
#include "sched/sched.h"

/* KVM_RUN may be left for so long without losing the slot: long enough for a device's register in user space. */
#define GRACE_NS (500 * NSEC_PER_USEC)
/* A holder that was told to go looks at its slot at its next exit; it is reminded if that does not come. */
#define REMIND_NS NSEC_PER_MSEC
#define SHORTEST_NS (20 * NSEC_PER_USEC)
#define LONGEST_NS (10 * NSEC_PER_SEC)

static DEFINE_PER_CPU(struct ring1_slot_queue, slot_queues);

struct ring1_slot_queue *ring1_slots_of(int cpu)
{
	return per_cpu_ptr(&slot_queues, cpu);
}

struct ring1_vcpu *ring1_sched_vcpu_of(struct ring1_sched_entity *entity)
{
	return container_of(entity, struct ring1_vcpu, sched.entity);
}

static struct ring1_vcpu *holder(struct ring1_slot_queue *slots)
{
	return slots->queue.current_entity ? ring1_sched_vcpu_of(slots->queue.current_entity) : NULL;
}

/* Another processor may take a waiting vCPU to its own queue at any time. */
struct ring1_slot_queue *ring1_slots_lock(struct ring1_vcpu *vcpu, unsigned long *flags)
{
	for (;;) {
		struct ring1_sched_queue *queue = READ_ONCE(vcpu->sched.entity.queue);
		struct ring1_slot_queue *slots;

		if (!queue) {
			cpu_relax();
			continue;
		}
		slots = container_of(queue, struct ring1_slot_queue, queue);
		spin_lock_irqsave(&slots->lock, *flags);
		if (vcpu->sched.entity.queue == queue)
			return slots;
		spin_unlock_irqrestore(&slots->lock, *flags);
	}
}

void ring1_slots_unlock(struct ring1_slot_queue *slots, unsigned long flags)
{
	spin_unlock_irqrestore(&slots->lock, flags);
}

static void set_timer(struct ring1_slot_queue *slots, u64 ns, u64 now)
{
	if (ns == RING1_SCHED_FOREVER) {
		if (slots->wake_at)
			hrtimer_try_to_cancel(&slots->timer);
		slots->wake_at = 0;
		return;
	}
	ns = clamp_t(u64, ns, SHORTEST_NS, LONGEST_NS);
	slots->wake_at = now + ns;
	hrtimer_start(&slots->timer, ns_to_ktime(ns), HRTIMER_MODE_REL_PINNED);
}

void ring1_slots_publish(struct ring1_vcpu *vcpu, u64 now)
{
	struct ring1_stats *stats = &vcpu->shared->stats;
	const struct ring1_sched_entity *entity = &vcpu->sched.entity;
	u64 since = entity->statistics.wait_since;
	u64 waiting = vcpu->sched.slot == RING1_SLOT_WAITING && now > since ? now - since : 0;

	WRITE_ONCE(stats->sched_run_ns, entity->statistics.run);
	WRITE_ONCE(stats->sched_wait_ns, entity->statistics.wait + waiting);
	WRITE_ONCE(stats->sched_dispatches, entity->statistics.dispatches);
	WRITE_ONCE(stats->sched_preemptions, vcpu->sched.preemptions);
	WRITE_ONCE(stats->sched_deadline_misses, entity->statistics.misses);
}

/*
 * The clock is the thread's, and read from elsewhere without a lock. A reader may see a step counted twice or not yet;
 * the next reading makes up for it, as only the growth since the last one is charged.
 */
u64 ring1_slots_charge(struct ring1_slot_queue *slots)
{
	struct ring1_vcpu *vcpu = holder(slots);
	u64 now = ktime_get_ns();
	u64 since, total;

	if (!vcpu)
		return now;
	since = READ_ONCE(vcpu->sched.since);
	total = READ_ONCE(vcpu->sched.ran) + (since && now > since ? now - since : 0);
	if (total > vcpu->sched.charged) {
		ring1_sched_charge(&vcpu->sched.entity, total - vcpu->sched.charged, now);
		vcpu->sched.charged = total;
	}
	ring1_slots_publish(vcpu, now);
	return now;
}

void ring1_slots_stop_clock(struct ring1_vcpu_sched *sched, u64 now)
{
	u64 since = READ_ONCE(sched->since);

	if (!since)
		return;
	WRITE_ONCE(sched->since, 0);
	WRITE_ONCE(sched->ran, sched->ran + (now > since ? now - since : 0));
}

static void grant(struct ring1_slot_queue *slots, struct ring1_vcpu *vcpu)
{
	u32 before = vcpu->sched.slot;

	WRITE_ONCE(vcpu->sched.slot, RING1_SLOT_HELD);
	if (before == RING1_SLOT_WAITING)
		wake_up_all(&vcpu->wait);
}

/* What the holder has run is charged, and it is not inside the guest. */
void ring1_slots_dispatch(struct ring1_slot_queue *slots, u64 now)
{
	struct ring1_vcpu *before = holder(slots);
	struct ring1_sched_choice choice = ring1_sched_pick(&slots->queue, now);

	if (!choice.entity && ring1_slots_steal(slots, now))
		choice = ring1_sched_pick(&slots->queue, now);
	if (before && &before->sched.entity != choice.entity) {
		WRITE_ONCE(before->sched.slot, RING1_SLOT_WAITING);
		before->sched.preemptions++;
		ring1_slots_publish(before, now);
	}
	if (choice.entity)
		grant(slots, ring1_sched_vcpu_of(choice.entity));
	set_timer(slots, choice.slice, now);
}

static void put_out(struct ring1_vcpu *vcpu, u64 now)
{
	ring1_slots_stop_clock(&vcpu->sched, now);
	vcpu->sched.charged = vcpu->sched.ran;
	ring1_sched_sleep(&vcpu->sched.entity, now);
	WRITE_ONCE(vcpu->sched.slot, RING1_SLOT_OUT);
}

/*
 * The holder's time is over. In the guest it is told so and leaves by itself. Otherwise the slot is taken at once: from
 * one in user space, from one that the host has put aside. One that did not even begin to run cannot, at the moment, and
 * would be chosen again and again.
 */
static void end_slice(struct ring1_slot_queue *slots, struct ring1_vcpu *vcpu, u64 now)
{
	struct ring1_vcpu_sched *sched = &vcpu->sched;
	int cpu;

	if (READ_ONCE(sched->away)) {
		put_out(vcpu, now);
	} else if (READ_ONCE(sched->since)) {
		WRITE_ONCE(sched->slot, RING1_SLOT_OVER);
		smp_mb();
		cpu = ring1_world_cpu(vcpu->world);
		if (cpu >= 0 && cpu != smp_processor_id())
			smp_send_reschedule(cpu);
		set_timer(slots, REMIND_NS, now);
		return;
	} else if (!slots->queue.ran) {
		put_out(vcpu, now);
		wake_up_all(&vcpu->wait);
	}
	ring1_slots_dispatch(slots, now);
}

/* After any change, with the holder charged. */
void ring1_slots_update(struct ring1_slot_queue *slots, u64 now)
{
	struct ring1_vcpu *vcpu = holder(slots);
	u64 rest, away;

	if (!vcpu) {
		ring1_slots_dispatch(slots, now);
		return;
	}
	rest = ring1_sched_remaining(&slots->queue, now);
	away = READ_ONCE(vcpu->sched.away);
	if (away && slots->queue.runnable > 1)
		rest = min(rest, away + GRACE_NS > now ? away + GRACE_NS - now : 0);
	if (rest)
		set_timer(slots, rest, now);
	else
		end_slice(slots, vcpu, now);
}

static enum hrtimer_restart slice_over(struct hrtimer *timer)
{
	struct ring1_slot_queue *slots = container_of(timer, struct ring1_slot_queue, timer);
	unsigned long flags;
	u64 now;

	spin_lock_irqsave(&slots->lock, flags);
	now = ring1_slots_charge(slots);
	if (slots->wake_at && now >= slots->wake_at) {
		slots->wake_at = 0;
		ring1_slots_update(slots, now);
	}
	spin_unlock_irqrestore(&slots->lock, flags);
	return HRTIMER_NORESTART;
}

void ring1_slots_init(void)
{
	struct ring1_sched_tunables tunables;
	int cpu;

	ring1_sched_default_tunables(&tunables);
	for_each_possible_cpu(cpu) {
		struct ring1_slot_queue *slots = ring1_slots_of(cpu);

		spin_lock_init(&slots->lock);
		slots->cpu = cpu;
		hrtimer_init(&slots->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED);
		slots->timer.function = slice_over;
		ring1_sched_queue_init(&slots->queue, ring1_sched_policy, &tunables, ktime_get_ns());
	}
}

void ring1_slots_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		hrtimer_cancel(&ring1_slots_of(cpu)->timer);
}
