// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_DIRTY_LOG, KVM_CLEAR_DIRTY_LOG: which pages of a slot the guest has written since the log was read last. A page that is not in the
 * log is mapped read-only everywhere (the monitors' window, shadow tables, nested tables). The first write makes the
 * monitor ask for the page (pin.c), which enters it here.
 */
#include <linux/bitmap.h>
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "hostdriver/command/command.h"
#include "hostdriver/memory/memory.h"
#include "hostdriver/memory/slots.h"
#include "hostdriver/vm/own.h"
#include "hostdriver/vm/vcpu.h"
#include "hostdriver/vm/vm.h"
#include "hostdriver/world/world.h"

static size_t log_bytes(const struct ring1_memslot *slot)
{
	return BITS_TO_LONGS(slot->npages) * sizeof(long);
}

/* In the monitors' windows; each has given up the right to write before. */
static void write_protect(struct ring1_vm *vm, u64 gfn, u64 count)
{
	int i;

	for (i = 0; i < RING1_MAX_VCPUS; i++)
		if (vm->vcpus[i])
			ring1_world_protect_guest(vm->vcpus[i]->world, gfn, count);
}

/* The vCPUs are owned. They run again only after they have lost the right to write. */
static void protect(struct ring1_vm *vm, u64 gfn, u64 count)
{
	ring1_vm_command_range(vm, RING1_COMMAND_LOG_DIRTY, gfn, count, "the monitor could not protect guest memory");
	write_protect(vm, gfn, count);
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

/* Every second page may be one range: who is being killed stops in between, and the log stays as it is. */
static void clean(struct ring1_vm *vm, struct ring1_memslot *slot)
{
	unsigned long first = 0, last;

	while ((first = find_next_bit(slot->dirty, slot->npages, first)) < slot->npages) {
		last = find_next_zero_bit(slot->dirty, slot->npages, first);
		protect(vm, slot->base_gfn + first, last - first);
		first = last;
		cond_resched();
		if (fatal_signal_pending(current))
			return;
	}
	memset(slot->dirty, 0, log_bytes(slot));
}

/* The pages of the slot from `first` on that are set in `pages` and in the log. */
static void clean_some(struct ring1_vm *vm, struct ring1_memslot *slot, u64 first, unsigned long *pages, u32 count)
{
	unsigned long *dirty = slot->dirty + first / BITS_PER_LONG;
	unsigned int begin, end;

	bitmap_and(pages, pages, dirty, count);
	for_each_set_bitrange(begin, end, pages, count) {
		protect(vm, slot->base_gfn + first + begin, end - begin);
		cond_resched();
		if (fatal_signal_pending(current))
			return;
	}
	bitmap_andnot(dirty, dirty, pages, count);
}

static int clear_log(struct ring1_vm *vm, const struct kvm_clear_dirty_log *log)
{
	struct ring1_memslot *slot = ring1_slot_by_id(vm, log->slot);
	u64 first = log->first_page;
	u32 count = log->num_pages;
	size_t bytes = BITS_TO_LONGS((u64)count) * sizeof(long);
	unsigned long *pages;
	int ret = 0;

	if (!slot || !slot->dirty)
		return -ENOENT;
	/* Whole words of the bitmap, but for the end of the slot. */
	if (first > slot->npages || count > slot->npages - first || first % 64 ||
	    (count % 64 && count < slot->npages - first))
		return -EINVAL;
	if (!count)
		return 0;
	pages = kvmalloc(bytes, GFP_KERNEL_ACCOUNT);
	if (!pages)
		return -ENOMEM;
	if (copy_from_user(pages, log->dirty_bitmap, bytes))
		ret = -EFAULT;
	else
		clean_some(vm, slot, first, pages, count);
	kvfree(pages);
	return ret;
}

/* A log that user space cannot take stays as it is. With manual_dirty_log so does one that it can. */
static int read_log(struct ring1_vm *vm, const struct kvm_dirty_log *log)
{
	struct ring1_memslot *slot = ring1_slot_by_id(vm, log->slot);

	if (!slot || !slot->dirty)
		return -ENOENT;
	if (copy_to_user(log->dirty_bitmap, slot->dirty, log_bytes(slot)))
		return -EFAULT;
	if (!vm->manual_dirty_log)
		clean(vm, slot);
	return 0;
}

static int own(struct ring1_vm *vm)
{
	int ret;

	if (mutex_lock_killable(&vm->lock))
		return -EINTR;
	ret = ring1_vm_own_vcpus(vm);
	if (ret)
		mutex_unlock(&vm->lock);
	return ret;
}

static void disown(struct ring1_vm *vm)
{
	ring1_vm_disown_vcpus(vm);
	mutex_unlock(&vm->lock);
}

int ring1_get_dirty_log(void *object, void *data)
{
	const struct kvm_dirty_log *log = data;
	int ret = log->slot < RING1_MAX_SLOTS ? own(object) : -EINVAL;

	if (ret)
		return ret;
	ret = read_log(object, log);
	disown(object);
	return ret;
}

int ring1_clear_dirty_log(void *object, void *data)
{
	const struct kvm_clear_dirty_log *log = data;
	int ret = log->slot < RING1_MAX_SLOTS ? own(object) : -EINVAL;

	if (ret)
		return ret;
	ret = clear_log(object, log);
	disown(object);
	return ret;
}

/* KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 is all there is to enable: only KVM_CLEAR_DIRTY_LOG cleans then. */
int ring1_enable_cap(void *object, void *data)
{
	struct ring1_vm *vm = object;
	const struct kvm_enable_cap *cap = data;

	if (cap->flags || cap->cap != KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 || cap->args[0] & ~(u64)KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE)
		return -EINVAL;
	if (mutex_lock_killable(&vm->lock))
		return -EINTR;
	vm->manual_dirty_log = cap->args[0];
	mutex_unlock(&vm->lock);
	return 0;
}
