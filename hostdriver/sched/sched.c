// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's way through KVM_RUN under the scheduler. It needs a slot whenever it is about to enter the guest. It gives
 * the slot back when it halts, and when its time is over. When KVM_RUN returns it keeps the slot for a while: most exits
 * are a device's register, and to wait for another turn after each of them would take forever. That while is charged,
 * and it ends sooner when others wait. So a VM that is alone keeps its slot, and is not delayed by a single lock.
 */
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <asm/barrier.h>

#include "hostdriver/sched/sched.h"
#include "hostdriver/sched/slots.h"
#include "hostdriver/time/time.h"
#include "hostdriver/vm/vcpu.h"
#include "hostdriver/vm/vm.h"
#include "sched/sched.h"

static bool is_on(void)
{
	return ring1_sched_policy != RING1_SCHED_NONE;
}

static struct ring1_vcpu_sched *sched_of(struct preempt_notifier *notifier)
{
	return container_of(notifier, struct ring1_vcpu_sched, notifier);
}

/* With preemption off. */
static void start_clock(struct ring1_vcpu_sched *sched)
{
	if (!sched->since && READ_ONCE(sched->slot) >= RING1_SLOT_HELD)
		WRITE_ONCE(sched->since, ktime_get_ns());
}

static void sched_in(struct preempt_notifier *notifier, int cpu)
{
	start_clock(sched_of(notifier));
}

static void sched_out(struct preempt_notifier *notifier, struct task_struct *next)
{
	ring1_slots_stop_clock(sched_of(notifier), ktime_get_ns());
}

static struct preempt_ops preempt_ops = {
	.sched_in = sched_in,
	.sched_out = sched_out,
};

void ring1_sched_begin_run(struct ring1_vcpu *vcpu)
{
	struct ring1_slot_queue *slots;
	unsigned long flags;

	if (!is_on())
		return;
	preempt_disable();
	preempt_notifier_register(&vcpu->sched.notifier);
	preempt_enable();
	if (!vcpu->sched.away)
		return;
	slots = ring1_slots_lock(vcpu, &flags);
	WRITE_ONCE(vcpu->sched.away, 0);
	ring1_slots_unlock(slots, flags);
}

/* Out of the queue, whether it held the slot or waited for it. */
static void leave(struct ring1_vcpu *vcpu)
{
	struct ring1_vcpu_sched *sched = &vcpu->sched;
	struct ring1_slot_queue *slots;
	unsigned long flags;
	u64 now;

	slots = ring1_slots_lock(vcpu, &flags);
	ring1_slots_stop_clock(sched, ktime_get_ns());
	now = ring1_slots_charge(slots);
	sched->charged = sched->ran;
	ring1_sched_sleep(&sched->entity, now);
	WRITE_ONCE(sched->slot, RING1_SLOT_OUT);
	ring1_slots_update(slots, now);
	ring1_slots_unlock(slots, flags);
}

void ring1_sched_halt(struct ring1_vcpu *vcpu)
{
	if (is_on() && vcpu->sched.slot != RING1_SLOT_OUT)
		leave(vcpu);
}

void ring1_sched_end_run(struct ring1_vcpu *vcpu)
{
	struct ring1_vcpu_sched *sched = &vcpu->sched;
	struct ring1_slot_queue *slots;
	unsigned long flags;

	if (!is_on())
		return;
	preempt_disable();
	preempt_notifier_unregister(&sched->notifier);
	preempt_enable();
	switch (READ_ONCE(sched->slot)) {
	case RING1_SLOT_OUT:
		return;
	case RING1_SLOT_HELD:
		WRITE_ONCE(sched->away, ktime_get_ns());
		smp_mb(); /* who comes later looks at `away` after it has joined the queue */
		if (READ_ONCE(sched->entity.queue->runnable) == 1)
			return;
		slots = ring1_slots_lock(vcpu, &flags);
		ring1_slots_update(slots, ring1_slots_charge(slots));
		ring1_slots_unlock(slots, flags);
		return;
	default:
		leave(vcpu);
	}
}

/* Asks for a slot, or gives one back whose time is over; may get (it) at once. */
static void ask(struct ring1_vcpu *vcpu)
{
	struct ring1_vcpu_sched *sched = &vcpu->sched;
	struct ring1_slot_queue *slots;
	unsigned long flags;
	u64 now;

	if (sched->slot == RING1_SLOT_OUT)
		ring1_slots_place(vcpu);
	slots = ring1_slots_lock(vcpu, &flags);
	sched->task = current;
	now = ring1_slots_charge(slots);
	if (sched->slot == RING1_SLOT_OVER) {
		ring1_slots_dispatch(slots, now);
		if (sched->slot == RING1_SLOT_WAITING)
			ring1_slots_balance(slots, vcpu, now);
	} else if (sched->slot == RING1_SLOT_OUT) {
		WRITE_ONCE(sched->slot, RING1_SLOT_WAITING);
		ring1_sched_wake(&sched->entity, now);
		ring1_slots_update(slots, now);
	}
	if (sched->slot == RING1_SLOT_HELD)
		start_clock(sched);
	else
		ring1_slots_stop_clock(sched, now);
	ring1_slots_unlock(slots, flags);
}

bool ring1_sched_wait(struct ring1_vcpu *vcpu)
{
	struct ring1_vcpu_sched *sched = &vcpu->sched;
	u64 since;

	if (!is_on() || likely(READ_ONCE(sched->slot) == RING1_SLOT_HELD))
		return false;
	ask(vcpu);
	if (READ_ONCE(sched->slot) == RING1_SLOT_HELD)
		return false;
	ring1_steal_account(vcpu);
	since = ktime_get_ns();
	wait_event_interruptible(vcpu->wait,
				 READ_ONCE(sched->slot) != RING1_SLOT_WAITING || atomic_read(&vcpu->waiters));
	ring1_steal_waited(vcpu, since);
	preempt_disable();
	start_clock(sched);
	preempt_enable();
	return true;
}

void ring1_sched_refresh(struct ring1_vcpu *vcpu)
{
	struct ring1_slot_queue *slots;
	unsigned long flags;

	if (!is_on())
		return;
	slots = ring1_slots_lock(vcpu, &flags);
	ring1_slots_publish(vcpu, ring1_slots_charge(slots));
	ring1_slots_unlock(slots, flags);
}

void ring1_sched_vcpu_adjust(struct ring1_vcpu *vcpu, const struct ring1_sched_params *params)
{
	struct ring1_slot_queue *slots;
	unsigned long flags;
	u64 now;

	if (!is_on())
		return;
	slots = ring1_slots_lock(vcpu, &flags);
	now = ring1_slots_charge(slots);
	ring1_sched_adjust(&vcpu->sched.entity, params, now);
	ring1_slots_update(slots, now);
	ring1_slots_unlock(slots, flags);
}

void ring1_sched_vcpu_init(struct ring1_vcpu *vcpu)
{
	struct ring1_slot_queue *slots = ring1_slots_of(raw_smp_processor_id());
	unsigned long flags;
	u64 now;

	preempt_notifier_init(&vcpu->sched.notifier, &preempt_ops);
	ring1_sched_entity_init(&vcpu->sched.entity, &vcpu->vm->sched);
	if (!is_on())
		return;
	spin_lock_irqsave(&slots->lock, flags);
	now = ring1_slots_charge(slots);
	ring1_sched_attach(&slots->queue, &vcpu->sched.entity, now);
	ring1_slots_update(slots, now);
	spin_unlock_irqrestore(&slots->lock, flags);
}

/* Also for one that was never initialised. */
void ring1_sched_vcpu_free(struct ring1_vcpu *vcpu)
{
	struct ring1_slot_queue *slots;
	unsigned long flags;
	u64 now;

	if (!vcpu->sched.entity.queue)
		return;
	slots = ring1_slots_lock(vcpu, &flags);
	now = ring1_slots_charge(slots);
	ring1_sched_detach(&vcpu->sched.entity, now);
	ring1_slots_update(slots, now);
	ring1_slots_unlock(slots, flags);
}
