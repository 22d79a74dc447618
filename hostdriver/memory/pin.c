// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest pages for the monitor. It is told where a page lies, and no reference is kept: the page is the process's, and
 * the memory of the process changes as it likes. notifier.c sees to it that the monitor hears of that in time.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/io.h>
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>

#include "hostdriver/memory/memory.h"
#include "hostdriver/memory/slots.h"
#include "hostdriver/vm/vcpu.h"
#include "hostdriver/vm/vm.h"
#include "hostdriver/world/world.h"

/*
 * FOLL_WRITE makes the page the process's own, and dirty, as long as it stays mapped. Several at once if that needs no
 * waiting; else the first one.
 */
static long look_up(unsigned long hva, u64 wanted, unsigned int flags, struct page **pages)
{
	long found = get_user_pages_unlocked(hva, wanted, pages, flags | FOLL_NOWAIT);

	if (found <= 0)
		found = get_user_pages_unlocked(hva, 1, pages, flags);
	return found ?: -EFAULT;
}

/* The host addresses of at most `wanted` pages, good until the next visit. How many, or -errno. */
static long find_pages(struct ring1_vm *vm, unsigned long hva, u64 wanted, unsigned int flags, u64 *hpa)
{
	unsigned long end = hva + (wanted << PAGE_SHIFT);
	struct page *pages[RING1_PIN_MAX];
	bool valid;
	u64 moment;
	long found, i;

	do {
		if (wait_event_killable(vm->invalidation_ended, ring1_memory_at_rest(vm, hva, end, &moment)))
			return -EINTR;
		found = look_up(hva, wanted, flags, pages);
		if (found < 0)
			return found;
		for (i = 0; i < found; i++)
			hpa[i] = page_to_phys(pages[i]);
		valid = ring1_memory_unchanged(vm, hva, end, moment);
		for (i = 0; i < found; i++)
			put_page(pages[i]);
		if (!valid && fatal_signal_pending(current))
			return -EINTR;
	} while (!valid);
	return found;
}

static enum ring1_backing backing_of(const struct ring1_memslot *slot, bool write)
{
	if (slot->flags & KVM_MEM_READONLY)
		return RING1_BACKING_READONLY;
	return slot->dirty && !write ? RING1_BACKING_CLEAN : RING1_BACKING_RAM;
}

static long find_and_map(struct ring1_vcpu *vcpu, const struct ring1_memslot *slot, enum ring1_backing backing, u64 wanted)
{
	struct ring1_pin_request *pin = &vcpu->shared->pin;
	unsigned long hva = slot->hva + ((pin->gfn - slot->base_gfn) << PAGE_SHIFT);
	bool writable = backing == RING1_BACKING_RAM;
	u64 hpa[RING1_PIN_MAX];
	long found, i;
	int ret;

	found = find_pages(vcpu->vm, hva, wanted, slot->flags & KVM_MEM_READONLY ? 0 : FOLL_WRITE, hpa);
	for (i = 0; i < found; i++) {
		ret = ring1_world_map_guest(vcpu->world, (pin->gfn + i) << PAGE_SHIFT, hpa[i], writable);
		if (ret)
			return i ?: ret;
		pin->hpa[i] = hpa[i];
		if (slot->dirty && writable)
			set_bit(pin->gfn + i - slot->base_gfn, slot->dirty);
	}
	return found;
}

/* Answers the monitor's request; current is a thread of the process whose memory it is. */
void ring1_serve_pin(struct ring1_vcpu *vcpu)
{
	struct ring1_pin_request *pin = &vcpu->shared->pin;
	const struct ring1_memslot *slot = ring1_slot_of(vcpu->vm, pin->gfn);
	u64 wanted = min_t(u64, pin->count, RING1_PIN_MAX);
	enum ring1_backing backing;
	long found;

	pin->count = 0;
	if (!slot) {
		pin->backing = RING1_BACKING_DEVICE;
		return;
	}
	backing = backing_of(slot, pin->write);
	found = find_and_map(vcpu, slot, backing, min(wanted, slot->base_gfn + slot->npages - pin->gfn));
	if (found > 0) {
		pin->count = found;
		pin->backing = backing;
		return;
	}
	pin->backing = RING1_BACKING_ERROR;
	vcpu->memory_error = found ?: -EFAULT;
	if (!fatal_signal_pending(current))
		pr_warn_ratelimited("process %d: guest page 0x%llx cannot be had: %ld\n", vcpu->vm->pid, pin->gfn, found);
}
