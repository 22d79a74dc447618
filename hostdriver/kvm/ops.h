/* SPDX-License-Identifier: GPL-2.0-only */
/* Ioctls that take or give one structure of fixed size, as a table. */
#ifndef RING1_OPS_H
#define RING1_OPS_H

#define RING1_IN 1
#define RING1_OUT 2
struct ring1_op {
	unsigned int cmd;
	unsigned int direction; /* RING1_IN | RING1_OUT; some numbers in kvm.h encode the wrong one */
	int (*fn)(void *object, void *data);
};
const struct ring1_op *ring1_op_find(const struct ring1_op *ops, unsigned int count, unsigned int cmd);
void *ring1_op_data(const struct ring1_op *op, const void __user *argp);
int ring1_op_finish(const struct ring1_op *op, void __user *argp, void *data, int ret);

#endif
