/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A sleep of the host may stop its time-stamp counter or start it again from 0 (S3, hibernation). How much is to be added
 * to the counter from then on, so that it has counted through the sleep, as it would have on a processor that stays on.
 * Who sleeps and who tells for how long do not agree exactly; so what is within a tolerance has counted on. But never
 * does it go back.
 */
#ifndef RING1_TSC_RESTART_H
#define RING1_TSC_RESTART_H

#include <linux/types.h>

#define RING1_TSC_TOLERANCE_MS 5000ULL /* a persistent clock tells seconds, at both ends */

/* before, after: the counter as it went to sleep and as it woke; passed_ms: by the host's clock. */
static inline __u64 ring1_tsc_missing(__u64 before, __u64 after, __u64 passed_ms, __u64 khz)
{
	__u64 expected = before + passed_ms * khz, tolerance = RING1_TSC_TOLERANCE_MS * khz;

	if (after >= before && after + tolerance >= expected && after <= expected + tolerance)
		return 0;
	return expected - after;
}

#endif
