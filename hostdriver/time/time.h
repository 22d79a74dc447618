/* SPDX-License-Identifier: GPL-2.0-only */
/* A vCPU's time: its deadline, the TSC it lives in, when it stands still, and what others took of it. */
#ifndef RING1_TIME_H
#define RING1_TIME_H

#include <linux/types.h>

struct ring1_vcpu;

/* timer.c */
void ring1_timer_init(struct ring1_vcpu *vcpu);
void ring1_timer_update(struct ring1_vcpu *vcpu);

/* sleep.c */
void ring1_sleep_init(void);
void ring1_sleep_exit(void);
void ring1_sleep_vcpu_init(struct ring1_vcpu *vcpu);
void ring1_sleep_follow(struct ring1_vcpu *vcpu);
u64 ring1_vcpu_tsc(const struct ring1_vcpu *vcpu);

/* vtime.c */
void ring1_vtime_stop(struct ring1_vcpu *vcpu);
void ring1_vtime_account(struct ring1_vcpu *vcpu);
void ring1_vtime_resume(struct ring1_vcpu *vcpu);
u64 ring1_vtime_tsc(const struct ring1_vcpu *vcpu);

/* steal.c */
void ring1_steal_account(struct ring1_vcpu *vcpu);
void ring1_steal_waited(struct ring1_vcpu *vcpu, u64 since);

#endif
