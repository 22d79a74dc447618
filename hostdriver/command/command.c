// SPDX-License-Identifier: GPL-2.0-only
/* Entering the monitor for anything, and carrying out a command other than RUN. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cache.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "hostdriver/command/command.h"
#include "hostdriver/time/time.h"
#include "hostdriver/vm/vcpu.h"
#include "hostdriver/vm/vm.h"
#include "hostdriver/world/world.h"

static const struct ring1_request_handlers *request_handlers __ro_after_init;

void ring1_command_init(const struct ring1_request_handlers *handlers)
{
	request_handlers = handlers;
}

/* The monitor failed or broke the protocol: its VM is over, the host goes on. Any user can have this as often as he likes. */
void ring1_vcpu_die(struct ring1_vcpu *vcpu, const char *reason)
{
	if (vcpu->dead)
		return;
	vcpu->dead = true;
	pr_err_ratelimited("process %d, vCPU %u: %s\n", vcpu->vm->pid, vcpu->id, reason);
	ring1_log_panic(vcpu);
}

/*
 * What was asked for is served, and the monitor goes on. A guest can make it ask for ever without an interrupt that takes the
 * request out of here: so whoever waits for this processor gets it now, and at the next boundary of an instruction the monitor comes
 * back for those who wait for the slot.
 */
static void let_others_run(struct ring1_vcpu *vcpu)
{
	if (READ_ONCE(vcpu->sched.slot) == RING1_SLOT_OVER)
		WRITE_ONCE(vcpu->shared->kick, 1);
	cond_resched();
}

/* The answer is not to be used. */
static void withdraw_pin(struct ring1_vcpu *vcpu)
{
	vcpu->shared->pin.count = 0;
	vcpu->shared->pin.backing = RING1_BACKING_RETRY;
}

/*
 * One visit to the monitor with shared->command; serves what is the same in every situation. After the first visit of
 * a command the monitor waits for answers, so the command is RUN from then on.
 */
enum ring1_request ring1_vcpu_enter(struct ring1_vcpu *vcpu)
{
	struct ring1_vcpu_shared *shared = vcpu->shared;
	enum ring1_request request;

	for (;;) {
		vcpu->entered = true;
		ring1_sleep_follow(vcpu);
		ring1_vtime_account(vcpu);
		request = ring1_world_enter(vcpu->world);
		shared->log.tail = READ_ONCE(shared->log.head);
		shared->command = RING1_COMMAND_RUN;
		switch (request) {
		case RING1_REQUEST_PIN:
			request_handlers->pin(vcpu);
			/*
			 * The dying get no memory any more. Whoever enters next may have given it away before: the monitor
			 * must ask again.
			 */
			if (fatal_signal_pending(current)) {
				withdraw_pin(vcpu);
				return RING1_REQUEST_INTERRUPT;
			}
			let_others_run(vcpu);
			break;
		case RING1_REQUEST_WALL_CLOCK:
			shared->wall_clock_ns = ktime_get_real_ns();
			let_others_run(vcpu);
			break;
		case RING1_REQUEST_NONE:
			/* What was answered before may not have been heard. */
			withdraw_pin(vcpu);
			return request;
		case RING1_REQUEST_PANIC:
			ring1_vcpu_die(vcpu, "the monitor panicked");
			return request;
		default:
			return request;
		}
	}
}

/*
 * The dying get no page, however often the monitor asks, and do not enter it if pages are to be withdrawn first. In KVM_RUN the
 * thread leaves and another may go on, but nobody else knows of a command: it is half carried out, and this was the monitor's
 * last entry.
 */
static bool give_up(struct ring1_vcpu *vcpu, enum ring1_request request)
{
	if (request != RING1_REQUEST_NONE && (vcpu->shared->pin.backing != RING1_BACKING_RETRY || !fatal_signal_pending(current)))
		return false;
	vcpu->dead = true;
	return true;
}

/*
 * The monitor prepares itself at its first entry and takes commands only afterwards. The kick makes it come back before
 * the first instruction; if it lacks memory it says so with an exit now and at every KVM_RUN.
 */
static void start_monitor(struct ring1_vcpu *vcpu)
{
	enum ring1_request request;

	vcpu->shared->command = RING1_COMMAND_RUN;
	WRITE_ONCE(vcpu->shared->kick, 1);
	do {
		request = ring1_vcpu_enter(vcpu);
		if (give_up(vcpu, request))
			return;
	} while (request == RING1_REQUEST_INTERRUPT || request == RING1_REQUEST_DEADLINE);
	if (request != RING1_REQUEST_EXIT && request != RING1_REQUEST_HALT)
		ring1_vcpu_die(vcpu, "the monitor did not start");
}

/*
 * Tells every monitor something about a range of guest pages. One that fails is never entered again, as it might hold
 * mappings that it must not have.
 */
void ring1_vm_command_range(struct ring1_vm *vm, u32 command, u64 gfn, u64 count, const char *failure)
{
	int i;

	for (i = 0; i < RING1_MAX_VCPUS; i++) {
		struct ring1_vcpu *vcpu = vm->vcpus[i];

		if (!vcpu || !vcpu->entered || vcpu->dead)
			continue;
		vcpu->shared->payload.range.gfn = gfn;
		vcpu->shared->payload.range.count = count;
		if (ring1_vcpu_command(vcpu, command))
			ring1_vcpu_die(vcpu, failure);
	}
}

/* The vCPU is owned and not in KVM_RUN's guest. Parameters and results lie in shared->payload. */
int ring1_vcpu_command(struct ring1_vcpu *vcpu, u32 command)
{
	struct ring1_vcpu_shared *shared = vcpu->shared;
	bool loaded = vcpu->fpu_loaded;
	int ret = -EIO;

	if (vcpu->dead)
		return -EIO;
	if (!loaded)
		ring1_fpu_load(vcpu);
	if (!vcpu->entered)
		start_monitor(vcpu);
	shared->command = command;
	while (!vcpu->dead) {
		enum ring1_request request = ring1_vcpu_enter(vcpu);

		if (request == RING1_REQUEST_INTERRUPT || request == RING1_REQUEST_DEADLINE || request == RING1_REQUEST_NONE) {
			if (give_up(vcpu, request))
				break;
			cond_resched();
			continue;
		}
		if (request == RING1_REQUEST_DONE)
			ret = shared->status;
		else
			ring1_vcpu_die(vcpu, "the monitor answered a command with something else");
		break;
	}
	if (!loaded)
		ring1_fpu_put(vcpu);
	return ret;
}
