/* SPDX-License-Identifier: GPL-2.0-only */
/* The memory slots of a VM. Who reads them holds one of the locks that vm/vm.h tells. */
#ifndef RING1_SLOTS_H
#define RING1_SLOTS_H

#include <linux/list.h>
#include <linux/types.h>

struct ring1_vm;

struct ring1_memslot {
	struct list_head node;
	u32 id;
	u32 flags; /* KVM_MEM_READONLY, KVM_MEM_LOG_DIRTY_PAGES */
	u64 base_gfn;
	u64 npages;
	u64 hva;
	unsigned long *dirty; /* with KVM_MEM_LOG_DIRTY_PAGES: a bit for each page written since the log was read */
};

/* slots.c: NULL if there is none. */
struct ring1_memslot *ring1_slot_by_id(struct ring1_vm *vm, u32 id);
struct ring1_memslot *ring1_slot_of(struct ring1_vm *vm, u64 gfn);

/* dirty_log.c */
int ring1_dirty_log_start(struct ring1_vm *vm, struct ring1_memslot *slot);
void ring1_dirty_log_stop(struct ring1_memslot *slot);

/* notifier.c */
void ring1_vm_withdraw(struct ring1_vm *vm, u64 gfn, u64 count);
bool ring1_memory_at_rest(struct ring1_vm *vm, unsigned long start, unsigned long end, u64 *moment);
bool ring1_memory_unchanged(struct ring1_vm *vm, unsigned long start, unsigned long end, u64 moment);

#endif
