// SPDX-License-Identifier: GPL-2.0-only
/* KVM_GET/SET_SREGS: segments, descriptor tables, control registers and the interrupt on its way. */
#include <linux/bitops.h>
#include <linux/kvm.h>
#include <linux/string.h>
#include <asm/processor-flags.h>

#include "hostdriver/kvm/state.h"
#include "hostdriver/vm/vcpu.h"
#include "include/ring1/msr_list.h"

enum { ES, CS, SS, DS, FS, GS };

#define CR0_DEFINED                                                                                          \
	(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_ET | X86_CR0_NE | X86_CR0_WP | X86_CR0_AM | \
	 X86_CR0_NW | X86_CR0_CD | X86_CR0_PG)
/* What KVM_GET_SUPPORTED_CPUID offers the use of, and MCE and PCE, which do no harm. */
#define CR4_SUPPORTED                                                                                        \
	(X86_CR4_TSD | X86_CR4_DE | X86_CR4_PSE | X86_CR4_PAE | X86_CR4_MCE | X86_CR4_PGE | X86_CR4_PCE | \
	 X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT)

static void get_segment(const struct ring1_segment *from, struct kvm_segment *to)
{
	u32 access = from->access;

	*to = (struct kvm_segment){
		.base = from->base,
		.limit = from->limit,
		.selector = from->selector,
		.type = access & RING1_AR_TYPE_MASK,
		.s = !!(access & RING1_AR_S),
		.dpl = (access & RING1_AR_DPL_MASK) >> RING1_AR_DPL_SHIFT,
		.present = !!(access & RING1_AR_P),
		.avl = !!(access & RING1_AR_AVL),
		.l = !!(access & RING1_AR_L),
		.db = !!(access & RING1_AR_DB),
		.g = !!(access & RING1_AR_G),
		.unusable = !!(access & RING1_AR_UNUSABLE),
	};
}

/* The L bit is kept of code only: in data segments it is available to software, and nothing here may build on it. */
static void set_segment(const struct kvm_segment *from, struct ring1_segment *to)
{
	bool unusable = from->unusable || !from->present;
	bool long_code = from->l && from->s && (from->type & RING1_AR_CODE);

	*to = (struct ring1_segment){
		.base = from->base,
		.limit = from->limit,
		.selector = from->selector,
		.access = (from->type & RING1_AR_TYPE_MASK) | (from->s ? RING1_AR_S : 0) |
			  (from->dpl & 3) << RING1_AR_DPL_SHIFT | (from->present ? RING1_AR_P : 0) |
			  (from->avl ? RING1_AR_AVL : 0) | (long_code ? RING1_AR_L : 0) | (from->db ? RING1_AR_DB : 0) | (from->g ? RING1_AR_G : 0) |
			  (unusable ? RING1_AR_UNUSABLE : 0),
	};
}

/* Under paging LME, LMA and PAE go together; nowhere else can there be 64-bit code (SDM 3A 2.2.1, 4.1.2). */
static bool valid_mode(const struct kvm_sregs *sregs, bool long_mode, u8 physical_bits)
{
	if (!ring1_efer_valid(sregs->efer, long_mode))
		return false;
	if ((sregs->efer & EFER_LME) && (sregs->cr0 & X86_CR0_PG))
		return (sregs->cr4 & X86_CR4_PAE) && (sregs->efer & EFER_LMA) && !(sregs->cr3 >> physical_bits);
	return !(sregs->efer & EFER_LMA) && !sregs->cs.l && !(sregs->cr3 >> 32);
}

static bool valid_control(const struct kvm_sregs *sregs, u8 physical_bits)
{
	u64 cr0 = sregs->cr0;

	if (cr0 & ~(u64)CR0_DEFINED)
		return false;
	if ((cr0 & X86_CR0_PG) && !(cr0 & X86_CR0_PE))
		return false;
	if ((cr0 & X86_CR0_NW) && !(cr0 & X86_CR0_CD))
		return false;
	return !(sregs->cr4 & ~(u64)CR4_SUPPORTED) && sregs->cr8 <= 15 &&
	       ring1_msr_rule_APIC_BASE(sregs->apic_base, physical_bits);
}

/* Without long mode there are 32 bits of linear address; with it these registers, and no others, hold 64. */
static bool valid_bases(const struct kvm_sregs *sregs, bool long_mode)
{
	const u64 narrow = sregs->cs.base | sregs->ds.base | sregs->es.base | sregs->ss.base;
	const u64 wide[] = { sregs->fs.base, sregs->gs.base, sregs->tr.base, sregs->ldt.base, sregs->gdt.base,
			     sregs->idt.base };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wide); i++)
		if (long_mode ? !ring1_msr_rule_CANONICAL(wide[i], 0) : wide[i] >> 32)
			return false;
	return !(narrow >> 32);
}

int ring1_get_sregs(void *object, void *data)
{
	const struct ring1_vcpu *vcpu = object;
	const struct ring1_cpu_state *cpu = &vcpu->shared->cpu;
	struct kvm_sregs *sregs = data;

	get_segment(&cpu->seg[CS], &sregs->cs);
	get_segment(&cpu->seg[DS], &sregs->ds);
	get_segment(&cpu->seg[ES], &sregs->es);
	get_segment(&cpu->seg[FS], &sregs->fs);
	get_segment(&cpu->seg[GS], &sregs->gs);
	get_segment(&cpu->seg[SS], &sregs->ss);
	get_segment(&cpu->tr, &sregs->tr);
	get_segment(&cpu->ldtr, &sregs->ldt);
	sregs->gdt.base = cpu->gdtr.base;
	sregs->gdt.limit = cpu->gdtr.limit;
	sregs->idt.base = cpu->idtr.base;
	sregs->idt.limit = cpu->idtr.limit;
	sregs->cr0 = cpu->cr0;
	sregs->cr2 = cpu->cr2;
	sregs->cr3 = cpu->cr3;
	sregs->cr4 = cpu->cr4;
	sregs->cr8 = cpu->cr8;
	sregs->efer = cpu->efer;
	sregs->apic_base = cpu->apic_base;
	if (cpu->event.valid && !cpu->event.is_exception && !cpu->event.is_software)
		__set_bit(cpu->event.vector, (unsigned long *)sregs->interrupt_bitmap);
	return 0;
}

int ring1_set_sregs(void *object, void *data)
{
	struct ring1_vcpu *vcpu = object;
	struct ring1_cpu_state *cpu = &vcpu->shared->cpu;
	const struct kvm_sregs *sregs = data;
	const bool long_mode = vcpu->shared->config.long_mode;
	const u8 physical_bits = vcpu->shared->config.physical_bits;
	unsigned long vector;

	if (!valid_control(sregs, physical_bits) || !valid_mode(sregs, long_mode, physical_bits) || !valid_bases(sregs, long_mode))
		return -EINVAL;
	set_segment(&sregs->cs, &cpu->seg[CS]);
	set_segment(&sregs->ds, &cpu->seg[DS]);
	set_segment(&sregs->es, &cpu->seg[ES]);
	set_segment(&sregs->fs, &cpu->seg[FS]);
	set_segment(&sregs->gs, &cpu->seg[GS]);
	set_segment(&sregs->ss, &cpu->seg[SS]);
	set_segment(&sregs->tr, &cpu->tr);
	set_segment(&sregs->ldt, &cpu->ldtr);
	cpu->gdtr = (struct ring1_table_register){ .base = sregs->gdt.base, .limit = sregs->gdt.limit };
	cpu->idtr = (struct ring1_table_register){ .base = sregs->idt.base, .limit = sregs->idt.limit };
	cpu->cr0 = sregs->cr0 | X86_CR0_ET;
	cpu->cr2 = sregs->cr2;
	cpu->cr3 = sregs->cr3;
	cpu->cr4 = sregs->cr4;
	cpu->cr8 = sregs->cr8;
	cpu->efer = sregs->efer;
	cpu->apic_base = sregs->apic_base;
	vector = find_first_bit((const unsigned long *)sregs->interrupt_bitmap, KVM_NR_INTERRUPTS);
	if (vector < KVM_NR_INTERRUPTS)
		cpu->event = (struct ring1_pending_event){ .valid = 1, .vector = vector };
	vcpu->state_written = true;
	return 0;
}
