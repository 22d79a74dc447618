// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happens to the process's memory happens to the guest's. The kernel tells before it takes a page away from a range
 * of addresses, or the right to write; until it tells that it is done nothing found there may be used. No reference to
 * a page is kept, so nothing outlives the process (docs/races.md).
 */
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <asm/barrier.h>

#include "hostdriver/memory/memory.h"
#include "hostdriver/memory/slots.h"
#include "hostdriver/vm/vcpu.h"
#include "hostdriver/vm/vm.h"
#include "hostdriver/world/world.h"

/* vm->memory_lock is held. True: some of the addresses are the guest's, and every world has been told. */
static bool withdraw_addresses(struct ring1_vm *vm, u64 start, u64 end, bool tell)
{
	struct ring1_memslot *slot;
	bool found = false;

	list_for_each_entry(slot, &vm->slots, node) {
		u64 first = max(start, slot->hva), last = min(end, slot->hva + (slot->npages << PAGE_SHIFT));
		u64 page = (first - slot->hva) >> PAGE_SHIFT;

		if (first >= last)
			continue;
		found = true;
		if (tell)
			ring1_vm_withdraw(vm, slot->base_gfn + page, ((last - 1 - slot->hva) >> PAGE_SHIFT) - page + 1);
	}
	return found;
}

static int invalidate_range_start(struct mmu_notifier *notifier, const struct mmu_notifier_range *range)
{
	struct ring1_vm *vm = container_of(notifier, struct ring1_vm, notifier);
	bool found;
	int i;

	spin_lock(&vm->memory_lock);
	if (!vm->invalidating++) {
		vm->invalid_start = range->start;
		vm->invalid_end = range->end;
	} else { /* several at a time: all that lies between counts */
		vm->invalid_start = min(vm->invalid_start, range->start);
		vm->invalid_end = max(vm->invalid_end, range->end);
	}
	found = withdraw_addresses(vm, range->start, range->end, true);
	spin_unlock(&vm->memory_lock);
	for (i = 0; found && i < RING1_MAX_VCPUS; i++) {
		struct ring1_vcpu *vcpu = smp_load_acquire(&vm->vcpus[i]);

		if (vcpu)
			ring1_world_wait_outside(vcpu->world);
	}
	return 0;
}

static void invalidate_range_end(struct mmu_notifier *notifier, const struct mmu_notifier_range *range)
{
	struct ring1_vm *vm = container_of(notifier, struct ring1_vm, notifier);

	spin_lock(&vm->memory_lock);
	vm->invalidations += withdraw_addresses(vm, range->start, range->end, false);
	vm->invalidating--;
	spin_unlock(&vm->memory_lock);
	wake_up_all(&vm->invalidation_ended);
}

/*
 * No thread has this memory any more, so none is in a world of this VM and none will come. Called twice, and at the same
 * time, if the last descriptor is closed elsewhere as the process ends; each of the two waits for the other before
 * anything goes that it needs.
 */
static void release(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	struct ring1_vm *vm = container_of(notifier, struct ring1_vm, notifier);
	int i;

	if (atomic_xchg(&vm->released, 1))
		return;
	for (i = 0; i < RING1_MAX_VCPUS; i++) {
		if (!vm->vcpus[i])
			continue;
		vm->vcpus[i]->dead = true;
		ring1_world_take_back(vm->vcpus[i]->world);
	}
}

static const struct mmu_notifier_ops ops = {
	.invalidate_range_start = invalidate_range_start,
	.invalidate_range_end = invalidate_range_end,
	.release = release,
};

/* Every world gives up these guest pages before it does anything else. Those that are inside do not know yet. */
void ring1_vm_withdraw(struct ring1_vm *vm, u64 gfn, u64 count)
{
	int i;

	for (i = 0; i < RING1_MAX_VCPUS; i++) {
		struct ring1_vcpu *vcpu = smp_load_acquire(&vm->vcpus[i]);

		if (vcpu)
			ring1_world_withdraw(vcpu->world, gfn, count);
	}
}

/* May pages be looked up there now? What is found counts only if ring1_memory_unchanged(*moment) afterwards. */
bool ring1_memory_at_rest(struct ring1_vm *vm, unsigned long start, unsigned long end, u64 *moment)
{
	bool rest;

	spin_lock(&vm->memory_lock);
	rest = !vm->invalidating || end <= vm->invalid_start || start >= vm->invalid_end;
	*moment = vm->invalidations;
	spin_unlock(&vm->memory_lock);
	return rest;
}

bool ring1_memory_unchanged(struct ring1_vm *vm, unsigned long start, unsigned long end, u64 moment)
{
	u64 now;

	return ring1_memory_at_rest(vm, start, end, &now) && now == moment;
}

int ring1_notifier_register(struct ring1_vm *vm)
{
	spin_lock_init(&vm->memory_lock);
	init_waitqueue_head(&vm->invalidation_ended);
	vm->notifier.ops = &ops;
	return mmu_notifier_register(&vm->notifier, vm->mm);
}

void ring1_notifier_unregister(struct ring1_vm *vm)
{
	mmu_notifier_unregister(&vm->notifier, vm->mm);
}
