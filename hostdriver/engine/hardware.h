/* SPDX-License-Identifier: GPL-2.0-only */
/* What an engine on the processor's own virtualisation is made of: svm.c, vmx.c. Binary translation needs none of it. */
#ifndef RING1_HARDWARE_H
#define RING1_HARDWARE_H

#include <linux/percpu.h>
#include <linux/types.h>

#include "hostdriver/engine/engine.h"

struct page;

struct ring1_hardware {
	const char *name;
	/* Fills status, why, remedy and features. Says what this machine can do; held() whether it is free at the moment. */
	void (*describe)(struct ring1_engine_info *info);
	/* Memory for all possible processors, once; 0 or -errno. */
	int (*prepare)(void);
	void (*discard)(void);
	/* On this processor, interrupts off. enable: 0, or -EBUSY if someone else has it. */
	int (*enable)(void);
	void (*disable)(void);
	/* Not ours, and in use by someone else, on this processor. Fills why and remedy if info is given. */
	bool (*held)(struct ring1_engine_info *info);
	bool (*has_nested_paging)(void);
	/* A world comes, and goes. */
	void (*attach)(struct ring1_engine_world *world);
	void (*detach)(struct ring1_engine_world *world);
	/* Or NULL. As ring1_engine_arrive(), but interrupts are still on; and as ring1_engine_activate(). */
	bool (*arrive)(struct ring1_engine_world *world);
	void (*activate)(struct ring1_engine_world *world);
};

extern const struct ring1_hardware ring1_svm, ring1_vmx;

/* NULL: the engine needs none. */
static inline const struct ring1_hardware *ring1_hardware_of(enum ring1_engine which)
{
	return which == RING1_ENGINE_SVM ? &ring1_svm : which == RING1_ENGINE_VMX ? &ring1_vmx : NULL;
}

/* info.c: for describe() and held(). */
void ring1_engine_unusable(struct ring1_engine_info *info, int status, const char *why, const char *remedy);
void ring1_engine_feature(struct ring1_engine_info *info, const char *name, const char *format, ...) __printf(3, 4);
void ring1_engine_yes_no(struct ring1_engine_info *info, const char *name, u64 bit);

/* pages.c: a zeroed page for each possible processor, once; and all of them back. */
int ring1_processor_pages_get(struct page *__percpu *pages);
void ring1_processor_pages_put(struct page *__percpu *pages);

/* power.c: on and off. */
int ring1_power_init(void);
void ring1_power_exit(void);
int ring1_power_get(enum ring1_engine which);
void ring1_power_put(enum ring1_engine which);
/* What other hypervisors do may change at any time: an answer, not a promise. */
bool ring1_power_held(enum ring1_engine which, struct ring1_engine_info *info);
/* Is it on, on this processor? Interrupts are off, or it may be switched off at any time. */
bool ring1_power_is_on(enum ring1_engine which);

#endif
