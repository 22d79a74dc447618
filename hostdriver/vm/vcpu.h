/* SPDX-License-Identifier: GPL-2.0-only */
/* A virtual processor. What has no other rule belongs to the holder of its mutex. */
#ifndef RING1_VCPU_H
#define RING1_VCPU_H

#include <linux/hrtimer.h>
#include <linux/mutex.h>
#include <linux/signal_types.h>
#include <linux/wait.h>
#include <asm/fpu/types.h>

#include "hostdriver/vm/vcpu_sched.h"
#include "include/ring1/vcpu_shared.h"

struct ring1_vm;
struct ring1_world;

struct ring1_vcpu {
	struct mutex mutex;
	atomic_t waiters;	/* threads that want the mutex from KVM_RUN */
	wait_queue_head_t wait; /* KVM_RUN, halted or stepped aside */
	bool event;		/* something happened since the last entry: do not stay halted. Set by anybody (own.c) */

	/* From birth to end. */
	struct ring1_vm *vm;
	u32 id;
	struct ring1_world *world;
	struct ring1_vcpu_shared *shared; /* what is asynchronous in it says so */
	struct kvm_run *run;	/* user space writes here at any time: read each field once */
	void *pio;

	struct fpu_guest fpu;
	bool fpu_loaded;	/* current's FPU registers are the guest's */

	bool entered;		/* the monitor has been in its world */
	bool started;		/* KVM_RUN has entered the guest */
	bool in_flight;		/* the monitor is suspended inside an instruction */
	bool state_written;	/* user space changed shared->cpu */
	bool dead;		/* the monitor ended: never enter it again. Also set when the process has gone (memory/notifier.c) */
	int memory_error;	/* why a page of the guest's could not be had in this KVM_RUN */
	u32 answer_owed;	/* KVM_EXIT_IO or KVM_EXIT_MMIO: its answer is still in kvm_run */

	bool sigset_active;
	sigset_t sigset;

	struct ring1_vcpu_sched sched; /* it says its own rules */

	struct hrtimer timer;
	u64 armed; /* deadline_tsc the timer was set for; the timer reads it, and tsc_missing */
	u64 run_delay; /* of the thread steal_pid, as of the last entry */
	pid_t steal_pid;
	u64 tsc_missing; /* time/sleep.c: the epoch of the processor's TSC in which armed and all that follows is told */
	u64 stopped_since; /* TSC; virtual time stands since then; 0: it does not */
};

#endif
