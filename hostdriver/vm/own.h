/* SPDX-License-Identifier: GPL-2.0-only */
/* Who owns a vCPU. */
#ifndef RING1_OWN_H
#define RING1_OWN_H

struct ring1_vcpu;
struct ring1_vm;

/* Brings the vCPU's thread to where it looks at what changed. */
void ring1_vcpu_notify(struct ring1_vcpu *vcpu);

/* Takes the mutex, also from KVM_RUN, which steps aside. 0, or -EINTR for the dying. */
int ring1_vcpu_own(struct ring1_vcpu *vcpu);
void ring1_vcpu_disown(struct ring1_vcpu *vcpu);

/* All of them; vm->lock is held. */
int ring1_vm_own_vcpus(struct ring1_vm *vm);
void ring1_vm_disown_vcpus(struct ring1_vm *vm);

#endif
