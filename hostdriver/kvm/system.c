// SPDX-License-Identifier: GPL-2.0-only
/* Ioctls of /dev/ring1 itself, and what KVM_CHECK_EXTENSION answers. */
#include <linux/err.h>
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "hostdriver/engine/engine.h"
#include "hostdriver/kvm/kvm.h"
#include "hostdriver/kvm/state.h"
#include "hostdriver/memory/memory.h"
#include "hostdriver/vm/vm.h"
#include "include/ring1/vcpu_shared.h"

int ring1_check_extension(unsigned long capability)
{
	switch (capability) {
	case KVM_CAP_IRQCHIP:
	case KVM_CAP_HLT:
	case KVM_CAP_CLOCKSOURCE:
	case KVM_CAP_NOP_IO_DELAY:
	case KVM_CAP_KVMCLOCK_CTRL:
	case KVM_CAP_USER_MEMORY:
	case KVM_CAP_SET_TSS_ADDR:
	case KVM_CAP_SYNC_MMU:
	case KVM_CAP_EXT_CPUID:
	case KVM_CAP_MP_STATE:
	case KVM_CAP_REINJECT_CONTROL:
	case KVM_CAP_DESTROY_MEMORY_REGION_WORKS:
	case KVM_CAP_USER_NMI:
	case KVM_CAP_IRQ_INJECT_STATUS:
	case KVM_CAP_JOIN_MEMORY_REGIONS_WORKS:
	case KVM_CAP_PIT2:
	case KVM_CAP_PIT_STATE2:
	case KVM_CAP_SET_IDENTITY_MAP_ADDR:
	case KVM_CAP_INTERNAL_ERROR_DATA:
	case KVM_CAP_VCPU_EVENTS:
	case KVM_CAP_DEBUGREGS:
	case KVM_CAP_GET_TSC_KHZ:
	case KVM_CAP_READONLY_MEM:
	case KVM_CAP_CHECK_EXTENSION_VM:
	case KVM_CAP_IMMEDIATE_EXIT:
	case KVM_CAP_BINARY_STATS_FD:
	case KVM_CAP_ENABLE_CAP_VM:
		return 1;
	case KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2:
		return KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE;
	case KVM_CAP_ADJUST_CLOCK:
		return KVM_CLOCK_TSC_STABLE;
	case KVM_CAP_IRQ_ROUTING:
		return 2 * RING1_MAX_GSI; /* each line to a PIC and to the I/O APIC */
	case KVM_CAP_NR_MEMSLOTS:
		return RING1_MAX_SLOTS;
	case KVM_CAP_NR_VCPUS:
	case KVM_CAP_MAX_VCPUS:
	case KVM_CAP_MAX_VCPU_ID:
		return RING1_MAX_VCPUS;
	default:
		return 0;
	}
}

static int engine_info(struct ring1_engine_info __user *argp)
{
	struct ring1_engine_info *info = memdup_user(argp, sizeof(*info));
	int ret;

	if (IS_ERR(info))
		return PTR_ERR(info);
	ret = ring1_engine_info(info);
	if (!ret && copy_to_user(argp, info, sizeof(*info)))
		ret = -EFAULT;
	kfree(info);
	return ret;
}

long ring1_system_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *argp = (void __user *)arg;

	switch (cmd) {
	case KVM_GET_API_VERSION:
		return arg ? -EINVAL : KVM_API_VERSION;
	case KVM_CREATE_VM:
		return ring1_vm_fd(arg);
	case KVM_CHECK_EXTENSION:
		return ring1_check_extension(arg);
	case KVM_GET_VCPU_MMAP_SIZE:
		return arg ? -EINVAL : RING1_VCPU_MMAP_PAGES * PAGE_SIZE;
	case KVM_GET_SUPPORTED_CPUID:
		return ring1_get_supported_cpuid(NULL, argp);
	case RING1_GET_ENGINE_INFO:
		return engine_info(argp);
	case KVM_GET_MSR_INDEX_LIST:
		return ring1_get_msr_index_list(argp);
	default:
		return -ENOTTY;
	}
}
