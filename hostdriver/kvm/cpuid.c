// SPDX-License-Identifier: GPL-2.0-only
/*
 * What KVM_GET_SUPPORTED_CPUID offers: of the processor's features those that a guest may use under the engine.
 * Guest user code executes CPUID natively on processors without CPUID faulting, so nothing is offered that the
 * processor lacks. Leaves: SDM 2A CPUID; 0x8000xxxx: APM 3 appendix E.
 */
#include <linux/kvm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <asm/kvm_para.h>
#include <asm/processor.h>
#include <asm/tsc.h>

#include "hostdriver/engine/engine.h"
#include "hostdriver/kvm/kvm.h"
#include "hostdriver/vm/vm.h"
#include "include/ring1/msr_list.h"

#define BIT_RANGE(high, low) ((~0U >> (31 - (high))) & ~((1U << (low)) - 1))

#define LEAF1_ECX (BIT(0) /* SSE3 */ | BIT(1) /* PCLMULQDQ */ | BIT(9) /* SSSE3 */ | BIT(19) /* SSE4.1 */ | \
		   BIT(20) /* SSE4.2 */ | BIT(22) /* MOVBE */ | BIT(23) /* POPCNT */ | BIT(25) /* AES */ |   \
		   BIT(30) /* RDRAND */)
#define LEAF1_ECX_HYPERVISOR BIT(31)
#define LEAF1_EDX (BIT(0) /* FPU */ | BIT_RANGE(6, 2) /* DE PSE TSC MSR PAE */ | BIT(8) /* CX8 */ | BIT(9) /* APIC */ | \
		   BIT(11) /* SEP */ | BIT(12) /* MTRR */ | BIT(13) /* PGE */ | BIT(15) /* CMOV */ |              \
		   BIT(16) /* PAT */ | BIT(19) /* CLFSH */ | BIT_RANGE(26, 23) /* MMX FXSR SSE SSE2 */)
/* In 0x80000001 AMD repeats the bits of leaf 1 up to 17, 23 and 24; on other processors these read as zero. */
#define LEAF8_1_EDX ((LEAF1_EDX & (BIT_RANGE(17, 0) | BIT(23) | BIT(24)) & ~BIT(11) /* here: SYSCALL */) | \
		     BIT(20) /* NX */ | BIT(22) /* MMXEXT */ | BIT(30) | BIT(31) /* 3DNow! */)
#define LEAF8_1_ECX (BIT(5) /* ABM */ | BIT(6) /* SSE4A */ | BIT(7) /* MISALIGNSSE */ | BIT(8) /* PREFETCHW */)
#define LEAF8_7_EDX_INVARIANT_TSC BIT(8)
/* What comes with long mode. */
#define LONG_LEAF1_ECX BIT(13) /* CMPXCHG16B */
#define LONG_LEAF8_1_EDX (BIT(11) /* SYSCALL */ | BIT(29) /* LM */)
#define LONG_LEAF8_1_ECX BIT(0) /* LAHF and SAHF in 64-bit code */
#define GIGABYTE_LEAF8_1_EDX BIT(26) /* 1 GiB pages */
#define LINEAR_BITS(long_mode) ((long_mode) ? 48 : 32)

#define MAX_BASIC 4
#define FEATURE_LEAF 7
#define LEAF7_EBX_TSC_ADJUST BIT(1)
#define TSC_LEAF 0x15
/* What the virtual local APIC's timer counts (irqchip/lapic_timer.cpp), given to the guest as its crystal. */
#define CRYSTAL_HZ 1000000000U
#define MAX_EXTENDED 0x80000008
#define HYPERVISOR 0x40000000
#define OWN_HYPERVISOR 0x40000100
/* Of KVM's features those for time; ports need no delays, as the devices behind them are virtual. */
#define KVM_FEATURES (BIT(KVM_FEATURE_CLOCKSOURCE) | BIT(KVM_FEATURE_NOP_IO_DELAY) | BIT(KVM_FEATURE_CLOCKSOURCE2) | \
		      BIT(KVM_FEATURE_STEAL_TIME) | BIT(KVM_FEATURE_CLOCKSOURCE_STABLE_BIT))
#define MAX_CACHES 8

struct builder {
	struct kvm_cpuid_entry2 *entries;
	u32 count;
	u32 features; /* of ring1_guest_features() */
};

static bool long_mode(const struct builder *b)
{
	return b->features & RING1_FEATURE_LONG_MODE;
}

/* Room was made for all leaves below. */
#define MAX_ENTRIES (MAX_BASIC + 1 + MAX_CACHES + 2 + 3 + 9)

static struct kvm_cpuid_entry2 *add(struct builder *b, u32 function, u32 index)
{
	struct kvm_cpuid_entry2 *entry = &b->entries[b->count++];

	entry->function = function;
	entry->index = index;
	cpuid_count(function, index, &entry->eax, &entry->ebx, &entry->ecx, &entry->edx);
	return entry;
}

static void add_features(struct builder *b)
{
	struct kvm_cpuid_entry2 *entry = add(b, 1, 0);

	entry->ebx = (entry->ebx & 0xffff) | 1 << 16; /* brand, CLFLUSH size, one processor, APIC id 0 */
	entry->ecx = (entry->ecx & (LEAF1_ECX | (long_mode(b) ? LONG_LEAF1_ECX : 0))) | LEAF1_ECX_HYPERVISOR;
	entry->edx &= LEAF1_EDX;
}

/* One cache per subleaf until type 0; the fields for sharing between processors are cleared. */
static void add_caches(struct builder *b)
{
	u32 index;

	for (index = 0; index < MAX_CACHES; index++) {
		struct kvm_cpuid_entry2 *entry = add(b, 4, index);

		entry->flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
		entry->eax &= BIT_RANGE(13, 0);
		if (!(entry->eax & 0x1f))
			break;
	}
}

/* With it, and with an invariant TSC, Linux trusts the TSC instead of watching it against a clock that needs exits. */
static void add_tsc_adjust(struct builder *b)
{
	struct kvm_cpuid_entry2 *entry = add(b, FEATURE_LEAF, 0);

	entry->flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
	entry->eax = entry->ecx = entry->edx = 0;
	entry->ebx = LEAF7_EBX_TSC_ADJUST;
}

/*
 * The best fraction for the TSC's frequency over the crystal's. Linux multiplies the crystal's kHz by the numerator in 32
 * bits, so the numerator must be small; the error of the best fraction is below one part per million all the same.
 */
static void tsc_ratio(u32 *numerator, u32 *denominator)
{
	const u32 crystal_khz = CRYSTAL_HZ / 1000, most = U32_MAX / crystal_khz;
	u64 best = U64_MAX;
	u32 below;

	for (below = 1;; below++) {
		u32 above = DIV_ROUND_CLOSEST_ULL((u64)tsc_khz * below, crystal_khz);
		u64 error;

		if (above > most)
			break;
		error = div_u64(1000 * abs((s64)above * crystal_khz - (s64)tsc_khz * below), below);
		if (above && error < best) {
			best = error;
			*numerator = above;
			*denominator = below;
		}
	}
}

/*
 * The frequencies of TSC and APIC timer, whatever the processor's age: a guest that measures them against the PIT, each
 * of whose ports costs an exit, finds the measurement too noisy under load. Linux reads the leaf on Intel processors.
 */
static void add_frequencies(struct builder *b)
{
	struct kvm_cpuid_entry2 *entry = add(b, TSC_LEAF, 0);

	tsc_ratio(&entry->ebx, &entry->eax);
	entry->ecx = CRYSTAL_HZ;
	entry->edx = 0;
}

static void add_hypervisor(struct builder *b, u32 leaf, u32 last, const char signature[12])
{
	struct kvm_cpuid_entry2 *entry = add(b, leaf, 0);

	entry->eax = last;
	memcpy(&entry->ebx, signature, 4);
	memcpy(&entry->ecx, signature + 4, 4);
	memcpy(&entry->edx, signature + 8, 4);
}

/* Guests look for KVM's clock behind KVM's signature; who wants to know what we are finds it behind. */
static void add_hypervisors(struct builder *b)
{
	struct kvm_cpuid_entry2 *features;

	add_hypervisor(b, HYPERVISOR, KVM_CPUID_FEATURES, "KVMKVMKVM\0\0");
	features = add(b, KVM_CPUID_FEATURES, 0);
	features->eax = KVM_FEATURES;
	features->ebx = features->ecx = features->edx = 0;
	add_hypervisor(b, OWN_HYPERVISOR, OWN_HYPERVISOR, "ring1ring1  ");
}

static void add_extended_features(struct builder *b, struct kvm_cpuid_entry2 *entry)
{
	u32 ecx = LEAF8_1_ECX, edx = LEAF8_1_EDX;

	if (long_mode(b)) {
		ecx |= LONG_LEAF8_1_ECX;
		edx |= LONG_LEAF8_1_EDX;
		if (b->features & RING1_FEATURE_GIGABYTE_PAGES)
			edx |= GIGABYTE_LEAF8_1_EDX;
	}
	entry->ebx = 0;
	entry->ecx &= ecx;
	entry->edx &= edx;
}

static void add_extended(struct builder *b)
{
	u32 max = min_t(u32, cpuid_eax(0x80000000), MAX_EXTENDED);
	u32 function;

	for (function = 0x80000000; function <= max; function++) {
		struct kvm_cpuid_entry2 *entry = add(b, function, 0);

		switch (function) {
		case 0x80000000:
			entry->eax = max;
			break;
		case 0x80000001:
			add_extended_features(b, entry);
			break;
		case 0x80000007:
			entry->eax = entry->ebx = entry->ecx = 0;
			entry->edx = LEAF8_7_EDX_INVARIANT_TSC; /* the virtual one is */
			break;
		case 0x80000008:
			entry->eax = LINEAR_BITS(long_mode(b)) << 8 | RING1_PHYSICAL_BITS;
			entry->ebx = entry->ecx = entry->edx = 0;
			break;
		}
	}
}

static void build(struct builder *b)
{
	u32 max = min_t(u32, cpuid_eax(0), MAX_BASIC);

	add(b, 0, 0)->eax = boot_cpu_data.x86_vendor == X86_VENDOR_INTEL ? TSC_LEAF : FEATURE_LEAF;
	add_features(b);
	if (max >= 2)
		add(b, 2, 0);
	if (max >= 3) {
		struct kvm_cpuid_entry2 *serial = add(b, 3, 0);

		serial->eax = serial->ebx = serial->ecx = serial->edx = 0;
	}
	if (max >= 4)
		add_caches(b);
	add_tsc_adjust(b);
	if (boot_cpu_data.x86_vendor == X86_VENDOR_INTEL)
		add_frequencies(b);
	add_hypervisors(b);
	add_extended(b);
}

/* vm: what this one's engine offers; NULL: what that of a new VM does. */
int ring1_get_supported_cpuid(const struct ring1_vm *vm, struct kvm_cpuid2 __user *argp)
{
	struct builder b = { .features = ring1_guest_features(vm ? &vm->choice : NULL) };
	struct kvm_cpuid2 header;
	int ret = 0;

	if (copy_from_user(&header, argp, sizeof(header)))
		return -EFAULT;
	b.entries = kcalloc(MAX_ENTRIES, sizeof(*b.entries), GFP_KERNEL_ACCOUNT);
	if (!b.entries)
		return -ENOMEM;
	build(&b);
	if (header.nent < b.count)
		ret = -E2BIG;
	else if (put_user(b.count, &argp->nent) ||
		 copy_to_user(argp->entries, b.entries, b.count * sizeof(*b.entries)))
		ret = -EFAULT;
	kfree(b.entries);
	return ret;
}
