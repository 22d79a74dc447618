/* SPDX-License-Identifier: GPL-2.0-only */
/* What kernels from 6.1 on call by different names. */
#ifndef RING1_COMPAT_H
#define RING1_COMPAT_H

#include <linux/kvm.h>
#include <linux/syscore_ops.h>
#include <linux/version.h>
#include <asm/cpufeature.h>

/* smp_send_reschedule() became a macro around a tracepoint, whose header it does not bring. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#include <trace/events/ipi.h>
#endif

/* For the kernel's own code the header renames the field, as a warning that user space writes it: we know. */
#ifdef HINT_UNSAFE_IN_KVM
#define RING1_RUN_IMMEDIATE_EXIT HINT_UNSAFE_IN_KVM(immediate_exit)
#else
#define RING1_RUN_IMMEDIATE_EXIT immediate_exit
#endif

/* FRED takes the IDT out of use: an INT that stands for an interrupt would be a bug to such a host. */
static inline bool ring1_host_uses_fred(void)
{
#ifdef X86_FEATURE_FRED
	return cpu_feature_enabled(X86_FEATURE_FRED);
#else
	return false;
#endif
}

/* The callbacks got an argument, also in stable releases, so Kbuild looks which it is. */
#ifdef RING1_SYSCORE_HAS_DATA
#define RING1_SYSCORE_ARGUMENT void *unused
#else
#define RING1_SYSCORE_ARGUMENT void
struct syscore {
	struct syscore_ops *ops;
};

static inline void register_syscore(struct syscore *syscore)
{
	register_syscore_ops(syscore->ops);
}

static inline void unregister_syscore(struct syscore *syscore)
{
	unregister_syscore_ops(syscore->ops);
}
#endif

#endif
