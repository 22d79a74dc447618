// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET/SET_FPU. The kernel converts the guest's state to and from the standard layout of XSAVE, whose first 512 bytes
 * are the FXSAVE image we speak.
 */
#include <linux/kvm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/fpu/api.h>

#include "hostdriver/kvm/state.h"
#include "hostdriver/vm/vcpu.h"

#define BUFFER_SIZE 4096

static struct fxregs_state *standard_image(struct ring1_vcpu *vcpu, u32 *size)
{
	struct fxregs_state *image;

	*size = max_t(u32, BUFFER_SIZE, vcpu->fpu.uabi_size);
	image = kzalloc(*size, GFP_KERNEL_ACCOUNT);
	if (image)
		fpu_copy_guest_fpstate_to_uabi(&vcpu->fpu, image, *size, vcpu->fpu.fpstate->user_xfeatures, 0);
	return image;
}

int ring1_get_fpu(void *object, void *data)
{
	struct kvm_fpu *fpu = data;
	struct fxregs_state *image;
	u32 size;

	image = standard_image(object, &size);
	if (!image)
		return -ENOMEM;
	memcpy(fpu->fpr, image->st_space, sizeof(fpu->fpr));
	fpu->fcw = image->cwd;
	fpu->fsw = image->swd;
	fpu->ftwx = image->twd;
	fpu->last_opcode = image->fop;
	fpu->last_ip = image->rip;
	fpu->last_dp = image->rdp;
	memcpy(fpu->xmm, image->xmm_space, sizeof(fpu->xmm));
	fpu->mxcsr = image->mxcsr;
	kfree(image);
	return 0;
}

/* The kernel refuses an MXCSR with bits the processor lacks. */
int ring1_set_fpu(void *object, void *data)
{
	struct ring1_vcpu *vcpu = object;
	const struct kvm_fpu *fpu = data;
	struct fxregs_state *image;
	u32 pkru = 0, size;
	int ret;

	image = standard_image(vcpu, &size);
	if (!image)
		return -ENOMEM;
	memcpy(image->st_space, fpu->fpr, sizeof(fpu->fpr));
	image->cwd = fpu->fcw;
	image->swd = fpu->fsw;
	image->twd = fpu->ftwx;
	image->fop = fpu->last_opcode;
	image->rip = fpu->last_ip;
	image->rdp = fpu->last_dp;
	memcpy(image->xmm_space, fpu->xmm, sizeof(fpu->xmm));
	image->mxcsr = fpu->mxcsr;
	((struct xregs_state *)image)->header.xfeatures |= XFEATURE_MASK_FPSSE;
	ret = fpu_copy_uabi_to_guest_fpstate(&vcpu->fpu, image, vcpu->fpu.fpstate->user_xfeatures, &pkru);
	kfree(image);
	return ret;
}
