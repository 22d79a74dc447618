// SPDX-License-Identifier: GPL-2.0-only
/* KVM_SET_USER_MEMORY_REGION: which guest-physical addresses are backed by which part of the process's memory. */
#include <linux/kvm.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>

#include "hostdriver/memory/memory.h"
#include "hostdriver/memory/slots.h"
#include "hostdriver/vm/own.h"
#include "hostdriver/vm/vm.h"

void ring1_slots_free(struct ring1_vm *vm)
{
	struct ring1_memslot *slot, *next;

	list_for_each_entry_safe(slot, next, &vm->slots, node) {
		ring1_dirty_log_stop(slot);
		kfree(slot);
	}
	INIT_LIST_HEAD(&vm->slots);
}

static bool overlaps_other(struct ring1_vm *vm, const struct ring1_memslot *self, u64 gfn, u64 npages)
{
	struct ring1_memslot *slot;

	list_for_each_entry(slot, &vm->slots, node)
		if (slot != self && gfn < slot->base_gfn + slot->npages && slot->base_gfn < gfn + npages)
			return true;
	return false;
}

static int check_region(const struct kvm_userspace_memory_region *region)
{
	if (region->flags & ~(u32)(KVM_MEM_READONLY | KVM_MEM_LOG_DIRTY_PAGES))
		return -EINVAL;
	if (region->slot >= RING1_MAX_SLOTS)
		return -EINVAL;
	if ((region->memory_size | region->guest_phys_addr | region->userspace_addr) & ~PAGE_MASK)
		return -EINVAL;
	if (region->guest_phys_addr > RING1_MAX_GPA || region->memory_size > RING1_MAX_GPA - region->guest_phys_addr)
		return -EINVAL;
	if (!access_ok((void __user *)(unsigned long)region->userspace_addr, region->memory_size))
		return -EINVAL;
	return 0;
}

/*
 * The vCPUs are owned, so that none enters its monitor in between. Every monitor drops what it knows about the range
 * before anything else: shadow entries, translations, and that nothing was there.
 */
static void link_slot(struct ring1_vm *vm, struct ring1_memslot *slot)
{
	spin_lock(&vm->memory_lock);
	list_add(&slot->node, &vm->slots);
	spin_unlock(&vm->memory_lock);
	ring1_vm_withdraw(vm, slot->base_gfn, slot->npages);
}

static void unlink_slot(struct ring1_vm *vm, struct ring1_memslot *slot)
{
	spin_lock(&vm->memory_lock);
	list_del(&slot->node);
	spin_unlock(&vm->memory_lock);
	ring1_vm_withdraw(vm, slot->base_gfn, slot->npages);
}

/* Logging may come and go; a log that is there already is kept. */
static int change_flags(struct ring1_vm *vm, struct ring1_memslot *slot, u32 flags)
{
	int ret = 0;

	if (!(flags & KVM_MEM_LOG_DIRTY_PAGES))
		ring1_dirty_log_stop(slot);
	else if (!slot->dirty)
		ret = ring1_dirty_log_start(vm, slot);
	if (!ret)
		slot->flags = flags;
	return ret;
}

static int create_slot(struct ring1_vm *vm, const struct kvm_userspace_memory_region *region, u64 gfn, u64 npages)
{
	struct ring1_memslot *slot;
	int ret;

	if (overlaps_other(vm, NULL, gfn, npages))
		return -EEXIST;
	slot = kzalloc(sizeof(*slot), GFP_KERNEL_ACCOUNT);
	if (!slot)
		return -ENOMEM;
	slot->id = region->slot;
	slot->base_gfn = gfn;
	slot->npages = npages;
	slot->hva = region->userspace_addr;
	ret = change_flags(vm, slot, region->flags);
	if (ret) {
		kfree(slot);
		return ret;
	}
	link_slot(vm, slot);
	return 0;
}

/* Only the guest-physical address of a slot and its logging may change. */
static int move_slot(struct ring1_vm *vm, struct ring1_memslot *slot,
		     const struct kvm_userspace_memory_region *region, u64 gfn, u64 npages)
{
	int ret;

	if (slot->hva != region->userspace_addr || slot->npages != npages ||
	    ((slot->flags ^ region->flags) & KVM_MEM_READONLY))
		return -EINVAL;
	if (slot->base_gfn == gfn)
		return change_flags(vm, slot, region->flags);
	if (overlaps_other(vm, slot, gfn, npages))
		return -EEXIST;
	ret = change_flags(vm, slot, region->flags);
	if (ret)
		return ret;
	unlink_slot(vm, slot);
	slot->base_gfn = gfn;
	link_slot(vm, slot);
	return 0;
}

static int change(struct ring1_vm *vm, const struct kvm_userspace_memory_region *region)
{
	struct ring1_memslot *slot = ring1_slot_by_id(vm, region->slot);
	u64 gfn = region->guest_phys_addr >> PAGE_SHIFT;
	u64 npages = region->memory_size >> PAGE_SHIFT;

	if (npages)
		return slot ? move_slot(vm, slot, region, gfn, npages) : create_slot(vm, region, gfn, npages);
	if (!slot)
		return -EINVAL;
	unlink_slot(vm, slot);
	ring1_dirty_log_stop(slot);
	kfree(slot);
	return 0;
}

int ring1_set_memory_region(void *object, void *data)
{
	struct ring1_vm *vm = object;
	int ret = check_region(data);

	if (ret)
		return ret;
	if (mutex_lock_killable(&vm->lock))
		return -EINTR;
	ret = ring1_vm_own_vcpus(vm);
	if (!ret) {
		ret = change(vm, data);
		ring1_vm_disown_vcpus(vm);
	}
	mutex_unlock(&vm->lock);
	return ret;
}
