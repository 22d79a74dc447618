/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The architectural state of one virtual processor, as the guest believes it to be. It lies in memory that
 * both the module (C) and the monitor (C++) map at the same address; the module copies it from and to the
 * structures of <linux/kvm.h>. Valid whenever KVM_RUN is not inside the guest.
 */
#ifndef RING1_CPU_STATE_H
#define RING1_CPU_STATE_H

#include <linux/types.h>

/* Access rights of a segment in the format of a VMCS (SDM 3C 24.4.1). */
#define RING1_AR_TYPE_MASK 0x000fu
#define RING1_AR_ACCESSED 0x0001u
#define RING1_AR_WRITABLE 0x0002u /* data; readable for code */
#define RING1_AR_DOWN 0x0004u	  /* data: expand-down; code: conforming */
#define RING1_AR_CODE 0x0008u
#define RING1_AR_S 0x0010u
#define RING1_AR_DPL_SHIFT 5
#define RING1_AR_DPL_MASK 0x0060u
#define RING1_AR_P 0x0080u
#define RING1_AR_AVL 0x1000u
#define RING1_AR_L 0x2000u
#define RING1_AR_DB 0x4000u
#define RING1_AR_G 0x8000u
#define RING1_AR_UNUSABLE 0x10000u

/* One segment register with its hidden part. limit is in bytes, inclusive, already scaled by G. */
struct ring1_segment {
	__u64 base;
	__u32 limit;
	__u32 access; /* RING1_AR_* */
	__u16 selector;
	__u16 pad[3];
};

struct ring1_table_register {
	__u64 base;
	__u16 limit;
	__u16 pad[3];
};

/* What an interrupt shadow was caused by (SDM 3A 6.8.3); at most one instruction long. */
#define RING1_SHADOW_STI 1
#define RING1_SHADOW_MOV_SS 2

enum ring1_mp_state { RING1_MP_RUNNABLE, RING1_MP_HALTED, RING1_MP_WAIT_INIT, RING1_MP_WAIT_SIPI };

/* An event whose delivery was begun or is owed at the next entry. */
struct ring1_pending_event {
	__u8 valid;
	__u8 vector;
	__u8 is_exception; /* else an external interrupt (already acknowledged) */
	__u8 is_software;  /* INT n, INT3, INTO: DPL of the gate is checked, return address after it */
	__u8 has_error;
	__u8 pad[3];
	__u32 error_code;
	__u32 pad2;
};

/* Banks of machine-check registers, four each, in which nothing is ever reported. */
#define RING1_MC_BANKS 10
#define RING1_MC_REGISTERS (4 * RING1_MC_BANKS)

/* 64-bit throughout although today's guests are 32-bit. GPRs in the order of their encoding. */
struct ring1_cpu_state {
	__u64 gpr[16];
	__u64 rip;
	__u64 rflags; /* the guest's own IF, IOPL, NT, TF, VM */
	struct ring1_segment seg[6]; /* ES CS SS DS FS GS */
	struct ring1_segment ldtr, tr;
	struct ring1_table_register gdtr, idtr;
	__u64 cr0, cr2, cr3, cr4, cr8, xcr0;
	__u64 efer;
	__u64 dr[8];
	__u64 sysenter_cs, sysenter_esp, sysenter_eip;
	__u64 star, lstar, cstar, sfmask, kernel_gs_base, tsc_aux;
	__u64 pat, misc_enable, apic_base;
	__u64 mtrr_def_type, mtrr_fixed[11], mtrr_variable[16];
	__u64 mcg_status, mcg_ctl, mc_banks[RING1_MC_REGISTERS];
	__u64 tsc_adjust; /* IA32_TSC_ADJUST, SDM 3B 17.17.3; already part of tsc_offset */
	__u64 tsc_offset; /* guest TSC = processor's TSC + tsc_offset */
	__u64 kvm_wall_clock, kvm_system_time, kvm_steal_time; /* KVM's registers of the paravirtual clock */
	struct ring1_pending_event event;
	__u8 nmi_pending, nmi_blocked;
	__u8 shadow;   /* RING1_SHADOW_* */
	__u8 mp_state; /* enum ring1_mp_state */
	__u8 shutdown; /* triple fault */
	__u8 pad[3];
};

#endif
