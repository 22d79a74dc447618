/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model-specific registers that are plain values of struct ring1_cpu_state, one row each: number, name, field,
 * rule (which values a write may store, given how wide the guest's physical addresses are; everything else is #GP in the
 * guest and refused in KVM_SET_MSRS). The
 * time-stamp counter and the constants IA32_MTRRCAP and IA32_MCG_CAP have no row: they have no field. Neither have the
 * machine-check banks, which are many.
 */
#ifndef RING1_MSR_LIST_H
#define RING1_MSR_LIST_H

#include <linux/types.h>

#include "cpu_state.h"

#define RING1_MSR_TSC 0x10
#define RING1_MSR_MTRR_CAP 0xfe
#define RING1_MTRR_CAP 0x508ull /* 8 variable ranges, fixed ranges, write combining (SDM 3A 11.11.1) */

#define RING1_MSR_MCG_CAP 0x179
#define RING1_MCG_CAP ((__u64)RING1_MC_BANKS)
#define RING1_MSR_MC_BANK0 0x400 /* CTL, STATUS, ADDR, MISC of each bank (SDM 3B 15.3.2) */

/*
 * Physical addresses of a guest have as many bits as its own CPUID 0x80000008 says (struct ring1_config), 36 where it says
 * nothing or nonsense; so many KVM_GET_SUPPORTED_CPUID offers.
 */
#define RING1_PHYSICAL_BITS 36
#define RING1_PHYSICAL_BITS_MIN 32
#define RING1_PHYSICAL_BITS_MAX 52

#define RING1_MSRS(X)                                     \
	X(0x00000011, KVM_WALL_CLOCK_OLD, kvm_wall_clock, ANY)    \
	X(0x00000012, KVM_SYSTEM_TIME_OLD, kvm_system_time, ANY)  \
	X(0x0000001b, APIC_BASE, apic_base, APIC_BASE)    \
	X(0x0000003b, TSC_ADJUST, tsc_adjust, ANY)        \
	X(0x00000174, SYSENTER_CS, sysenter_cs, ANY)      \
	X(0x00000175, SYSENTER_ESP, sysenter_esp, CANONICAL) \
	X(0x00000176, SYSENTER_EIP, sysenter_eip, CANONICAL) \
	X(0x0000017a, MCG_STATUS, mcg_status, ANY)        \
	X(0x0000017b, MCG_CTL, mcg_ctl, ANY)              \
	X(0x000001a0, MISC_ENABLE, misc_enable, ANY)      \
	X(0x00000200, MTRR_BASE0, mtrr_variable[0], MTRR_BASE)  \
	X(0x00000201, MTRR_MASK0, mtrr_variable[1], MTRR_MASK)  \
	X(0x00000202, MTRR_BASE1, mtrr_variable[2], MTRR_BASE)  \
	X(0x00000203, MTRR_MASK1, mtrr_variable[3], MTRR_MASK)  \
	X(0x00000204, MTRR_BASE2, mtrr_variable[4], MTRR_BASE)  \
	X(0x00000205, MTRR_MASK2, mtrr_variable[5], MTRR_MASK)  \
	X(0x00000206, MTRR_BASE3, mtrr_variable[6], MTRR_BASE)  \
	X(0x00000207, MTRR_MASK3, mtrr_variable[7], MTRR_MASK)  \
	X(0x00000208, MTRR_BASE4, mtrr_variable[8], MTRR_BASE)  \
	X(0x00000209, MTRR_MASK4, mtrr_variable[9], MTRR_MASK)  \
	X(0x0000020a, MTRR_BASE5, mtrr_variable[10], MTRR_BASE) \
	X(0x0000020b, MTRR_MASK5, mtrr_variable[11], MTRR_MASK) \
	X(0x0000020c, MTRR_BASE6, mtrr_variable[12], MTRR_BASE) \
	X(0x0000020d, MTRR_MASK6, mtrr_variable[13], MTRR_MASK) \
	X(0x0000020e, MTRR_BASE7, mtrr_variable[14], MTRR_BASE) \
	X(0x0000020f, MTRR_MASK7, mtrr_variable[15], MTRR_MASK) \
	X(0x00000250, MTRR_FIX64K_00000, mtrr_fixed[0], MTRR_FIXED)  \
	X(0x00000258, MTRR_FIX16K_80000, mtrr_fixed[1], MTRR_FIXED)  \
	X(0x00000259, MTRR_FIX16K_A0000, mtrr_fixed[2], MTRR_FIXED)  \
	X(0x00000268, MTRR_FIX4K_C0000, mtrr_fixed[3], MTRR_FIXED)   \
	X(0x00000269, MTRR_FIX4K_C8000, mtrr_fixed[4], MTRR_FIXED)   \
	X(0x0000026a, MTRR_FIX4K_D0000, mtrr_fixed[5], MTRR_FIXED)   \
	X(0x0000026b, MTRR_FIX4K_D8000, mtrr_fixed[6], MTRR_FIXED)   \
	X(0x0000026c, MTRR_FIX4K_E0000, mtrr_fixed[7], MTRR_FIXED)   \
	X(0x0000026d, MTRR_FIX4K_E8000, mtrr_fixed[8], MTRR_FIXED)   \
	X(0x0000026e, MTRR_FIX4K_F0000, mtrr_fixed[9], MTRR_FIXED)   \
	X(0x0000026f, MTRR_FIX4K_F8000, mtrr_fixed[10], MTRR_FIXED)  \
	X(0x00000277, PAT, pat, PAT)                      \
	X(0x000002ff, MTRR_DEF_TYPE, mtrr_def_type, MTRR_DEF_TYPE)   \
	X(0x4b564d00, KVM_WALL_CLOCK, kvm_wall_clock, ANY)        \
	X(0x4b564d01, KVM_SYSTEM_TIME, kvm_system_time, ANY)      \
	X(0x4b564d03, KVM_STEAL_TIME, kvm_steal_time, KVM_STEAL_TIME) \
	X(0xc0000080, EFER, efer, EFER)                   \
	X(0xc0000081, STAR, star, ANY)                    \
	X(0xc0000082, LSTAR, lstar, CANONICAL)            \
	X(0xc0000083, CSTAR, cstar, CANONICAL)            \
	X(0xc0000084, SFMASK, sfmask, ANY)                \
	X(0xc0000102, KERNEL_GS_BASE, kernel_gs_base, CANONICAL)     \
	X(0xc0000103, TSC_AUX, tsc_aux, LOW32)

/* Those that a processor has only with long mode: the bases of FS and GS. */
#define RING1_LONG_MODE_MSRS(X)                           \
	X(0xc0000100, FS_BASE, seg[4].base, CANONICAL)    \
	X(0xc0000101, GS_BASE, seg[5].base, CANONICAL)

/* The rules: 1 if a write may store the value. */
#define RING1_UNUSED __attribute__((unused))
#define RING1_MSR_RULE(name) \
	static inline int ring1_msr_rule_##name(RING1_UNUSED __u64 value, RING1_UNUSED unsigned int physical_bits)

RING1_MSR_RULE(ANY)
{
	return 1;
}

RING1_MSR_RULE(LOW32)
{
	return value >> 32 == 0;
}

RING1_MSR_RULE(CANONICAL)
{
	return (__u64)((__s64)(value << 16) >> 16) == value;
}

/* An address that is a multiple of 64, and in bit 0 whether the record there is kept. */
RING1_MSR_RULE(KVM_STEAL_TIME)
{
	return (value & 0x3e) == 0;
}

static inline int ring1_msr_is_mc_bank(__u32 index)
{
	return index - RING1_MSR_MC_BANK0 < RING1_MC_REGISTERS;
}

/* CTL turns all errors on or off. STATUS can only be cleared, but for user space, which may restore one. */
static inline int ring1_msr_mc_bank_valid(__u32 index, __u64 value, int by_guest)
{
	switch (index & 3) {
	case 0:
		return value == 0 || value == ~0ull;
	case 1:
		return value == 0 || !by_guest;
	default:
		return 1;
	}
}

/* BSP, global enable, base below the limit of physical addresses; x2APIC is not offered (SDM 3A 10.4.4). */
RING1_MSR_RULE(APIC_BASE)
{
	return (value & ~(0x900ull | (((1ull << physical_bits) - 1) & ~0xfffull))) == 0;
}

/*
 * SCE and NXE, and with long mode LME and LMA. LMA is not for software to change: what a write says of it is ignored
 * (ring1_efer_written), as KVM does. LME must not change under paging (SDM 3A 4.1.2); that is the guest's concern alone,
 * as KVM_SET_MSRS may come before or after KVM_SET_SREGS.
 */
#define RING1_EFER_LME 0x100ull
#define RING1_EFER_LMA 0x400ull

static inline int ring1_efer_valid(__u64 value, int long_mode)
{
	return (value & ~(0x801ull | (long_mode ? RING1_EFER_LME | RING1_EFER_LMA : 0))) == 0;
}

static inline __u64 ring1_efer_written(__u64 old, __u64 value)
{
	return (value & ~RING1_EFER_LMA) | (old & RING1_EFER_LMA);
}

/* The row's own rule is that of a guest without long mode; with it both functions above decide first. */
RING1_MSR_RULE(EFER)
{
	return ring1_efer_valid(value, 0);
}

/* Memory types of an MTRR: UC, WC, WT, WP, WB (SDM 3A 11.11.2). */
static inline int ring1_mtrr_type_valid(__u8 type)
{
	return type == 0 || type == 1 || (type >= 4 && type <= 6);
}

RING1_MSR_RULE(MTRR_FIXED)
{
	int byte;

	for (byte = 0; byte < 8; byte++)
		if (!ring1_mtrr_type_valid((__u8)(value >> (8 * byte))))
			return 0;
	return 1;
}

RING1_MSR_RULE(MTRR_BASE)
{
	return value >> physical_bits == 0 && (value & 0xf00) == 0 && ring1_mtrr_type_valid((__u8)value);
}

RING1_MSR_RULE(MTRR_MASK)
{
	return value >> physical_bits == 0 && (value & 0x7ff) == 0;
}

RING1_MSR_RULE(MTRR_DEF_TYPE)
{
	return (value & ~0xcffull) == 0 && ring1_mtrr_type_valid((__u8)value);
}

/* As for an MTRR, and UC- (SDM 3A 11.12.2). */
RING1_MSR_RULE(PAT)
{
	int byte;

	for (byte = 0; byte < 8; byte++) {
		__u8 type = (__u8)(value >> (8 * byte));

		if (type != 7 && !ring1_mtrr_type_valid(type))
			return 0;
	}
	return 1;
}

#endif
