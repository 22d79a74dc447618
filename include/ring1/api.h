/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What /dev/ring1 has beyond <linux/kvm.h>: the choice of an engine, and why one cannot be had; how much of the
 * processors a VM gets.
 */
#ifndef RING1_API_H
#define RING1_API_H

#include <linux/ioctl.h>
#include <linux/types.h>

#include "sched_params.h"

/* How guest code is executed. The module never configures one that the processor cannot do. */
enum ring1_engine {
	RING1_ENGINE_BT,  /* binary translation at ring 1 */
	RING1_ENGINE_SVM, /* AMD-V */
	RING1_ENGINE_VMX, /* VT-x */
	RING1_ENGINES,
};

/*
 * Machine types for KVM_CREATE_VM. 0 is the module's own choice (parameters `engine` and `npt`). SHADOW_PAGING is for
 * svm and vmx, which otherwise use nested paging where the processor has it.
 */
#define RING1_VM_TYPE(engine) (0x72310100UL + (engine))
#define RING1_VM_ENGINE_MASK 0xffUL
#define RING1_VM_SHADOW_PAGING 0x200UL
/* The engine that machine type 0 would give, for a type that says something else as well. */
#define RING1_VM_DEFAULT_ENGINE 0xfeUL
/* Virtual time stands while the VM does not run; without it it goes on, and missed ticks are made up for. */
#define RING1_VM_ACTIVE_TIME 0x800UL

#define RING1_ENGINE_FEATURES 40
struct ring1_engine_feature {
	char name[40];
	char value[24];
};

struct ring1_engine_info {
	__u32 engine;	  /* in: enum ring1_engine */
	__s32 status;	  /* 0: usable; else -errno */
	__u32 is_default; /* what machine type 0 gives */
	__u32 feature_count;
	char why[128];	  /* if not usable */
	char remedy[128]; /* what to do about it, or empty */
	struct ring1_engine_feature features[RING1_ENGINE_FEATURES];
};

#define RING1_GET_ENGINE_INFO _IOWR('r', 0x01, struct ring1_engine_info)

/* On a VM. */
struct ring1_vm_sched {
	__u32 policy; /* out: enum ring1_sched_policy, the module's */
	__u32 reserved; /* 0 */
	struct ring1_sched_params params;
};

#define RING1_GET_SCHED _IOR('r', 0x02, struct ring1_vm_sched)
/* -EINVAL: no such parameters; -EBUSY: the slices of all VMs would not fit into the processors' time. */
#define RING1_SET_SCHED _IOW('r', 0x03, struct ring1_vm_sched)

#endif
