// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest pages that a world must give up: their memory is about to be somebody else's. They wait here until the next
 * visit, which tells the monitor of them before it does anything else (docs/races.md).
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include "hostdriver/compat.h"
#include "hostdriver/world/private.h"

#define LEAF_PAGES 512

static void note_range(struct ring1_withdrawn *list, u64 gfn, u64 count)
{
	struct ring1_page_range *last = list->count ? &list->range[list->count - 1] : NULL;

	if (last && gfn <= last->gfn + last->count && last->gfn <= gfn + count) {
		u64 end = max(gfn + count, last->gfn + last->count);

		last->gfn = min(gfn, last->gfn);
		last->count = end - last->gfn;
	} else if (list->count < RING1_WITHDRAWN_MAX) {
		list->range[list->count++] = (struct ring1_page_range){ gfn, count };
	} else {
		list->range[0] = (struct ring1_page_range){ 0, world_max_gfn };
		list->count = 1;
	}
}

void ring1_world_withdraw(struct ring1_world *world, u64 gfn, u64 count)
{
	raw_spin_lock(&world->lock);
	note_range(&world->pending, gfn, count);
	raw_spin_unlock(&world->lock);
}

/*
 * A visit that begins later has taken the ranges along. One that goes on is ended by an interrupt: the guest always
 * runs with interrupts on, and the monitor never stays long. Does not sleep, as the caller may not. The interrupt is sent
 * with preemption off: a processor that was inside a moment ago cannot go offline then.
 */
void ring1_world_wait_outside(struct ring1_world *world)
{
	u64 visits;
	int cpu;

	raw_spin_lock(&world->lock);
	cpu = world->cpu;
	visits = world->visits;
	if (cpu >= 0)
		smp_send_reschedule(cpu);
	raw_spin_unlock(&world->lock);
	if (cpu < 0)
		return;
	while (smp_load_acquire(&world->cpu) >= 0 && READ_ONCE(world->visits) == visits)
		cpu_relax();
}

/* The level-1 table of the guest window for an address, or NULL. */
static u64 *window_leaf(struct ring1_world *world, u64 gfn)
{
	u64 address = RING1_GUEST_WINDOW + (gfn << PAGE_SHIFT);
	u64 *table = world->root;
	int shift;

	for (shift = world->top_shift; shift > PAGE_SHIFT; shift -= 9) {
		u64 entry = table[(address >> shift) & 511];

		if (!(entry & _PAGE_PRESENT))
			return NULL;
		table = __va(entry & PTE_PFN_MASK);
	}
	return table;
}

/* Clears bits of what is mapped in the guest window. The world is outside, and flushes its TLB as it comes back. */
static void clear_window(struct ring1_world *world, u64 gfn, u64 count, u64 bits)
{
	u64 end = min(gfn + count, (u64)world_max_gfn);

	while (gfn < end) {
		u64 next = min(round_down(gfn, LEAF_PAGES) + LEAF_PAGES, end);
		u64 *leaf = window_leaf(world, gfn);

		for (; leaf && gfn < next; gfn++) {
			u64 *entry = &leaf[gfn % LEAF_PAGES];

			world->shared->stats.pages_pinned -= (*entry & _PAGE_PRESENT) && (bits & _PAGE_PRESENT);
			*entry &= ~bits;
		}
		gfn = next;
		cond_resched();
	}
}

void ring1_world_protect_guest(struct ring1_world *world, u64 gfn, u64 count)
{
	clear_window(world, gfn, count, _PAGE_RW);
}

/* From what waits to what the next visit tells; until that has happened they add up. */
void ring1_world_take_withdrawn(struct ring1_world *world)
{
	struct ring1_withdrawn *told = &world->shared->withdrawn;
	struct ring1_withdrawn taken;
	u32 i;

	raw_spin_lock(&world->lock);
	taken.count = world->pending.count;
	memcpy(taken.range, world->pending.range, taken.count * sizeof(taken.range[0]));
	world->pending.count = 0;
	raw_spin_unlock(&world->lock);
	for (i = 0; i < taken.count; i++) {
		note_range(told, taken.range[i].gfn, taken.range[i].count);
		clear_window(world, taken.range[i].gfn, taken.range[i].count, ~0ULL);
	}
}

/* Interrupts are off. False: there is something new to take first. */
bool ring1_world_begin_visit(struct ring1_world *world)
{
	bool ready;

	raw_spin_lock(&world->lock);
	ready = !world->pending.count;
	if (ready) {
		WRITE_ONCE(world->cpu, smp_processor_id());
		WRITE_ONCE(world->visits, world->visits + 1);
	}
	raw_spin_unlock(&world->lock);
	return ready;
}

void ring1_world_end_visit(struct ring1_world *world)
{
	world->shared->withdrawn.count = 0;
	smp_store_release(&world->cpu, -1);
}
