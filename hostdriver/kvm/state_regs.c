// SPDX-License-Identifier: GPL-2.0-only
/* KVM_GET/SET_REGS and KVM_GET/SET_DEBUGREGS. */
#include <linux/kvm.h>
#include <linux/string.h>
#include <asm/processor-flags.h>

#include "hostdriver/kvm/state.h"
#include "hostdriver/vm/vcpu.h"

/* The register with the given encoding; struct kvm_regs has another order: rax rbx rcx rdx rsi rdi rsp rbp r8... */
static u64 *register_of(struct kvm_regs *regs, int encoding)
{
	static const u8 position[8] = { 0, 2, 3, 1, 6, 7, 4, 5 };

	return (u64 *)regs + (encoding < 8 ? position[encoding] : encoding);
}

#define RFLAGS_DEFINED                                                                                          \
	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | X86_EFLAGS_SF | X86_EFLAGS_TF |         \
	 X86_EFLAGS_IF | X86_EFLAGS_DF | X86_EFLAGS_OF | X86_EFLAGS_IOPL | X86_EFLAGS_NT | X86_EFLAGS_RF |        \
	 X86_EFLAGS_VM | X86_EFLAGS_AC | X86_EFLAGS_VIF | X86_EFLAGS_VIP | X86_EFLAGS_ID)

#define DR6_FIXED 0xffff0ff0ULL
#define DR6_WRITABLE 0xe00fULL
#define DR7_FIXED 0x400ULL
#define DR7_WRITABLE 0xffff2bffULL

int ring1_get_regs(void *object, void *data)
{
	const struct ring1_cpu_state *cpu = &((struct ring1_vcpu *)object)->shared->cpu;
	struct kvm_regs *regs = data;
	int i;

	for (i = 0; i < 16; i++)
		*register_of(regs, i) = cpu->gpr[i];
	regs->rip = cpu->rip;
	regs->rflags = cpu->rflags;
	return 0;
}

int ring1_set_regs(void *object, void *data)
{
	struct ring1_vcpu *vcpu = object;
	struct ring1_cpu_state *cpu = &vcpu->shared->cpu;
	struct kvm_regs *regs = data;
	int i;

	for (i = 0; i < 16; i++)
		cpu->gpr[i] = *register_of(regs, i);
	cpu->rip = regs->rip;
	cpu->rflags = (regs->rflags & RFLAGS_DEFINED) | X86_EFLAGS_FIXED;
	vcpu->state_written = true;
	return 0;
}

int ring1_get_debugregs(void *object, void *data)
{
	const struct ring1_cpu_state *cpu = &((struct ring1_vcpu *)object)->shared->cpu;
	struct kvm_debugregs *regs = data;

	memcpy(regs->db, cpu->dr, sizeof(regs->db));
	regs->dr6 = cpu->dr[6];
	regs->dr7 = cpu->dr[7];
	return 0;
}

int ring1_set_debugregs(void *object, void *data)
{
	struct ring1_vcpu *vcpu = object;
	struct ring1_cpu_state *cpu = &vcpu->shared->cpu;
	const struct kvm_debugregs *regs = data;

	if (regs->flags || regs->dr6 >> 32 || regs->dr7 >> 32)
		return -EINVAL;
	memcpy(cpu->dr, regs->db, sizeof(regs->db));
	cpu->dr[6] = (regs->dr6 & DR6_WRITABLE) | DR6_FIXED;
	cpu->dr[7] = (regs->dr7 & DR7_WRITABLE) | DR7_FIXED;
	vcpu->state_written = true;
	return 0;
}
