/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engines: which one a VM gets, and what the processors must have switched on for it. It is on, on every processor,
 * as long as there is a VM that uses it, and other hypervisors find it taken then.
 */
#ifndef RING1_ENGINE_H
#define RING1_ENGINE_H

#include <linux/list.h>
#include <linux/types.h>

#include "include/ring1/api.h"

struct ring1_switch;
struct ring1_vcpu_shared;

/* Module load and unload. */
int ring1_engine_init(void);
void ring1_engine_exit(void);
const char *ring1_engine_default_name(void);
int ring1_engine_info(struct ring1_engine_info *info);

/* A VM's choice. */
struct ring1_choice {
	u8 engine; /* enum ring1_engine */
	bool nested_paging;
	bool active_time; /* RING1_VM_ACTIVE_TIME */
};
/* A machine type; then the engine is held until it is put. -EINVAL: no such type; other errors: not usable now. */
int ring1_engine_get(unsigned long type, struct ring1_choice *choice);
/* What machine type 0 would give now, without holding it. */
void ring1_engine_default(struct ring1_choice *choice);
void ring1_engine_put(const struct ring1_choice *choice);

/* What the guest of an engine may use. choice is NULL where no VM is meant yet: what a new one gets. */
#define RING1_FEATURE_LONG_MODE BIT(0)
#define RING1_FEATURE_GIGABYTE_PAGES BIT(1) /* in the guest's own tables; only with long mode */
u32 ring1_guest_features(const struct ring1_choice *choice);

/* What an engine keeps of a world, which embeds it. */
struct ring1_engine_world {
	enum ring1_engine engine;
	struct ring1_switch *sw; /* NULL: not attached */
	struct ring1_vcpu_shared *shared;
	int vmcs_cpu; /* where its VMCS is active, or -1; on that processor only, with interrupts off (vmx.c) */
	struct list_head active; /* among that processor's */
};

/* Does the processor want memory of the world's own for it (sw->hardware_area)? */
bool ring1_engine_wants_area(enum ring1_engine engine);
/* A new world, whose switch page and shared structure are filled; and one that goes, also if it was not attached. */
void ring1_engine_attach(struct ring1_engine_world *world);
void ring1_engine_detach(struct ring1_engine_world *world);
/*
 * True: preemption and interrupts are off, and what the engine needs is on, on this processor. False: it is not to be had,
 * and the process is dying anyway.
 */
bool ring1_engine_arrive(struct ring1_engine_world *world);
/* After that: the world is entered next. */
void ring1_engine_activate(struct ring1_engine_world *world);

#endif
