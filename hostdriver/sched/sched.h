/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who of the vCPUs in KVM_RUN may enter the guest. Each processor has one slot and a queue of those who want it, under
 * the policies of sched/. A slot is a licence to run, not a place: a thread with a slot runs wherever the host's
 * scheduler puts it, and the host's own work preempts it as it does any thread.
 */
#ifndef RING1_HOST_SCHED_H
#define RING1_HOST_SCHED_H

#include <linux/types.h>

struct ring1_vcpu;
struct ring1_vm;
struct file_operations;

/* params.c */
int ring1_sched_init(void);
void ring1_sched_exit(void);
const char *ring1_sched_name(void);
void ring1_sched_vcpu_added(struct ring1_vcpu *vcpu); /* the VM has it now */
int ring1_sched_get(void *vm, void *settings);
int ring1_sched_set(void *vm, void *settings);
void ring1_sched_vm_init(struct ring1_vm *vm);
void ring1_sched_vm_free(struct ring1_vm *vm);

/* debugfs.c */
extern const struct file_operations ring1_sched_fops;

/* sched.c: a vCPU's way through KVM_RUN; the vCPU is owned. */
void ring1_sched_vcpu_init(struct ring1_vcpu *vcpu);
void ring1_sched_vcpu_free(struct ring1_vcpu *vcpu);
void ring1_sched_begin_run(struct ring1_vcpu *vcpu);
void ring1_sched_end_run(struct ring1_vcpu *vcpu);
/* Before HLT blocks. */
void ring1_sched_halt(struct ring1_vcpu *vcpu);
/* false: enter the guest. true: something happened meanwhile; look at what there is to do, and ask again. */
bool ring1_sched_wait(struct ring1_vcpu *vcpu);
/* Brings the statistics up to date. */
void ring1_sched_refresh(struct ring1_vcpu *vcpu);

#endif
