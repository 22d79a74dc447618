// SPDX-License-Identifier: GPL-2.0-only
/* The ioctls on a VM's file descriptor. */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/kvm.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "hostdriver/interrupt/interrupt.h"
#include "hostdriver/kvm/kvm.h"
#include "hostdriver/kvm/ops.h"
#include "hostdriver/life/life.h"
#include "hostdriver/memory/memory.h"
#include "hostdriver/sched/sched.h"
#include "hostdriver/vm/vm.h"
#include "hostdriver/watch/watch.h"
#include "include/ring1/api.h"

/* Three pages for a task-state segment, below 4 GiB. Other engines put real-mode code there; this one needs none. */
static int set_tss_addr(unsigned long address)
{
	return address > U32_MAX - 3 * PAGE_SIZE ? -EINVAL : 0;
}

static int set_identity_map_addr(void *object, void *data)
{
	struct ring1_vm *vm = object;
	u64 address = *(u64 *)data;
	int i, ret = 0;

	if (address % PAGE_SIZE || address > U32_MAX)
		return -EINVAL;
	if (mutex_lock_killable(&vm->lock))
		return -EINTR;
	for (i = 0; i < RING1_MAX_VCPUS; i++)
		if (vm->vcpus[i])
			ret = -EINVAL;
	if (!ret)
		vm->identity_map = address ?: RING1_IDENTITY_MAP;
	mutex_unlock(&vm->lock);
	return ret;
}

static const struct ring1_op vm_ops[] = {
	{ KVM_SET_USER_MEMORY_REGION, RING1_IN, ring1_set_memory_region },
	{ KVM_GET_DIRTY_LOG, RING1_IN, ring1_get_dirty_log },
	{ KVM_CLEAR_DIRTY_LOG, RING1_IN, ring1_clear_dirty_log },
	{ KVM_ENABLE_CAP, RING1_IN, ring1_enable_cap },
	{ KVM_SET_IDENTITY_MAP_ADDR, RING1_IN, set_identity_map_addr },
	{ KVM_IRQ_LINE, RING1_IN, ring1_irq_line },
	{ KVM_IRQ_LINE_STATUS, RING1_IN | RING1_OUT, ring1_irq_line_status },
	{ KVM_GET_IRQCHIP, RING1_IN | RING1_OUT, ring1_get_irqchip },
	{ KVM_SET_IRQCHIP, RING1_IN, ring1_set_irqchip },
	{ KVM_GET_CLOCK, RING1_OUT, ring1_get_clock },
	{ KVM_SET_CLOCK, RING1_IN, ring1_set_clock },
	{ KVM_CREATE_PIT2, RING1_IN, ring1_create_pit2 },
	{ KVM_GET_PIT2, RING1_OUT, ring1_get_pit2 },
	{ KVM_SET_PIT2, RING1_IN, ring1_set_pit2 },
	{ RING1_GET_SCHED, RING1_OUT, ring1_sched_get },
	{ RING1_SET_SCHED, RING1_IN, ring1_sched_set },
};

static long vm_op(struct ring1_vm *vm, unsigned int cmd, void __user *argp)
{
	const struct ring1_op *op = ring1_op_find(vm_ops, ARRAY_SIZE(vm_ops), cmd);
	void *data;

	if (!op)
		return -ENOTTY;
	data = ring1_op_data(op, argp);
	if (IS_ERR(data))
		return PTR_ERR(data);
	return ring1_op_finish(op, argp, data, op->fn(vm, data));
}

long ring1_vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct ring1_vm *vm = file->private_data;

	/* Guest memory is that of the process that made the VM; a child or a receiver of the fd has another. */
	if (vm->mm != current->mm)
		return -EIO;
	switch (cmd) {
	case KVM_CHECK_EXTENSION:
		return ring1_check_extension(arg);
	case KVM_CREATE_VCPU:
		return ring1_vcpu_fd(vm, arg);
	case KVM_CREATE_IRQCHIP:
		return ring1_create_irqchip(vm);
	case KVM_GET_SUPPORTED_CPUID: /* not KVM's: the engines differ */
		return ring1_get_supported_cpuid(vm, (void __user *)arg);
	case KVM_SET_TSS_ADDR:
		return set_tss_addr(arg);
	case KVM_REINJECT_CONTROL:
		return ring1_reinject_control(vm, (void __user *)arg);
	case KVM_SET_GSI_ROUTING:
		return ring1_set_gsi_routing(vm, (void __user *)arg);
	case KVM_GET_STATS_FD:
		return ring1_stats_fd(vm, NULL);
	default:
		return vm_op(vm, cmd, (void __user *)arg);
	}
}
