/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RING1_WORLD_PRIVATE_H
#define RING1_WORLD_PRIVATE_H

#include <linux/list.h>
#include <linux/pgtable.h>
#include <linux/spinlock.h>

#include "hostdriver/engine/engine.h"
#include "hostdriver/world/world.h"
#include "include/ring1/switch.h"

#define NX_FLAG (1ULL << 63)
#define world_max_gfn (1UL << (32 - PAGE_SHIFT)) /* what the guest window covers */
#define DATA_FLAGS (NX_FLAG | _PAGE_RW | _PAGE_DIRTY)

struct ring1_block {
	struct list_head list;
	struct page *page;
	unsigned int order;
	bool late; /* came after the world was built: of use only to a monitor that runs */
};

struct ring1_world {
	struct list_head blocks; /* all memory of this world but the shared image */
	unsigned long pages;
	u64 *root;
	bool built;
	int top_shift; /* 39 with four levels of page tables, 48 with five: the host's number, fixed in long mode */
	struct ring1_switch *sw;
	struct ring1_vcpu_shared *shared;
	struct ring1_engine_world engine;
	void *transition_idt;
	raw_spinlock_t lock; /* the next three */
	struct ring1_withdrawn pending; /* for the next visit */
	u64 visits;
	int cpu; /* where it is inside the monitor, or -1 */
	int last_cpu; /* where it was last, or -1 */
};

/* Maps one page; hpa 0 unmaps. flags: page-table bits besides present. */
int ring1_world_map(struct ring1_world *world, u64 address, u64 hpa, u64 flags);
void ring1_world_grant(struct ring1_world *world);

/* Interrupts are off: the host's handlers for what struck since it was left (replay.c). */
void ring1_world_replay(struct ring1_world *world);

/* withdraw.c */
void ring1_world_take_withdrawn(struct ring1_world *world);
bool ring1_world_begin_visit(struct ring1_world *world);
void ring1_world_end_visit(struct ring1_world *world);

/* The monitor's image (image.c). */
int ring1_image_load(void);
void ring1_image_unload(void);
int ring1_image_map(struct ring1_world *world);
u64 ring1_image_entry(void);

/* Descriptors at the far end of a 64 KiB table (tables.c). */
void ring1_fill_far_end(void *gdt, u64 tss);

/* switch.S, replay_int.S */
extern char ring1_switch_text[], ring1_switch_text_end[];
void ring1_switch_to_monitor(struct ring1_switch *sw);
void ring1_switch_to_host(struct ring1_switch *sw);
void ring1_transition_nmi(void);
void ring1_transition_mce(void);
void ring1_transition_fault(void);
void ring1_replay(unsigned int vector);

#endif
