// SPDX-License-Identifier: GPL-2.0-only
/* The common part of ioctls that take or give one structure of fixed size. */
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "hostdriver/kvm/ops.h"

const struct ring1_op *ring1_op_find(const struct ring1_op *ops, unsigned int count, unsigned int cmd)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (ops[i].cmd == cmd)
			return &ops[i];
	return NULL;
}

/* A zeroed (nothing of ours leaks out) or copied structure, NULL for an ioctl without one, or ERR_PTR. */
void *ring1_op_data(const struct ring1_op *op, const void __user *argp)
{
	size_t size = _IOC_SIZE(op->cmd);

	if (!op->direction)
		return NULL;
	if (op->direction & RING1_IN)
		return memdup_user(argp, size);
	return kzalloc(size, GFP_KERNEL_ACCOUNT) ?: ERR_PTR(-ENOMEM);
}

int ring1_op_finish(const struct ring1_op *op, void __user *argp, void *data, int ret)
{
	if (!ret && (op->direction & RING1_OUT) && copy_to_user(argp, data, _IOC_SIZE(op->cmd)))
		ret = -EFAULT;
	kfree(data);
	return ret;
}
