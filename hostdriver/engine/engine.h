/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Engines that need something switched on in the processor. It is on, on every processor, as long as there is a VM that
 * uses it, and other hypervisors find it taken then.
 */
#ifndef RING1_ENGINE_H
#define RING1_ENGINE_H

#include <linux/percpu.h>
#include <linux/types.h>

#include "include/ring1/api.h"

struct ring1_hardware {
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
};

extern const struct ring1_hardware ring1_svm, ring1_vmx;

/* For describe(). */
void ring1_engine_unusable(struct ring1_engine_info *info, int status, const char *why, const char *remedy);
void ring1_engine_feature(struct ring1_engine_info *info, const char *name, const char *format, ...) __printf(3, 4);

/* pages.c: a zeroed page for each possible processor, once; and all of them back. */
int ring1_processor_pages_get(struct page *__percpu *pages);
void ring1_processor_pages_put(struct page *__percpu *pages);

/* choice.c: module load and unload; a VM's choice. */
int ring1_engine_init(void);
void ring1_engine_exit(void);
const char *ring1_engine_default_name(void);
int ring1_engine_info(struct ring1_engine_info *info);

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

/* Is it on, on this processor? Interrupts are off, or it may be switched off at any time. */
bool ring1_engine_is_on(enum ring1_engine which);

/* svm.c: address-space identifiers. */
void ring1_svm_asid_get(u32 *asid, bool *shared);
void ring1_svm_asid_put(u32 asid, bool shared);

#endif
