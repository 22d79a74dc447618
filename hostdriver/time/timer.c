// SPDX-License-Identifier: GPL-2.0-only
/* The host timer behind a vCPU's next virtual timer event. */
#include <linux/hrtimer.h>
#include <linux/math64.h>

#include "hostdriver/time/time.h"
#include "hostdriver/vm/own.h"
#include "hostdriver/vm/vcpu.h"

/* A far deadline is approached in steps, and so is one that the two clocks disagree about by a few parts per million. */
#define LONGEST_STEP_MS 10000ULL

static ktime_t time_until(const struct ring1_vcpu *vcpu, u64 deadline)
{
	u64 khz = vcpu->shared->config.tsc_khz;
	u64 now = ring1_vcpu_tsc(vcpu);
	u64 cycles = deadline > now ? deadline - now : 0;

	cycles = min(cycles, LONGEST_STEP_MS * khz);
	return ns_to_ktime(div64_u64(cycles * NSEC_PER_MSEC, khz));
}

static enum hrtimer_restart deadline_reached(struct hrtimer *timer)
{
	struct ring1_vcpu *vcpu = container_of(timer, struct ring1_vcpu, timer);
	u64 deadline = READ_ONCE(vcpu->armed);

	if (deadline && ring1_vcpu_tsc(vcpu) < deadline) {
		hrtimer_forward_now(timer, max_t(ktime_t, time_until(vcpu, deadline), NSEC_PER_USEC));
		return HRTIMER_RESTART;
	}
	ring1_vcpu_notify(vcpu);
	return HRTIMER_NORESTART;
}

void ring1_timer_init(struct ring1_vcpu *vcpu)
{
	hrtimer_init(&vcpu->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	vcpu->timer.function = deadline_reached;
}

/* Arms the timer anew if the monitor has moved its deadline. */
void ring1_timer_update(struct ring1_vcpu *vcpu)
{
	u64 deadline = vcpu->shared->deadline_tsc;

	if (deadline == vcpu->armed)
		return;
	hrtimer_cancel(&vcpu->timer);
	WRITE_ONCE(vcpu->armed, deadline);
	if (deadline)
		hrtimer_start(&vcpu->timer, time_until(vcpu, deadline), HRTIMER_MODE_REL);
}
