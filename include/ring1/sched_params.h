/* SPDX-License-Identifier: GPL-2.0-only */
/* What can be asked of the scheduler for a VM: of RING1_SET_SCHED and of the policies in sched/. */
#ifndef RING1_SCHED_PARAMS_H
#define RING1_SCHED_PARAMS_H

#include <linux/types.h>

enum ring1_sched_policy {
	RING1_SCHED_NONE, /* the host's scheduler alone decides; never the policy of a queue */
	RING1_SCHED_CREDIT,
	RING1_SCHED_BVT,
	RING1_SCHED_SEDF,
	RING1_SCHED_RR,
	RING1_SCHED_POLICIES,
};

/* Times are nanoseconds. Every policy looks at its own fields, so a change of policy loses nothing. */
struct ring1_sched_params {
	__u32 weight;	    /* credit, bvt, sedf: share relative to the others', 1 to 65535; usual: 256 */
	__u32 cap;	    /* credit: percent of one processor it never exceeds; 0: none */
	__u64 slice;	    /* sedf: guaranteed time in each period; 0: by weight, of what the guaranteed ones leave */
	__u64 period;	    /* sedf: with a slice */
	__u64 latency;	    /* sedf: the first period after a sleep is this short, then they double; 0: off */
	__u32 extratime;    /* sedf: takes time nobody else has a claim to */
	__u32 warp_enabled; /* bvt: runs ahead of its share after waking up */
	__u64 warp;	    /* bvt: by so much virtual time, in ns of an entity of weight 256 */
	__u64 warp_limit;   /* bvt, L: warped for no longer than this; 0: no limit */
	__u64 warp_pause;   /* bvt, U: then not again for so long */
};

#endif
