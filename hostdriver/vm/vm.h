/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtual machine. It owns its memory slots and its vCPUs; it lives as long as one of the file descriptors of it does.
 *
 * Locks, outermost first:
 *   vm->lock       what a VM consists of: slots, vCPUs, the irqchip's existence
 *   vcpu->mutex    the owner of a vCPU's shared structure and its monitor; KVM_RUN holds it all the time, others make it
 *                  step aside through ring1_vcpu_own()
 *   vm->memory_lock spinlock: invalidations of the process's memory (memory/notifier.c); the slots, for these
 *   vm->irq_lock   spinlock: the queue of interrupt lines
 *   slots->lock    spinlock: the queue for a processor (sched/slots.h)
 * Slots change only under vm->lock, the mutexes of all vCPUs, and vm->memory_lock: any one is enough to read them.
 */
#ifndef RING1_VM_H
#define RING1_VM_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "hostdriver/engine/engine.h"
#include "include/ring1/sched_params.h"

#define RING1_MAX_VCPUS 1
#define RING1_MAX_GPA (1ULL << 32) /* what the monitor's tables cover */

struct dentry;
struct mm_struct;
struct ring1_vcpu;

/* Interrupt lines: what did not fit into the monitor's queue waits here, one pulse and the last level per line. */
struct ring1_irq_lines {
	u32 level;   /* as user space set it last */
	u32 changed; /* waits for room in the queue */
	u32 raised;  /* was high at least once since it waits */
};

struct ring1_vm {
	struct kref ref;
	struct mutex lock;

	/* From birth to end. */
	struct mm_struct *mm;
	pid_t pid;
	struct ring1_choice choice; /* held as long as the VM lives */
	struct dentry *debugfs;

	/* Written under lock, the last two also read without. */
	u64 identity_map; /* guest physical address; of use to engine vmx where it needs one */
	bool manual_dirty_log;
	bool irqchip, pit;
	bool drop_late_ticks; /* KVM_REINJECT_CONTROL */
	/* Set with release under lock, read with acquire; never taken away before the VM ends. */
	struct ring1_vcpu *vcpus[RING1_MAX_VCPUS];

	struct list_head slots; /* of struct ring1_memslot; the rule stands above */
	struct mmu_notifier notifier; /* of mm */
	atomic_t released; /* mm has gone, or we no longer care */
	wait_queue_head_t invalidation_ended;
	spinlock_t memory_lock; /* the next three */
	u64 invalidations; /* of the guest's memory, that have ended */
	u32 invalidating; /* how many are under way, within these addresses */
	unsigned long invalid_start, invalid_end;

	spinlock_t irq_lock; /* the next one */
	struct ring1_irq_lines lines;

	struct ring1_sched_params sched; /* under a lock of sched/params.c */
};

#endif
