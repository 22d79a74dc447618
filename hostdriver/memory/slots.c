// SPDX-License-Identifier: GPL-2.0-only
/* Memory slots: which guest-physical addresses are backed by which part of the process's memory. */
#include <linux/list.h>

#include "hostdriver/memory/slots.h"
#include "hostdriver/vm/vm.h"

struct ring1_memslot *ring1_slot_of(struct ring1_vm *vm, u64 gfn)
{
	struct ring1_memslot *slot;

	list_for_each_entry(slot, &vm->slots, node)
		if (gfn >= slot->base_gfn && gfn - slot->base_gfn < slot->npages)
			return slot;
	return NULL;
}

struct ring1_memslot *ring1_slot_by_id(struct ring1_vm *vm, u32 id)
{
	struct ring1_memslot *slot;

	list_for_each_entry(slot, &vm->slots, node)
		if (slot->id == id)
			return slot;
	return NULL;
}
