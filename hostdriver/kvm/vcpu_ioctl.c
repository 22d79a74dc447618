// SPDX-License-Identifier: GPL-2.0-only
/* The ioctls on a vCPU's file descriptor. */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/kvm.h>
#include <linux/sched.h>
#include <linux/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/kvm_para.h>

#include "hostdriver/interrupt/interrupt.h"
#include "hostdriver/kvm/kvm.h"
#include "hostdriver/kvm/ops.h"
#include "hostdriver/kvm/state.h"
#include "hostdriver/run/run.h"
#include "hostdriver/vm/own.h"
#include "hostdriver/vm/vcpu.h"
#include "hostdriver/vm/vm.h"
#include "hostdriver/watch/watch.h"

/* The guest learns that it was stopped, so that it does not take the gap for a hang of its own. */
static int kvmclock_ctrl(void *object, void *unused)
{
	struct ring1_vcpu *vcpu = object;

	if (!(vcpu->shared->cpu.kvm_system_time & KVM_MSR_ENABLED))
		return -EINVAL;
	vcpu->shared->guest_stopped = 1;
	return 0;
}

/* There is no page for the TPR (KVM_CAP_VAPIC is 0), but a VMM may say at each reset that it wants none. */
static int set_vapic_addr(void *object, void *data)
{
	struct ring1_vcpu *vcpu = object;
	const struct kvm_vapic_addr *vapic = data;

	return vcpu->vm->irqchip && !vapic->vapic_addr ? 0 : -EINVAL;
}

static const struct ring1_op vcpu_ops[] = {
	{ KVM_GET_REGS, RING1_OUT, ring1_get_regs },
	{ KVM_SET_REGS, RING1_IN, ring1_set_regs },
	{ KVM_GET_SREGS, RING1_OUT, ring1_get_sregs },
	{ KVM_SET_SREGS, RING1_IN, ring1_set_sregs },
	{ KVM_GET_FPU, RING1_OUT, ring1_get_fpu },
	{ KVM_SET_FPU, RING1_IN, ring1_set_fpu },
	{ KVM_GET_LAPIC, RING1_OUT, ring1_get_lapic },
	{ KVM_SET_LAPIC, RING1_IN, ring1_set_lapic },
	{ KVM_GET_MP_STATE, RING1_OUT, ring1_get_mp_state },
	{ KVM_SET_MP_STATE, RING1_IN, ring1_set_mp_state },
	{ KVM_GET_VCPU_EVENTS, RING1_OUT, ring1_get_events },
	{ KVM_SET_VCPU_EVENTS, RING1_IN, ring1_set_events },
	{ KVM_GET_DEBUGREGS, RING1_OUT, ring1_get_debugregs },
	{ KVM_SET_DEBUGREGS, RING1_IN, ring1_set_debugregs },
	{ KVM_INTERRUPT, RING1_IN, ring1_inject_interrupt },
	{ KVM_NMI, 0, ring1_inject_nmi },
	{ KVM_KVMCLOCK_CTRL, 0, kvmclock_ctrl },
	{ KVM_SET_VAPIC_ADDR, RING1_IN, set_vapic_addr },
};

static long vcpu_op(struct ring1_vcpu *vcpu, unsigned int cmd, void __user *argp)
{
	const struct ring1_op *op = ring1_op_find(vcpu_ops, ARRAY_SIZE(vcpu_ops), cmd);
	void *data;
	int ret;

	if (!op)
		return -ENOTTY;
	data = ring1_op_data(op, argp);
	if (IS_ERR(data))
		return PTR_ERR(data);
	ret = ring1_vcpu_own(vcpu);
	if (!ret) {
		ret = op->fn(vcpu, data);
		ring1_vcpu_disown(vcpu);
	}
	return ring1_op_finish(op, argp, data, ret);
}

/* NULL: KVM_RUN keeps the thread's own mask. */
static int set_signal_mask(struct ring1_vcpu *vcpu, struct kvm_signal_mask __user *argp)
{
	struct kvm_signal_mask header;
	sigset_t set;
	int ret;

	if (argp) {
		if (copy_from_user(&header, argp, sizeof(header)))
			return -EFAULT;
		if (header.len != sizeof(set))
			return -EINVAL;
		if (copy_from_user(&set, argp->sigset, sizeof(set)))
			return -EFAULT;
		sigdelsetmask(&set, sigmask(SIGKILL) | sigmask(SIGSTOP));
	}
	ret = ring1_vcpu_own(vcpu);
	if (ret)
		return ret;
	vcpu->sigset_active = argp;
	if (argp)
		vcpu->sigset = set;
	ring1_vcpu_disown(vcpu);
	return 0;
}

long ring1_vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct ring1_vcpu *vcpu = file->private_data;
	void __user *argp = (void __user *)arg;

	if (vcpu->vm->mm != current->mm)
		return -EIO;
	switch (cmd) {
	case KVM_RUN:
		return arg ? -EINVAL : ring1_vcpu_run(vcpu);
	case KVM_GET_MSRS:
		return ring1_msrs(vcpu, argp, false);
	case KVM_SET_MSRS:
		return ring1_msrs(vcpu, argp, true);
	case KVM_SET_CPUID2:
		return ring1_set_cpuid2(vcpu, argp);
	case KVM_GET_CPUID2:
		return ring1_get_cpuid2(vcpu, argp);
	case KVM_SET_SIGNAL_MASK:
		return set_signal_mask(vcpu, argp);
	case KVM_GET_TSC_KHZ:
		return vcpu->shared->config.tsc_khz;
	case KVM_GET_STATS_FD:
		return ring1_stats_fd(vcpu->vm, vcpu);
	default:
		return vcpu_op(vcpu, cmd, argp);
	}
}
