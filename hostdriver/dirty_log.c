// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_DIRTY_LOG: which pages of a slot the guest has written since the log was read last. A page that is not in the
 * log is mapped read-only everywhere (the monitors' window, shadow tables, nested tables). The first write makes the
 * monitor ask for the page (pin.c), which enters it here.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "ring1.h"

static size_t log_bytes(const struct ring1_memslot *slot)
{
	return BITS_TO_LONGS(slot->npages) * sizeof(long);
}

/* The vCPUs are owned. They run again only after they have lost the right to write. */
static void protect(struct ring1_vm *vm, u64 gfn, u64 count)
{
	ring1_vm_command_range(vm, RING1_COMMAND_LOG_DIRTY, gfn, count, "the monitor could not protect guest memory");
	ring1_write_protect(vm, gfn, count);
}

/* All pages are clean at the start. */
int ring1_dirty_log_start(struct ring1_vm *vm, struct ring1_memslot *slot)
{
	slot->dirty = kvzalloc(log_bytes(slot), GFP_KERNEL_ACCOUNT);
	if (!slot->dirty)
		return -ENOMEM;
	if (!(slot->flags & KVM_MEM_READONLY))
		protect(vm, slot->base_gfn, slot->npages);
	return 0;
}

/* What is still protected is released page by page when it is written. */
void ring1_dirty_log_stop(struct ring1_memslot *slot)
{
	kvfree(slot->dirty);
	slot->dirty = NULL;
}

static void clean(struct ring1_vm *vm, struct ring1_memslot *slot)
{
	unsigned long first = 0, last;

	while ((first = find_next_bit(slot->dirty, slot->npages, first)) < slot->npages) {
		last = find_next_zero_bit(slot->dirty, slot->npages, first);
		protect(vm, slot->base_gfn + first, last - first);
		first = last;
		cond_resched();
	}
	memset(slot->dirty, 0, log_bytes(slot));
}

/* A log that user space cannot take stays as it is. */
static int read_log(struct ring1_vm *vm, const struct kvm_dirty_log *log)
{
	struct ring1_memslot *slot = ring1_slot_by_id(vm, log->slot);

	if (!slot || !slot->dirty)
		return -ENOENT;
	if (copy_to_user(log->dirty_bitmap, slot->dirty, log_bytes(slot)))
		return -EFAULT;
	clean(vm, slot);
	return 0;
}

int ring1_get_dirty_log(void *object, void *data)
{
	struct ring1_vm *vm = object;
	const struct kvm_dirty_log *log = data;
	int ret;

	if (log->slot >= RING1_MAX_SLOTS)
		return -EINVAL;
	if (mutex_lock_killable(&vm->lock))
		return -EINTR;
	ret = ring1_vm_own_vcpus(vm);
	if (!ret) {
		ret = read_log(vm, log);
		ring1_vm_disown_vcpus(vm);
	}
	mutex_unlock(&vm->lock);
	return ret;
}
