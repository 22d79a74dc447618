// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_RUN. The monitor is a coroutine: each entry lets it go on until it wants something. What calls the thread away - a
 * signal, immediate_exit, another thread that wants the vCPU - raises `kick`, and the monitor answers at the next
 * instruction boundary with an exit of reason KVM_EXIT_INTR.
 */
#include <linux/kvm.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/task_work.h>
#include <linux/wait.h>
#include <asm/barrier.h>
#include <asm/msr.h>

#include "hostdriver/command/command.h"
#include "hostdriver/compat.h"
#include "hostdriver/interrupt/interrupt.h"
#include "hostdriver/run/run.h"
#include "hostdriver/sched/sched.h"
#include "hostdriver/time/time.h"
#include "hostdriver/vm/vcpu.h"
#include "hostdriver/vm/vm.h"
#include "hostdriver/world/speculation.h"

#define RUN_STEP_ASIDE 1 /* give the vCPU to those who wait for it, then go on */
#define RUN_CONTINUE 2

/*
 * Work that the kernel has for a thread on its way to user space is no signal yet, but may become one: a CPU-time timer or
 * limit that expired is looked at there (CONFIG_POSIX_CPU_TIMERS_TASK_WORK).
 */
static bool must_return(bool immediate_exit)
{
	return immediate_exit || signal_pending(current) || task_work_pending(current);
}

static bool called_away(const struct ring1_vcpu *vcpu, bool immediate_exit)
{
	return must_return(immediate_exit) || atomic_read(&vcpu->waiters);
}

static int leave(struct ring1_vcpu *vcpu, bool immediate_exit)
{
	if (!must_return(immediate_exit))
		return RUN_STEP_ASIDE;
	WRITE_ONCE(vcpu->run->exit_reason, KVM_EXIT_INTR);
	return -EINTR;
}

static void wait_for_event(struct ring1_vcpu *vcpu)
{
	struct ring1_stats *stats = &vcpu->shared->stats;
	u64 begin = rdtsc();

	stats->halts++;
	ring1_timer_update(vcpu);
	ring1_sched_halt(vcpu);
	wait_event_interruptible(vcpu->wait, READ_ONCE(vcpu->event) || atomic_read(&vcpu->waiters));
	stats->tsc_halted += rdtsc() - begin;
}

/* An exit leaves the monitor at an instruction boundary, unless it waits for the device's answer. */
static int finish_exit(struct ring1_vcpu *vcpu, bool immediate_exit)
{
	u32 reason = vcpu->shared->exit.reason;

	vcpu->in_flight = reason == KVM_EXIT_IO || reason == KVM_EXIT_MMIO;
	if (reason != KVM_EXIT_INTR) {
		int ret = ring1_exit_report(vcpu);

		/* The guest cannot go on without its memory; that is no fault of its instruction. */
		return reason == KVM_EXIT_INTERNAL_ERROR && vcpu->memory_error ? vcpu->memory_error : ret;
	}
	return called_away(vcpu, immediate_exit) ? leave(vcpu, immediate_exit) : RUN_CONTINUE;
}

static int handle(struct ring1_vcpu *vcpu, enum ring1_request request, bool immediate_exit)
{
	switch (request) {
	case RING1_REQUEST_INTERRUPT:
	case RING1_REQUEST_DEADLINE: /* the timer is set before the next entry */
		vcpu->in_flight = true;
		ring1_vtime_stop(vcpu);
		/* A dying process need not reach a boundary. */
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
		return RUN_CONTINUE;
	case RING1_REQUEST_NONE:
		/* Who comes next goes on where the monitor stands. */
		vcpu->in_flight = true;
		return -EINTR;
	case RING1_REQUEST_EXIT:
		return finish_exit(vcpu, immediate_exit);
	case RING1_REQUEST_HALT:
		vcpu->in_flight = false;
		wait_for_event(vcpu);
		return RUN_CONTINUE;
	case RING1_REQUEST_PANIC:
		break;
	default:
		ring1_vcpu_die(vcpu, "the monitor made an unknown request");
	}
	ring1_exit_report_dead(vcpu);
	return 0;
}

/* `kick` is cleared before the reasons for it are tested, see ring1_vcpu_own(). */
static bool prepare_kick(struct ring1_vcpu *vcpu, bool immediate_exit)
{
	smp_store_mb(vcpu->shared->kick, 0);
	if (!called_away(vcpu, immediate_exit))
		return false;
	WRITE_ONCE(vcpu->shared->kick, 1);
	return true;
}

static int run_loop(struct ring1_vcpu *vcpu, bool immediate_exit)
{
	struct ring1_vcpu_shared *shared = vcpu->shared;
	int ret = RUN_CONTINUE;

	do {
		bool called = prepare_kick(vcpu, immediate_exit);

		if (called && !vcpu->in_flight)
			return leave(vcpu, immediate_exit);
		/* Who is called away inside an instruction goes on to its end in any case. */
		ring1_vtime_stop(vcpu);
		if (!called && ring1_sched_wait(vcpu))
			continue;
		ring1_vtime_resume(vcpu);
		ring1_steal_account(vcpu);
		ring1_timer_update(vcpu);
		ring1_irq_drain(vcpu);
		smp_store_mb(vcpu->event, false);
		shared->request_interrupt_window = READ_ONCE(vcpu->run->request_interrupt_window);
		shared->command = RING1_COMMAND_RUN;
		ret = handle(vcpu, ring1_vcpu_enter(vcpu), immediate_exit);
	} while (ret == RUN_CONTINUE);
	return ret;
}

/* Without an interrupt controller in the kernel the task priority is user space's. */
static int take_cr8(struct ring1_vcpu *vcpu)
{
	u64 cr8 = READ_ONCE(vcpu->run->cr8);

	if (vcpu->vm->irqchip)
		return 0;
	if (cr8 > 15)
		return -EINVAL;
	vcpu->shared->cpu.cr8 = cr8;
	return 0;
}

/* The mutex is held; ends with -errno, 0 (an exit is reported) or RUN_STEP_ASIDE. */
static int run_owned(struct ring1_vcpu *vcpu)
{
	bool immediate_exit = READ_ONCE(vcpu->run->RING1_RUN_IMMEDIATE_EXIT);
	int ret;

	if (vcpu->dead) {
		ring1_exit_report_dead(vcpu);
		return 0;
	}
	ret = take_cr8(vcpu);
	if (ret)
		return ret;
	ring1_exit_answer(vcpu);
	vcpu->memory_error = 0;
	vcpu->started = true;
	ring1_sched_begin_run(vcpu);
	ring1_fpu_load(vcpu);
	if (vcpu->state_written) {
		vcpu->state_written = false;
		ret = ring1_vcpu_command(vcpu, RING1_COMMAND_STATE_WRITTEN);
	}
	if (vcpu->dead) {
		ring1_exit_report_dead(vcpu);
		ret = 0;
	} else if (!ret) {
		ret = run_loop(vcpu, immediate_exit);
	}
	ring1_vtime_stop(vcpu);
	ring1_fpu_put(vcpu);
	ring1_speculation_to_user(vcpu->vm->choice.engine);
	ring1_sched_end_run(vcpu);
	vcpu->shared->stats.user_exits += ret != RUN_STEP_ASIDE;
	return ret;
}

static int run_shared(struct ring1_vcpu *vcpu)
{
	int ret;

	do {
		if (wait_event_interruptible(vcpu->wait, !atomic_read(&vcpu->waiters)) ||
		    mutex_lock_interruptible(&vcpu->mutex)) {
			WRITE_ONCE(vcpu->run->exit_reason, KVM_EXIT_INTR);
			return -EINTR;
		}
		ret = run_owned(vcpu);
		mutex_unlock(&vcpu->mutex);
	} while (ret == RUN_STEP_ASIDE);
	return ret;
}

int ring1_vcpu_run(struct ring1_vcpu *vcpu)
{
	sigset_t saved;
	bool masked = READ_ONCE(vcpu->sigset_active);
	int ret;

	if (masked)
		sigprocmask(SIG_SETMASK, &vcpu->sigset, &saved);
	ret = run_shared(vcpu);
	if (masked)
		sigprocmask(SIG_SETMASK, &saved, NULL);
	return ret;
}
