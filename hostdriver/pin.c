// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest pages are pinned when the monitor first asks for them and stay so until their slot or the VM goes: its page
 * tables know nothing of the kernel's reclaim. They count against the process's RLIMIT_MEMLOCK.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "ring1.h"

#define PINNED_WRITABLE XA_MARK_0

/*
 * A read-only slot is pinned for writing as well where its mapping permits: this breaks copy-on-write sharing now, so that
 * what the process writes later is what the guest reads.
 */
static struct page *pin_user(const struct ring1_memslot *slot, u64 gfn)
{
	unsigned long hva = slot->hva + ((gfn - slot->base_gfn) << PAGE_SHIFT);
	struct page *page;
	int ret = pin_user_pages_fast(hva, 1, FOLL_WRITE | FOLL_LONGTERM, &page);

	if (ret != 1 && (slot->flags & KVM_MEM_READONLY))
		ret = pin_user_pages_fast(hva, 1, FOLL_LONGTERM, &page);
	if (ret == 1)
		return page;
	return ERR_PTR(ret < 0 ? ret : -EFAULT);
}

static struct page *pin_new(struct ring1_vm *vm, const struct ring1_memslot *slot, u64 gfn)
{
	struct page *page;
	int ret = account_locked_vm(vm->mm, 1, true);

	if (ret)
		return ERR_PTR(ret);
	page = pin_user(slot, gfn);
	if (IS_ERR(page)) {
		account_locked_vm(vm->mm, 1, false);
		return page;
	}
	ret = xa_err(xa_store(&vm->pinned, gfn, page, GFP_KERNEL_ACCOUNT));
	if (ret) {
		unpin_user_page(page);
		account_locked_vm(vm->mm, 1, false);
		return ERR_PTR(ret);
	}
	if (!(slot->flags & KVM_MEM_READONLY))
		xa_set_mark(&vm->pinned, gfn, PINNED_WRITABLE);
	return page;
}

static int pin_one(struct ring1_vcpu *vcpu, const struct ring1_memslot *slot, u64 gfn, bool writable, u64 *hpa)
{
	struct ring1_vm *vm = vcpu->vm;
	struct page *page;

	mutex_lock(&vm->pin_lock);
	page = xa_load(&vm->pinned, gfn);
	if (!page) {
		page = pin_new(vm, slot, gfn);
		vcpu->shared->stats.pages_pinned += !IS_ERR(page);
	}
	mutex_unlock(&vm->pin_lock);
	if (IS_ERR(page))
		return PTR_ERR(page);
	*hpa = page_to_phys(page);
	return ring1_world_map_guest(vcpu->world, gfn << PAGE_SHIFT, *hpa, writable);
}

static enum ring1_backing backing_of(const struct ring1_memslot *slot, bool write)
{
	if (slot->flags & KVM_MEM_READONLY)
		return RING1_BACKING_READONLY;
	return slot->dirty && !write ? RING1_BACKING_CLEAN : RING1_BACKING_RAM;
}

/* Answers the monitor's request; current is a thread of the process whose memory it is. */
void ring1_serve_pin(struct ring1_vcpu *vcpu)
{
	struct ring1_pin_request *pin = &vcpu->shared->pin;
	const struct ring1_memslot *slot = ring1_slot_of(vcpu->vm, pin->gfn);
	u64 wanted = min_t(u64, pin->count, RING1_PIN_MAX);
	enum ring1_backing backing;
	bool write = pin->write;
	int ret = 0;

	pin->count = 0;
	if (!slot) {
		pin->backing = RING1_BACKING_DEVICE;
		return;
	}
	wanted = min(wanted, slot->base_gfn + slot->npages - pin->gfn);
	backing = backing_of(slot, write);
	while (pin->count < wanted && !ret) {
		u64 gfn = pin->gfn + pin->count;

		ret = pin_one(vcpu, slot, gfn, backing == RING1_BACKING_RAM, &pin->hpa[pin->count]);
		if (!ret && slot->dirty && backing == RING1_BACKING_RAM)
			set_bit(gfn - slot->base_gfn, slot->dirty);
		pin->count += !ret;
	}
	if (pin->count) {
		pin->backing = backing;
		return;
	}
	pin->backing = RING1_BACKING_ERROR;
	if (!fatal_signal_pending(current))
		pr_warn_ratelimited("process %d: guest page 0x%llx cannot be pinned: %d%s\n", vcpu->vm->pid, pin->gfn,
				    ret, ret == -ENOMEM ? " (RLIMIT_MEMLOCK?)" : "");
}

/* The answer is not to be used. */
void ring1_withdraw_pin(struct ring1_vcpu *vcpu)
{
	vcpu->shared->pin.count = 0;
	vcpu->shared->pin.backing = RING1_BACKING_RETRY;
}

/* In the monitors' windows; each has given up the right to write before. */
void ring1_write_protect(struct ring1_vm *vm, u64 gfn, u64 count)
{
	unsigned long index;
	struct page *page;
	int i;

	xa_for_each_range(&vm->pinned, index, page, gfn, gfn + count - 1)
		for (i = 0; i < RING1_MAX_VCPUS; i++)
			if (vm->vcpus[i])
				ring1_world_protect_guest(vm->vcpus[i]->world, (u64)index << PAGE_SHIFT);
}

/* The range is gone from all monitors' page tables and their caches, or they will never be entered again. */
void ring1_unpin_range(struct ring1_vm *vm, u64 gfn, u64 count)
{
	unsigned long index, pages = 0;
	struct page *page;
	int i;

	xa_for_each_range(&vm->pinned, index, page, gfn, gfn + count - 1) {
		bool writable = xa_get_mark(&vm->pinned, index, PINNED_WRITABLE);

		for (i = 0; i < RING1_MAX_VCPUS; i++)
			if (vm->vcpus[i]) {
				ring1_world_map_guest(vm->vcpus[i]->world, (u64)index << PAGE_SHIFT, 0, false);
				vm->vcpus[i]->shared->stats.pages_pinned--;
			}
		xa_erase(&vm->pinned, index);
		unpin_user_pages_dirty_lock(&page, 1, writable);
		if (++pages % 1024 == 0)
			cond_resched();
	}
	account_locked_vm(vm->mm, pages, false);
}
