/* SPDX-License-Identifier: GPL-2.0-only */
/* State of a vCPU from and to user space; the vCPU is owned, but where __user stands. */
#ifndef RING1_STATE_H
#define RING1_STATE_H

#include <linux/types.h>

struct kvm_cpuid2;
struct kvm_msr_list;
struct kvm_msrs;
struct ring1_vcpu;

/* state_regs.c, state_sregs.c, state_fpu.c */
int ring1_get_regs(void *vcpu, void *regs);
int ring1_set_regs(void *vcpu, void *regs);
int ring1_get_debugregs(void *vcpu, void *regs);
int ring1_set_debugregs(void *vcpu, void *regs);
int ring1_get_sregs(void *vcpu, void *sregs);
int ring1_set_sregs(void *vcpu, void *sregs);
int ring1_get_fpu(void *vcpu, void *fpu);
int ring1_set_fpu(void *vcpu, void *fpu);

/* state_events.c */
int ring1_get_events(void *vcpu, void *events);
int ring1_set_events(void *vcpu, void *events);
int ring1_get_mp_state(void *vcpu, void *state);
int ring1_set_mp_state(void *vcpu, void *state);
int ring1_inject_interrupt(void *vcpu, void *interrupt);
int ring1_inject_nmi(void *vcpu, void *unused);

/* state_cpuid.c, msr.c */
int ring1_set_cpuid2(struct ring1_vcpu *vcpu, struct kvm_cpuid2 __user *argp);
int ring1_get_cpuid2(struct ring1_vcpu *vcpu, struct kvm_cpuid2 __user *argp);
int ring1_get_msr_index_list(struct kvm_msr_list __user *argp);
long ring1_msrs(struct ring1_vcpu *vcpu, struct kvm_msrs __user *argp, bool write);

#endif
