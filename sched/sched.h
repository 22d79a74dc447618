/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who runs next on a processor. The contract between the scheduling policies (C++, freestanding) and who uses them: the
 * kernel module and the simulator. No memory is allocated: entities and queues are embedded by the caller. Nothing is
 * locked: calls that touch one queue are serialised by the caller (migration: both queues). Times are nanoseconds of one
 * monotonic clock of the caller's.
 *
 * The caller's side of it:
 *   - `charge` what the current entity has run before anything else is asked of its queue;
 *   - `pick` when there is no current entity, when its slice is over, or when `remaining` says 0;
 *   - `remaining` after `wake`, `adjust`, `attach` and `detach`: the current entity may have to go sooner.
 */
#ifndef RING1_SCHED_H
#define RING1_SCHED_H

#include <linux/types.h>

#include "../include/ring1/sched_params.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RING1_SCHED_FOREVER (~0ULL)
#define RING1_SCHED_MS 1000000ULL

/* Constants of a policy; the same for all entities of a queue. */
struct ring1_sched_tunables {
	__u64 bvt_allowance;	/* what a running entity may run beyond the next one's turn */
	__u64 bvt_granularity;	/* no dispatch is shorter, unless the entity sleeps */
	__u64 sedf_extra;	/* quantum of extra time */
	__u64 sedf_period;	/* of entities that have a weight only */
	__u64 credit_slice;
	__u64 credit_ratelimit; /* nobody is preempted sooner */
	__u64 credit_period;	/* between two distributions of credit */
	__u64 credit_boost;	/* a boost ends after running so long */
	__u64 rr_slice;
};

struct ring1_sched_queue;

/* The policies' state. All of it is theirs; callers read `statistics`, `params`, `queue` and `runnable`. */
struct ring1_sched_entity {
	struct ring1_sched_entity *next, *prev;
	struct ring1_sched_queue *queue;
	struct ring1_sched_params params;
	__u32 runnable;
	__u64 order;	  /* place among equals, first come first served */
	__u64 slice_left; /* of the turn it is in */
	struct {
		__u64 run;	  /* ns */
		__u64 wait;	  /* ns runnable, but not running */
		__u64 wait_since; /* while it waits */
		__u64 longest_wait;
		__u64 dispatches;
		__u64 misses; /* sedf: periods that ended before the slice was served */
	} statistics;
	struct {
		__u64 virtual_time; /* actual, wraps */
		__u64 warped;	    /* ns run in this warp */
		__u64 warp_ended;
		__u32 warping;
		__u32 may_warp_at_once;
	} bvt;
	struct {
		__u64 release, deadline; /* of the current period */
		__u64 slice, period;	 /* of the current period; shorter ones follow a sleep */
		__s64 budget;
		__u64 extra_time; /* virtual, wraps */
		__u32 missed;	  /* this period's miss has been counted */
		__u32 started;
	} sedf;
	struct {
		__s64 credit;
		__s64 cap_left;
		__u64 boost_used;
		__u64 room; /* while credit is handed out */
		__u32 boosted;
		__u32 active; /* has run or could have run since the last distribution */
		__u32 known;  /* has been in a queue before */
	} credit;
};

/* One processor's. Callers read `current_entity`, `count`, `runnable` and `load`. */
struct ring1_sched_queue {
	struct ring1_sched_entity *first, *last;
	struct ring1_sched_entity *current_entity;
	__u32 policy;
	__u32 count, runnable;
	__u64 load; /* of all that are runnable, see ring1_sched_load */
	__u64 next_order;
	__u64 granted; /* to the current entity, as it was last asked for */
	__u64 used;    /* since the last choice */
	__u64 ran;     /* by the current entity since it was dispatched */
	__u32 extra;   /* sedf: the current entity runs on extra time */
	__u64 bvt_time;	 /* virtual time of the queue */
	__u64 sedf_time; /* virtual time of the extra time */
	__u64 credit_next; /* when credit is distributed again */
	struct ring1_sched_tunables tunables;
};

struct ring1_sched_choice {
	struct ring1_sched_entity *entity; /* NULL: nobody may run */
	__u64 slice; /* ns it may run; without an entity: until somebody may; RING1_SCHED_FOREVER: until things change */
};

void ring1_sched_default_params(struct ring1_sched_params *params);
void ring1_sched_default_tunables(struct ring1_sched_tunables *tunables);
/* NULL, or what is wrong with them. */
const char *ring1_sched_check_params(const struct ring1_sched_params *params);
/* The part of a processor that is guaranteed, in millionths. */
__u32 ring1_sched_claim(const struct ring1_sched_params *params);
/* How much of a processor it asks for, beside others under the same policy: what queues are balanced by. */
__u32 ring1_sched_load(__u32 policy, const struct ring1_sched_params *params);
const char *ring1_sched_policy_name(__u32 policy);
/* RING1_SCHED_POLICIES: no such policy. */
__u32 ring1_sched_policy_by_name(const char *name);

void ring1_sched_queue_init(struct ring1_sched_queue *queue, __u32 policy, const struct ring1_sched_tunables *tunables,
			    __u64 now);
/* Valid parameters; the entity sleeps and is in no queue. */
void ring1_sched_entity_init(struct ring1_sched_entity *entity, const struct ring1_sched_params *params);
void ring1_sched_attach(struct ring1_sched_queue *queue, struct ring1_sched_entity *entity, __u64 now);
void ring1_sched_detach(struct ring1_sched_entity *entity, __u64 now);

void ring1_sched_wake(struct ring1_sched_entity *entity, __u64 now);
void ring1_sched_sleep(struct ring1_sched_entity *entity, __u64 now);
void ring1_sched_charge(struct ring1_sched_entity *entity, __u64 ns, __u64 now);
struct ring1_sched_choice ring1_sched_pick(struct ring1_sched_queue *queue, __u64 now);
/* ns that the current entity may still run, if nothing changes. */
__u64 ring1_sched_remaining(struct ring1_sched_queue *queue, __u64 now);
void ring1_sched_adjust(struct ring1_sched_entity *entity, const struct ring1_sched_params *params, __u64 now);

/* Moves an entity that is not running on its processor; what it has earned or owes goes with it. */
void ring1_sched_migrate(struct ring1_sched_entity *entity, struct ring1_sched_queue *to, __u64 now);
/* Whom another processor may take: the most urgent one that waits, is free to run now and that `may` allows, or NULL. */
struct ring1_sched_entity *ring1_sched_candidate(struct ring1_sched_queue *queue, __u64 now,
						 bool (*may)(struct ring1_sched_entity *entity, void *context),
						 void *context);

#ifdef __cplusplus
}
#endif

#endif
