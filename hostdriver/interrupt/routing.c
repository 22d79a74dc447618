// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_SET_GSI_ROUTING: the routing of a PC is fixed in the monitor, so a table is accepted exactly if it says the same:
 * lines 0 to 15 to the pins of the two PICs, every line to the pin of the I/O APIC with its number, or line 0 to pin 2.
 */
#include <linux/err.h>
#include <linux/kvm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "hostdriver/interrupt/interrupt.h"
#include "hostdriver/vm/vm.h"
#include "include/ring1/vcpu_shared.h"

#define PIC_PINS 8
#define MAX_ROUTES (2 * RING1_MAX_GSI)

static bool usual(const struct kvm_irq_routing_entry *entry)
{
	u32 gsi = entry->gsi, pin = entry->u.irqchip.pin;

	if (entry->type != KVM_IRQ_ROUTING_IRQCHIP || entry->flags || gsi >= RING1_MAX_GSI)
		return false;
	switch (entry->u.irqchip.irqchip) {
	case KVM_IRQCHIP_PIC_MASTER:
		return pin < PIC_PINS && pin == gsi;
	case KVM_IRQCHIP_PIC_SLAVE:
		return pin < PIC_PINS && pin + PIC_PINS == gsi;
	case KVM_IRQCHIP_IOAPIC:
		return pin == gsi || (gsi == 0 && pin == 2);
	default:
		return false;
	}
}

int ring1_set_gsi_routing(struct ring1_vm *vm, struct kvm_irq_routing __user *argp)
{
	struct kvm_irq_routing_entry *entries;
	struct kvm_irq_routing header;
	int ret = 0;
	u32 i;

	if (copy_from_user(&header, argp, sizeof(header)))
		return -EFAULT;
	if (!READ_ONCE(vm->irqchip) || header.nr > MAX_ROUTES || header.flags)
		return -EINVAL;
	entries = memdup_user(argp->entries, header.nr * sizeof(*entries));
	if (IS_ERR(entries))
		return PTR_ERR(entries);
	for (i = 0; i < header.nr && !ret; i++)
		ret = usual(&entries[i]) ? 0 : -EINVAL;
	kfree(entries);
	return ret;
}
