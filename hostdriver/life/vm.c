// SPDX-License-Identifier: GPL-2.0-only
/* A virtual machine: its life, and the ioctls on its file descriptor. */
#include <linux/anon_inodes.h>
#include <linux/debugfs.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "hostdriver/ring1.h"

void ring1_vm_get(struct ring1_vm *vm)
{
	kref_get(&vm->ref);
}

/* Order: nobody can look any more (debugfs), nobody tells of memory, then the monitors go. */
static void vm_free(struct kref *ref)
{
	struct ring1_vm *vm = container_of(ref, struct ring1_vm, ref);
	int i;

	debugfs_remove_recursive(vm->debugfs);
	ring1_notifier_unregister(vm);
	for (i = 0; i < RING1_MAX_VCPUS; i++)
		if (vm->vcpus[i])
			ring1_vcpu_free(vm->vcpus[i]);
	memset(vm->vcpus, 0, sizeof(vm->vcpus));
	ring1_slots_free(vm);
	ring1_sched_vm_free(vm);
	ring1_engine_put(&vm->choice);
	mmdrop(vm->mm);
	kfree(vm);
}

void ring1_vm_put(struct ring1_vm *vm)
{
	kref_put(&vm->ref, vm_free);
}

/* vm->lock is held. */
int ring1_vm_own_vcpus(struct ring1_vm *vm)
{
	int i, ret = 0;

	for (i = 0; i < RING1_MAX_VCPUS && !ret; i++)
		if (vm->vcpus[i])
			ret = ring1_vcpu_own(vm->vcpus[i]);
	if (ret)
		for (i -= 2; i >= 0; i--)
			if (vm->vcpus[i])
				ring1_vcpu_disown(vm->vcpus[i]);
	return ret;
}

void ring1_vm_disown_vcpus(struct ring1_vm *vm)
{
	int i;

	for (i = RING1_MAX_VCPUS - 1; i >= 0; i--)
		if (vm->vcpus[i])
			ring1_vcpu_disown(vm->vcpus[i]);
}

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

static long vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct ring1_vm *vm = file->private_data;

	/* Guest memory is that of the process that made the VM; a child or a receiver of the fd has another. */
	if (vm->mm != current->mm)
		return -EIO;
	switch (cmd) {
	case KVM_CHECK_EXTENSION:
		return ring1_check_extension(arg);
	case KVM_CREATE_VCPU:
		return ring1_vcpu_create(vm, arg);
	case KVM_CREATE_IRQCHIP:
		return ring1_create_irqchip(vm);
	case KVM_GET_SUPPORTED_CPUID: /* not KVM's: the engines differ */
		return ring1_get_supported_cpuid(vm, (void __user *)arg);
	case KVM_SET_TSS_ADDR:
		return set_tss_addr(arg);
	case KVM_SET_GSI_ROUTING:
		return ring1_set_gsi_routing(vm, (void __user *)arg);
	case KVM_GET_STATS_FD:
		return ring1_stats_fd(vm, NULL);
	default:
		return vm_op(vm, cmd, (void __user *)arg);
	}
}

static int vm_release(struct inode *inode, struct file *file)
{
	ring1_vm_put(file->private_data);
	return 0;
}

static const struct file_operations vm_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = vm_ioctl,
	.compat_ioctl = vm_ioctl,
	.release = vm_release,
	.llseek = noop_llseek,
};

int ring1_vm_create(unsigned long type)
{
	struct ring1_vm *vm;
	struct ring1_choice choice;
	struct file *file;
	int fd, ret;

	ret = ring1_engine_get(type, &choice);
	if (ret)
		return ret;
	vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	if (!vm) {
		ring1_engine_put(&choice);
		return -ENOMEM;
	}
	vm->choice = choice;
	vm->identity_map = RING1_IDENTITY_MAP;
	ring1_sched_vm_init(vm);
	kref_init(&vm->ref);
	vm->mm = current->mm;
	mmgrab(vm->mm);
	vm->pid = task_tgid_nr(current);
	mutex_init(&vm->lock);
	spin_lock_init(&vm->irq_lock);
	INIT_LIST_HEAD(&vm->slots);
	ret = ring1_notifier_register(vm);
	if (ret) {
		ring1_sched_vm_free(vm);
		ring1_engine_put(&vm->choice);
		mmdrop(vm->mm);
		kfree(vm);
		return ret;
	}

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		goto put;
	file = anon_inode_getfile("ring1-vm", &vm_fops, vm, O_RDWR);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		fd = PTR_ERR(file);
		goto put;
	}
	ring1_debugfs_add_vm(vm, fd);
	fd_install(fd, file);
	return fd;
put:
	ring1_vm_put(vm);
	return fd;
}
