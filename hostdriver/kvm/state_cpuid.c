// SPDX-License-Identifier: GPL-2.0-only
/* KVM_SET/GET_CPUID2: the table the monitor answers the guest's CPUID from. */
#include <linux/err.h>
#include <linux/kvm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "hostdriver/kvm/state.h"
#include "hostdriver/vm/own.h"
#include "hostdriver/vm/vcpu.h"
#include "include/ring1/msr_list.h"

static u8 physical_bits(const struct kvm_cpuid_entry2 *entries, u32 count)
{
	u32 i, bits = 0;

	for (i = 0; i < count && !bits; i++)
		if (entries[i].function == 0x80000008)
			bits = entries[i].eax & 0xff;
	return bits < RING1_PHYSICAL_BITS_MIN || bits > RING1_PHYSICAL_BITS_MAX ? RING1_PHYSICAL_BITS : bits;
}

/* Once the guest has run, only the same table is accepted again: translations may have relied on it. */
static int replace(struct ring1_vcpu *vcpu, const struct kvm_cpuid_entry2 *entries, u32 count)
{
	struct ring1_vcpu_shared *shared = vcpu->shared;
	bool same = count == shared->cpuid_count && !memcmp(entries, shared->cpuid, count * sizeof(*entries));

	if (same)
		return 0;
	if (vcpu->started)
		return -EINVAL;
	memcpy(shared->cpuid, entries, count * sizeof(*entries));
	shared->cpuid_count = count;
	shared->config.physical_bits = physical_bits(entries, count);
	vcpu->state_written = true;
	return 0;
}

int ring1_set_cpuid2(struct ring1_vcpu *vcpu, struct kvm_cpuid2 __user *argp)
{
	struct kvm_cpuid_entry2 *entries;
	struct kvm_cpuid2 header;
	int ret;

	if (copy_from_user(&header, argp, sizeof(header)))
		return -EFAULT;
	if (header.nent > RING1_CPUID_MAX)
		return -E2BIG;
	entries = memdup_user(argp->entries, header.nent * sizeof(*entries));
	if (IS_ERR(entries))
		return PTR_ERR(entries);
	ret = ring1_vcpu_own(vcpu);
	if (!ret) {
		ret = replace(vcpu, entries, header.nent);
		ring1_vcpu_disown(vcpu);
	}
	kfree(entries);
	return ret;
}

int ring1_get_cpuid2(struct ring1_vcpu *vcpu, struct kvm_cpuid2 __user *argp)
{
	const struct ring1_vcpu_shared *shared = vcpu->shared;
	struct kvm_cpuid2 header;
	int ret;

	if (copy_from_user(&header, argp, sizeof(header)))
		return -EFAULT;
	ret = ring1_vcpu_own(vcpu);
	if (ret)
		return ret;
	if (header.nent < shared->cpuid_count)
		ret = -E2BIG;
	else if (copy_to_user(argp->entries, shared->cpuid, shared->cpuid_count * sizeof(shared->cpuid[0])))
		ret = -EFAULT;
	if (ret != -EFAULT && put_user(shared->cpuid_count, &argp->nent))
		ret = -EFAULT;
	ring1_vcpu_disown(vcpu);
	return ret;
}
