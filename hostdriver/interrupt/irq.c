// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_IRQ_LINE: changes of interrupt lines go through a queue to the monitor of the boot processor, which holds the
 * interrupt controllers. Before it exists, or when the queue is full, a line keeps one pulse and its last level: a
 * controller latches no more than that either.
 */
#include <linux/kvm.h>
#include <linux/spinlock.h>
#include <asm/barrier.h>

#include "hostdriver/interrupt/interrupt.h"
#include "hostdriver/vm/own.h"
#include "hostdriver/vm/vcpu.h"
#include "hostdriver/vm/vm.h"

#define LEVEL_HIGH 0x8000

static bool push(struct ring1_irq_queue *queue, u16 entry)
{
	u32 head = queue->head;

	if (head - READ_ONCE(queue->tail) >= RING1_IRQ_QUEUE_SIZE)
		return false;
	queue->entry[head % RING1_IRQ_QUEUE_SIZE] = entry;
	smp_store_release(&queue->head, head + 1);
	return true;
}

/* vm->irq_lock is held. */
static void drain(struct ring1_irq_lines *lines, struct ring1_irq_queue *queue)
{
	u32 gsi;

	for (gsi = 0; lines->changed && gsi < RING1_MAX_GSI; gsi++) {
		u32 bit = BIT(gsi);

		if (!(lines->changed & bit))
			continue;
		if (lines->raised & bit) {
			if (!push(queue, gsi | LEVEL_HIGH))
				return;
			lines->raised &= ~bit;
		}
		if (!(lines->level & bit) && !push(queue, gsi))
			return;
		lines->changed &= ~bit;
	}
}

static void set_line(struct ring1_irq_lines *lines, struct ring1_irq_queue *queue, u32 gsi, bool high)
{
	u32 bit = BIT(gsi);

	lines->level = high ? lines->level | bit : lines->level & ~bit;
	if (!lines->changed && queue && push(queue, gsi | (high ? LEVEL_HIGH : 0)))
		return;
	lines->changed |= bit;
	lines->raised |= high ? bit : 0;
	if (queue)
		drain(lines, queue);
}

void ring1_irq_drain(struct ring1_vcpu *vcpu)
{
	struct ring1_vm *vm = vcpu->vm;
	unsigned long flags;

	if (vcpu->id || !READ_ONCE(vm->lines.changed))
		return;
	spin_lock_irqsave(&vm->irq_lock, flags);
	drain(&vm->lines, &vcpu->shared->irq_queue);
	spin_unlock_irqrestore(&vm->irq_lock, flags);
}

/* As in KVM: -1 no such line, 0 merged with one that was high already, else 1. */
static int change_line(struct ring1_vm *vm, u32 gsi, bool high)
{
	struct ring1_vcpu *vcpu = smp_load_acquire(&vm->vcpus[0]);
	unsigned long flags;
	bool was_high;

	if (gsi >= RING1_MAX_GSI)
		return -1;
	spin_lock_irqsave(&vm->irq_lock, flags);
	was_high = vm->lines.level & BIT(gsi);
	if (was_high != high)
		set_line(&vm->lines, vcpu ? &vcpu->shared->irq_queue : NULL, gsi, high);
	spin_unlock_irqrestore(&vm->irq_lock, flags);
	if (vcpu && was_high != high)
		ring1_vcpu_notify(vcpu);
	return !(high && was_high);
}

int ring1_irq_line_status(void *object, void *data)
{
	struct ring1_vm *vm = object;
	struct kvm_irq_level *line = data;

	if (!READ_ONCE(vm->irqchip))
		return -ENXIO;
	line->status = change_line(vm, line->irq, line->level);
	return 0;
}

int ring1_irq_line(void *object, void *data)
{
	return ring1_irq_line_status(object, data);
}
