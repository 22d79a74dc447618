// SPDX-License-Identifier: GPL-2.0-only
/* KVM_GET/SET_MSRS and the list of the numbers they know. */
#include <linux/err.h>
#include <linux/kvm.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/msr.h>

#include "hostdriver/engine/engine.h"
#include "hostdriver/kvm/state.h"
#include "hostdriver/time/time.h"
#include "hostdriver/vm/own.h"
#include "hostdriver/vm/vcpu.h"
#include "include/ring1/msr_list.h"

#define MAX_ENTRIES 256

/* Those of long mode stand last, so that the list of a guest without them is shorter. */
static const u32 indices[] = {
	RING1_MSR_TSC,
#define X(number, name, field, rule) number,
	RING1_MSRS(X)
	RING1_LONG_MODE_MSRS(X)
#undef X
};
#define X(number, name, field, rule) +1
enum { LONG_MODE_INDICES = 0 RING1_LONG_MODE_MSRS(X) };
#undef X

static int get_long_mode_msr(const struct ring1_vcpu *vcpu, u32 index, u64 *value)
{
	const struct ring1_cpu_state *cpu = &vcpu->shared->cpu;

	if (!vcpu->shared->config.long_mode)
		return -EINVAL;
	switch (index) {
#define X(number, name, field, rule) \
	case number:                 \
		*value = cpu->field; \
		return 0;
	RING1_LONG_MODE_MSRS(X)
#undef X
	default:
		return -EINVAL;
	}
}

static int set_long_mode_msr(struct ring1_vcpu *vcpu, u32 index, u64 value)
{
	struct ring1_cpu_state *cpu = &vcpu->shared->cpu;

	if (!vcpu->shared->config.long_mode)
		return -EINVAL;
	switch (index) {
#define X(number, name, field, rule)               \
	case number:                               \
		if (!ring1_msr_rule_##rule(value, vcpu->shared->config.physical_bits)) \
			return -EINVAL;            \
		cpu->field = value;                \
		return 0;
	RING1_LONG_MODE_MSRS(X)
#undef X
	default:
		return -EINVAL;
	}
}

static int set_efer(struct ring1_vcpu *vcpu, u64 value)
{
	struct ring1_cpu_state *cpu = &vcpu->shared->cpu;

	if (!ring1_efer_valid(value, vcpu->shared->config.long_mode))
		return -EINVAL;
	cpu->efer = ring1_efer_written(cpu->efer, value);
	return 0;
}

static int get_msr(const struct ring1_vcpu *vcpu, u32 index, u64 *value)
{
	const struct ring1_cpu_state *cpu = &vcpu->shared->cpu;

	if (ring1_msr_is_mc_bank(index)) {
		*value = cpu->mc_banks[array_index_nospec(index - RING1_MSR_MC_BANK0, RING1_MC_REGISTERS)];
		return 0;
	}
	switch (index) {
	case RING1_MSR_MCG_CAP:
		*value = RING1_MCG_CAP;
		return 0;
	case RING1_MSR_TSC:
		*value = ring1_vtime_tsc(vcpu) + cpu->tsc_offset;
		return 0;
	case RING1_MSR_MTRR_CAP:
		*value = RING1_MTRR_CAP;
		return 0;
#define X(number, name, field, rule) \
	case number:                 \
		*value = cpu->field; \
		return 0;
	RING1_MSRS(X)
#undef X
	default:
		return get_long_mode_msr(vcpu, index, value);
	}
}

static int set_msr(struct ring1_vcpu *vcpu, u32 index, u64 value)
{
	struct ring1_cpu_state *cpu = &vcpu->shared->cpu;

	if (index == MSR_EFER)
		return set_efer(vcpu, value);
	if (ring1_msr_is_mc_bank(index)) {
		if (!ring1_msr_mc_bank_valid(index, value, 0))
			return -EINVAL;
		cpu->mc_banks[array_index_nospec(index - RING1_MSR_MC_BANK0, RING1_MC_REGISTERS)] = value;
		return 0;
	}
	switch (index) {
	case RING1_MSR_TSC:
		cpu->tsc_offset = value - ring1_vtime_tsc(vcpu);
		return 0;
#define X(number, name, field, rule)              \
	case number:                              \
		if (!ring1_msr_rule_##rule(value, vcpu->shared->config.physical_bits)) \
			return -EINVAL;           \
		cpu->field = value;               \
		return 0;
	RING1_MSRS(X)
#undef X
	default:
		return set_long_mode_msr(vcpu, index, value);
	}
}

/* The number of entries done; the first one that fails ends it. */
static int transfer(struct ring1_vcpu *vcpu, struct kvm_msr_entry *entries, u32 count, bool write)
{
	u32 i;

	for (i = 0; i < count; i++)
		if (write ? set_msr(vcpu, entries[i].index, entries[i].data)
			  : get_msr(vcpu, entries[i].index, &entries[i].data))
			break;
	vcpu->state_written |= write && i;
	return i;
}

long ring1_msrs(struct ring1_vcpu *vcpu, struct kvm_msrs __user *argp, bool write)
{
	struct kvm_msr_entry *entries;
	struct kvm_msrs header;
	size_t size;
	int ret;

	if (copy_from_user(&header, argp, sizeof(header)))
		return -EFAULT;
	if (header.nmsrs >= MAX_ENTRIES)
		return -E2BIG;
	size = header.nmsrs * sizeof(*entries);
	entries = memdup_user(argp->entries, size);
	if (IS_ERR(entries))
		return PTR_ERR(entries);
	ret = ring1_vcpu_own(vcpu);
	if (!ret) {
		ret = transfer(vcpu, entries, header.nmsrs, write);
		ring1_vcpu_disown(vcpu);
	}
	if (ret > 0 && !write && copy_to_user(argp->entries, entries, size))
		ret = -EFAULT;
	kfree(entries);
	return ret;
}

int ring1_get_msr_index_list(struct kvm_msr_list __user *argp)
{
	const bool long_mode = ring1_guest_features(NULL) & RING1_FEATURE_LONG_MODE;
	const u32 count = ARRAY_SIZE(indices) - (long_mode ? 0 : LONG_MODE_INDICES);
	struct kvm_msr_list header;
	u32 room;

	if (copy_from_user(&header, argp, sizeof(header)))
		return -EFAULT;
	room = header.nmsrs;
	header.nmsrs = count;
	if (copy_to_user(argp, &header, sizeof(header)))
		return -EFAULT;
	if (room < count)
		return -E2BIG;
	return copy_to_user(argp->indices, indices, count * sizeof(indices[0])) ? -EFAULT : 0;
}
