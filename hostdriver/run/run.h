/* SPDX-License-Identifier: GPL-2.0-only */
/* KVM_RUN, and what it tells user space in struct kvm_run. */
#ifndef RING1_RUN_H
#define RING1_RUN_H

struct ring1_vcpu;

/* run.c */
int ring1_vcpu_run(struct ring1_vcpu *vcpu);

/* exit.c; the vCPU is owned. */
int ring1_exit_report(struct ring1_vcpu *vcpu);
void ring1_exit_report_dead(struct ring1_vcpu *vcpu);
void ring1_exit_answer(struct ring1_vcpu *vcpu);

#endif
