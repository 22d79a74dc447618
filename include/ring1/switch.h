/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The switch page: what the two halves of the world switch (hostdriver/world/switch.S) save and load, and where the
 * monitor finds its own tables. Mapped at the same address in both worlds. Offsets for assembly stand first.
 */
#ifndef RING1_SWITCH_H
#define RING1_SWITCH_H

/* Selectors at the far end of the 8192-entry descriptor tables; valid in the transition GDT and in the shadow GDT. */
#define RING1_SEL_CODE64 0xff80	     /* monitor code */
#define RING1_SEL_TSS 0xff90	     /* monitor TSS, two slots */
#define RING1_SEL_LDT 0xffa0	     /* shadow LDT, two slots */
#define RING1_SEL_GUEST_CODE 0xffb1  /* flat ring-1 code, base 0, limit 4 GiB */
#define RING1_SEL_GUEST_SHARED 0xffb9 /* GS while ring 1 runs: the shared page and the return table */
#define RING1_SEL_GUEST_SEGMENT 0xffc0 /* six slots for segments whose descriptor is no longer in the guest's table */

#define RING1_GDT_BYTES 65536
#define RING1_STACK_BYTES 262144 /* aligned to its size; at its base: the switch page, the trap block of binary translation, the world */

#define RING1_HARDWARE_PAGES 8

/* The monitor's image and its windows (docs/architecture.md draws them). */
#define RING1_IMAGE_BASE 0xffffffff80000000
#ifndef RING1_GUEST_WINDOW /* the unit tests have one in user space */
#define RING1_GUEST_WINDOW 0xffff800000000000 /* + guest physical address */
#endif

#define RING1_SW_HOST_RSP 0
#define RING1_SW_HOST_CR0 8
#define RING1_SW_HOST_CR3 16
#define RING1_SW_HOST_CR4 24
#define RING1_SW_HOST_EFER 32
#define RING1_SW_HOST_FS_BASE 40
#define RING1_SW_HOST_GS_BASE 48
#define RING1_SW_HOST_KERNEL_GS_BASE 56
#define RING1_SW_HOST_SYSENTER_CS 64
#define RING1_SW_HOST_DR7 72
#define RING1_SW_HOST_GDTR 80
#define RING1_SW_HOST_IDTR 96
#define RING1_SW_HOST_TR 112
#define RING1_SW_HOST_LDT 114
#define RING1_SW_HOST_DS 116
#define RING1_SW_HOST_ES 118
#define RING1_SW_HOST_FS 120
#define RING1_SW_HOST_GS 122
#define RING1_SW_HOST_SS 124
#define RING1_SW_HOST_CS 126
#define RING1_SW_MON_RSP 128
#define RING1_SW_MON_CR0 136
#define RING1_SW_MON_CR3 144
#define RING1_SW_MON_CR4 152
#define RING1_SW_MON_EFER 160
#define RING1_SW_MON_GDTR 168
#define RING1_SW_MON_IDTR 184
#define RING1_SW_NMI_PENDING 200
#define RING1_SW_MCE_PENDING 204
#define RING1_SW_TRANSITION_GDT 208
#define RING1_SW_SPECULATION 216
#define RING1_SW_PREDICTOR_COMMAND 220

/* What the switch does against speculation (hostdriver/world/speculation.c): on the way in, and on the way out. */
#define RING1_SPECULATION_BUFFERS 1
#define RING1_SPECULATION_RETURNS 2
#define RING1_SPECULATION_HISTORY 4
#define RING1_SPECULATION_PREDICTORS 8

#ifndef __ASSEMBLY__

#include <linux/types.h>

struct ring1_descriptor_register {
	__u8 pad[6];
	__u16 limit;
	__u64 base;
};

struct ring1_switch {
	__u64 host_rsp, host_cr0, host_cr3, host_cr4, host_efer;
	__u64 host_fs_base, host_gs_base, host_kernel_gs_base, host_sysenter_cs, host_dr7;
	struct ring1_descriptor_register host_gdtr, host_idtr;
	__u16 host_tr, host_ldt, host_ds, host_es, host_fs, host_gs, host_ss, host_cs;

	__u64 mon_rsp, mon_cr0, mon_cr3, mon_cr4, mon_efer;
	struct ring1_descriptor_register mon_gdtr, mon_idtr; /* the transition tables */
	__u32 nmi_pending, mce_pending; /* arrived while the monitor ran; replayed in the host */
	__u64 transition_gdt;		/* address of its first byte; slots 0..15 are the host's */
	__u32 speculation, predictor_command; /* RING1_SPECULATION_; what to write to IA32_PRED_CMD */

	__u64 to_host;	     /* void to_host(struct ring1_switch *): returns when the host enters again */
	__u64 vector;	     /* RING1_REQUEST_INTERRUPT: the physical interrupt to replay */
	__u64 shared;	     /* struct ring1_vcpu_shared */
	__u64 shadow_ldt;    /* RING1_GDT_BYTES, zeroed */
	__u64 shadow_gdt;    /* RING1_GDT_BYTES, zeroed; the far end is a copy of the transition GDT's */
	__u64 monitor_idt;   /* a page, filled by the monitor */
	__u64 tss;	     /* a page, filled by the monitor; the TSS descriptor points at it */
	__u64 stack;	     /* lowest address of the monitor's stack */
	__u64 ldt_selector;  /* in LDTR while the guest runs: RING1_SEL_LDT or 0 */
	__u64 low_table;     /* page-directory-pointer table of the low 512 GiB: entries 0..3 are the guest's 4 GiB */
	__u64 direct_map;    /* address of physical address 0 */
	__u64 physical_mask; /* valid address bits of a page-table entry */

	__u64 hardware_area; /* RING1_HARDWARE_PAGES contiguous pages below 4 GiB for engines svm and vmx, zeroed; or 0 */
	__u32 moved;	     /* host sets at an entry on another processor than the last one; monitor clears */
	__u32 visited;	     /* host sets at each entry; monitor clears */
	__u32 vpid;	     /* engine vmx: its identifier in the TLB, 0: none */
	__u64 vmcs;	     /* engine vmx: physical address of its VMCS, else 0 */
	__u64 number;	     /* of the world; none is used twice */
	__u64 vmcs_launched; /* by the monitor, since it came to this processor; the host clears */
};

#endif
#endif
