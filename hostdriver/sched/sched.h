/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who of the vCPUs in KVM_RUN may enter the guest. Each processor has one slot and a queue of those who want it, under
 * the policies of sched/. A slot is a licence to run, not a place: a thread with a slot runs wherever the host's
 * scheduler puts it, and the host's own work preempts it as it does any thread.
 */
#ifndef RING1_HOST_SCHED_H
#define RING1_HOST_SCHED_H

#include <linux/hrtimer.h>
#include <linux/preempt.h>
#include <linux/spinlock.h>

#include "sched/sched.h"

struct ring1_vcpu;
struct ring1_vm;
struct file_operations;

enum ring1_slot {
	RING1_SLOT_OUT,	    /* wants none */
	RING1_SLOT_WAITING, /* in the queue */
	RING1_SLOT_HELD,
	RING1_SLOT_OVER, /* held, to be given back at the next look */
};

struct ring1_slot_queue {
	spinlock_t lock; /* taken with interrupts off; two of them: in the order of addresses, or by trylock */
	struct ring1_sched_queue queue;
	struct hrtimer timer;
	u64 wake_at; /* when the timer has something to do; 0: never */
	int cpu;
};

struct ring1_vcpu_sched {
	struct ring1_sched_entity entity;
	struct task_struct *task; /* of KVM_RUN; valid while the slot is WAITING */
	u32 slot;		  /* enum ring1_slot; changes under the queue's lock */
	u64 away;		  /* KVM_RUN has returned at this time, with the slot; 0: it has not */
	/* The clock of what is charged: it stands still while the host runs something else. */
	u64 since; /* running since then; 0: standing still */
	u64 ran;   /* until then */
	u64 charged;
	u64 preemptions;
	struct preempt_notifier notifier;
};

/* params.c */
extern u32 ring1_sched_policy; /* enum ring1_sched_policy */
int ring1_sched_init(void);
void ring1_sched_exit(void);
void ring1_sched_vcpu_added(struct ring1_vcpu *vcpu); /* the VM has it now */
int ring1_sched_get(void *vm, void *settings);
int ring1_sched_set(void *vm, void *settings);
void ring1_sched_vm_init(struct ring1_vm *vm);
void ring1_sched_vm_free(struct ring1_vm *vm);

/* debugfs.c */
extern const struct file_operations ring1_sched_fops;

/* sched.c: a vCPU's way through KVM_RUN; the vCPU is owned. */
void ring1_sched_vcpu_init(struct ring1_vcpu *vcpu);
void ring1_sched_vcpu_free(struct ring1_vcpu *vcpu);
void ring1_sched_begin_run(struct ring1_vcpu *vcpu);
void ring1_sched_end_run(struct ring1_vcpu *vcpu);
/* Before HLT blocks. */
void ring1_sched_halt(struct ring1_vcpu *vcpu);
/* false: enter the guest. true: something happened meanwhile; look at what there is to do, and ask again. */
bool ring1_sched_wait(struct ring1_vcpu *vcpu);
/* Brings the statistics up to date. */
void ring1_sched_refresh(struct ring1_vcpu *vcpu);
void ring1_sched_vcpu_adjust(struct ring1_vcpu *vcpu, const struct ring1_sched_params *params);

/* slots.c: below it, the queues. Called with the queue's lock held. */
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
