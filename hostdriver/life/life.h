/* SPDX-License-Identifier: GPL-2.0-only */
/* Birth and end of a VM and of its vCPUs. */
#ifndef RING1_LIFE_H
#define RING1_LIFE_H

#include <linux/types.h>

struct ring1_vcpu;
struct ring1_vm;

#define RING1_IDENTITY_MAP 0xfffbc000ULL /* KVM's default */

/* vm.c: a VM of a machine type, with one reference, or ERR_PTR. */
struct ring1_vm *ring1_vm_create(unsigned long type);
void ring1_vm_get(struct ring1_vm *vm);
void ring1_vm_put(struct ring1_vm *vm);

/* vcpu.c: a vCPU that its VM does not know yet, or ERR_PTR; then the VM has it. vm->lock is held. */
struct ring1_vcpu *ring1_vcpu_create(struct ring1_vm *vm, u32 id);
void ring1_vcpu_install(struct ring1_vcpu *vcpu);
void ring1_vcpu_free(struct ring1_vcpu *vcpu);

/* config.c: module parameters, and what a monitor is told at its birth. */
extern unsigned int ring1_tc_size;
int ring1_config_check(void);
void ring1_config_fill(struct ring1_vcpu *vcpu);

/* reset.c */
void ring1_state_reset(struct ring1_vcpu *vcpu);

#endif
