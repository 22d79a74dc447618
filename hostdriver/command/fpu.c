// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's FPU state lives in the processor while KVM_RUN is inside, and in a container of the kernel's otherwise.
 */
#include <asm/fpu/api.h>

#include "hostdriver/command/command.h"
#include "hostdriver/vm/vcpu.h"

int ring1_fpu_create(struct ring1_vcpu *vcpu)
{
	return fpu_alloc_guest_fpstate(&vcpu->fpu) ? 0 : -ENOMEM;
}

void ring1_fpu_free(struct ring1_vcpu *vcpu)
{
	if (vcpu->fpu.fpstate)
		fpu_free_guest_fpstate(&vcpu->fpu);
}

void ring1_fpu_load(struct ring1_vcpu *vcpu)
{
	fpu_swap_kvm_fpstate(&vcpu->fpu, true);
	vcpu->fpu_loaded = true;
}

void ring1_fpu_put(struct ring1_vcpu *vcpu)
{
	fpu_swap_kvm_fpstate(&vcpu->fpu, false);
	vcpu->fpu_loaded = false;
}
