/* SPDX-License-Identifier: GPL-2.0-only */
/* The processors' slots and their queues. The functions are called with the queue's lock held, unless they lock it. */
#ifndef RING1_SCHED_SLOTS_H
#define RING1_SCHED_SLOTS_H

#include <linux/hrtimer.h>
#include <linux/spinlock.h>

#include "sched/sched.h"

struct ring1_vcpu;
struct ring1_vcpu_sched;

struct ring1_slot_queue {
	spinlock_t lock; /* taken with interrupts off; two of them: in the order of addresses, or by trylock */
	struct ring1_sched_queue queue;
	struct hrtimer timer;
	u64 wake_at; /* when the timer has something to do; 0: never */
	int cpu;
};

/* params.c */
extern u32 ring1_sched_policy; /* enum ring1_sched_policy */

/* sched.c */
void ring1_sched_vcpu_adjust(struct ring1_vcpu *vcpu, const struct ring1_sched_params *params);

/* slots.c */
void ring1_slots_init(void);
void ring1_slots_exit(void);
struct ring1_slot_queue *ring1_slots_of(int cpu);
struct ring1_slot_queue *ring1_slots_lock(struct ring1_vcpu *vcpu, unsigned long *flags);
void ring1_slots_unlock(struct ring1_slot_queue *slots, unsigned long flags);
void ring1_slots_stop_clock(struct ring1_vcpu_sched *sched, u64 now);
struct ring1_vcpu *ring1_sched_vcpu_of(struct ring1_sched_entity *entity);
u64 ring1_slots_charge(struct ring1_slot_queue *slots); /* the current entity, until now; tells the time */
void ring1_slots_publish(struct ring1_vcpu *vcpu, u64 now);
void ring1_slots_dispatch(struct ring1_slot_queue *slots, u64 now);
void ring1_slots_update(struct ring1_slot_queue *slots, u64 now);
/* balance.c */
bool ring1_slots_steal(struct ring1_slot_queue *slots, u64 now);
void ring1_slots_balance(struct ring1_slot_queue *slots, struct ring1_vcpu *vcpu, u64 now);
void ring1_slots_place(struct ring1_vcpu *vcpu);

#endif
