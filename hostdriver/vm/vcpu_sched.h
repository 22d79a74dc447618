/* SPDX-License-Identifier: GPL-2.0-only */
/* What the scheduler (sched/) keeps of a vCPU. */
#ifndef RING1_VCPU_SCHED_H
#define RING1_VCPU_SCHED_H

#include <linux/preempt.h>
#include <linux/types.h>

#include "sched/sched.h"

struct task_struct;

enum ring1_slot {
	RING1_SLOT_OUT,	    /* wants none */
	RING1_SLOT_WAITING, /* in the queue */
	RING1_SLOT_HELD,
	RING1_SLOT_OVER, /* held, to be given back at the next look */
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

#endif
