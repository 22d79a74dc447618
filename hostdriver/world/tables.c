// SPDX-License-Identifier: GPL-2.0-only
/* The descriptors that both the transition GDT and the shadow GDT hold at their far end (SDM 3A 3.4.5, 7.2.3). */
#include <linux/types.h>

#include "hostdriver/world/private.h"

#define CODE64 0x00af9b000000ffffULL	   /* L, present, DPL 0, code, accessed */
#define GUEST_CODE 0x00cfb9000000ffffULL   /* D, G, present, DPL 1, execute-only, accessed */
#define TSS_AVAILABLE 0x0000890000000000ULL
#define TSS_LIMIT 0x67

void ring1_fill_far_end(void *gdt, u64 tss)
{
	u64 *table = gdt;
	u64 *tss_slot = table + (RING1_SEL_TSS >> 3);

	table[RING1_SEL_CODE64 >> 3] = CODE64;
	table[RING1_SEL_GUEST_CODE >> 3] = GUEST_CODE;
	tss_slot[0] = TSS_AVAILABLE | TSS_LIMIT | (tss & 0xffffff) << 16 | (tss >> 24 & 0xff) << 56;
	tss_slot[1] = tss >> 32;
}
