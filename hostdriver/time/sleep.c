// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a sleep of the host does to its time-stamp counter, and so to all that was computed from it: the guests' clocks,
 * their TSC, deadlines. Each vCPU goes on in the epoch in which it was entered last, until it is entered next.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/timekeeping.h>
#include <asm/msr.h>
#include <asm/tsc.h>

#include "hostdriver/compat.h"
#include "hostdriver/time/time.h"
#include "hostdriver/vm/vcpu.h"
#include "include/ring1/tsc_restart.h"

static uint sleep_test_ms;
module_param(sleep_test_ms, uint, 0644);
MODULE_PARM_DESC(sleep_test_ms, "debug: the next sleep took so much longer, and the TSC did not count in it");

/* Written while nothing else runs. */
static u64 missing; /* what is to be added to the counter, since the module was loaded */
static u64 tsc_before, ns_before;

u64 ring1_vcpu_tsc(const struct ring1_vcpu *vcpu)
{
	return rdtsc() + READ_ONCE(missing) - READ_ONCE(vcpu->tsc_missing);
}

void ring1_sleep_vcpu_init(struct ring1_vcpu *vcpu)
{
	vcpu->tsc_missing = missing;
}

/* The monitor is not inside. What it has counted as standing time, and takes out, is what is missing the other way round. */
void ring1_sleep_follow(struct ring1_vcpu *vcpu)
{
	u64 news = missing - vcpu->tsc_missing;

	if (!news)
		return;
	hrtimer_cancel(&vcpu->timer);
	vcpu->shared->stopped_cycles -= news;
	if (vcpu->stopped_since)
		vcpu->stopped_since -= news;
	if (vcpu->shared->stopped_at)
		vcpu->shared->stopped_at -= news;
	/* No deadline has this value, so the timer is set anew. */
	if (vcpu->shared->deadline_tsc)
		vcpu->shared->deadline_tsc -= news;
	WRITE_ONCE(vcpu->armed, 0);
	WRITE_ONCE(vcpu->tsc_missing, vcpu->tsc_missing + news);
	ring1_timer_update(vcpu);
}

static int fall_asleep(RING1_SYSCORE_ARGUMENT)
{
	tsc_before = rdtsc();
	ns_before = ktime_get_boottime_ns();
	return 0;
}

static void awake(RING1_SYSCORE_ARGUMENT)
{
	u64 passed_ms = (ktime_get_boottime_ns() - ns_before) / NSEC_PER_MSEC;

	missing += ring1_tsc_missing(tsc_before, rdtsc(), passed_ms + sleep_test_ms, tsc_khz);
	sleep_test_ms = 0;
}

static struct syscore_ops ops = {
	.suspend = fall_asleep,
	.resume = awake,
};

static struct syscore sleeper = {
	.ops = &ops,
};

/* Registered later than the host's clock, and so called earlier on the way down and later on the way up. */
void ring1_sleep_init(void)
{
	register_syscore(&sleeper);
}

void ring1_sleep_exit(void)
{
	unregister_syscore(&sleeper);
}
