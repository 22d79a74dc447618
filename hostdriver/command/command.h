/* SPDX-License-Identifier: GPL-2.0-only */
/* The monitor's other end: entering it, what it asks for in every situation, its commands and its log. The vCPU is owned. */
#ifndef RING1_COMMAND_H
#define RING1_COMMAND_H

#include <linux/types.h>

#include "include/ring1/vcpu_shared.h"

struct file_operations;
struct ring1_vcpu;
struct ring1_vm;

/* Requests that rooms above serve, whatever the monitor was entered for. */
struct ring1_request_handlers {
	void (*pin)(struct ring1_vcpu *vcpu); /* RING1_REQUEST_PIN */
};
/* Before any vCPU. */
void ring1_command_init(const struct ring1_request_handlers *handlers);

/* command.c */
enum ring1_request ring1_vcpu_enter(struct ring1_vcpu *vcpu);
void ring1_vcpu_die(struct ring1_vcpu *vcpu, const char *reason);
int ring1_vcpu_command(struct ring1_vcpu *vcpu, u32 command);
void ring1_vm_command_range(struct ring1_vm *vm, u32 command, u64 gfn, u64 count, const char *failure);

/* fpu.c */
int ring1_fpu_create(struct ring1_vcpu *vcpu);
void ring1_fpu_free(struct ring1_vcpu *vcpu);
void ring1_fpu_load(struct ring1_vcpu *vcpu);
void ring1_fpu_put(struct ring1_vcpu *vcpu);

/* log.c */
extern const struct file_operations ring1_log_fops;
void ring1_log_panic(struct ring1_vcpu *vcpu);

#endif
