// SPDX-License-Identifier: GPL-2.0-only
/* The state of a processor after power-up (SDM 3A 9.1.1). */
#include <linux/string.h>
#include <asm/msr.h>

#include "hostdriver/life/life.h"
#include "hostdriver/vm/vcpu.h"

#define DATA_ACCESS (RING1_AR_ACCESSED | RING1_AR_WRITABLE | RING1_AR_S | RING1_AR_P)
#define LDT_ACCESS (2 | RING1_AR_P)
#define BUSY_TSS_ACCESS (11 | RING1_AR_P)

#define FAMILY_6 0x600
#define MISC_ENABLE_NO_BTS_PEBS 0x1800

static struct ring1_segment segment(u32 access)
{
	return (struct ring1_segment){ .limit = 0xffff, .access = access };
}

void ring1_state_reset(struct ring1_vcpu *vcpu)
{
	struct ring1_cpu_state *cpu = &vcpu->shared->cpu;
	int i;

	memset(cpu, 0, sizeof(*cpu));
	for (i = 0; i < 6; i++)
		cpu->seg[i] = segment(DATA_ACCESS);
	cpu->seg[1] = segment(DATA_ACCESS | RING1_AR_CODE);
	cpu->seg[1].selector = 0xf000;
	cpu->seg[1].base = 0xffff0000;
	cpu->ldtr = segment(LDT_ACCESS);
	cpu->tr = segment(BUSY_TSS_ACCESS);
	cpu->gdtr.limit = 0xffff;
	cpu->idtr.limit = 0xffff;
	cpu->rip = 0xfff0;
	cpu->rflags = X86_EFLAGS_FIXED;
	cpu->gpr[2] = FAMILY_6; /* EDX: signature */
	cpu->cr0 = X86_CR0_CD | X86_CR0_NW | X86_CR0_ET;
	cpu->xcr0 = 1;
	cpu->dr[6] = 0xffff0ff0;
	cpu->dr[7] = 0x400;
	cpu->pat = 0x0007040600070406ULL;
	cpu->misc_enable = MISC_ENABLE_NO_BTS_PEBS;
	cpu->apic_base = 0xfee00000 | BIT(11) /* enabled */ | (vcpu->id ? 0 : BIT(8) /* boot processor */);
	cpu->tsc_offset = -rdtsc();
	cpu->mp_state = vcpu->id ? RING1_MP_WAIT_INIT : RING1_MP_RUNNABLE;
	vcpu->state_written = true;
}
