/* SPDX-License-Identifier: GPL-2.0-only */
/* What can be seen from outside: counters, and debugfs. */
#ifndef RING1_WATCH_H
#define RING1_WATCH_H

#include <linux/types.h>

#include "include/ring1/stats.h"

struct ring1_vcpu;
struct ring1_vm;

/* stats.c */
#define RING1_STAT_COUNT (sizeof(struct ring1_stats) / sizeof(u64))
extern const char *const ring1_stat_names[RING1_STAT_COUNT];
int ring1_stats_fd(struct ring1_vm *vm, struct ring1_vcpu *vcpu);
void ring1_stats_read(struct ring1_vm *vm, struct ring1_vcpu *vcpu, u64 values[RING1_STAT_COUNT]);

/* debugfs.c */
void ring1_debugfs_init(void);
void ring1_debugfs_exit(void);
void ring1_debugfs_add_vm(struct ring1_vm *vm, int fd);
void ring1_debugfs_add_vcpu(struct ring1_vcpu *vcpu);

#endif
