/* SPDX-License-Identifier: GPL-2.0-only */
/* What the host does against speculation across the borders of its guests (speculation.c). */
#ifndef RING1_SPECULATION_H
#define RING1_SPECULATION_H

#include "include/ring1/vcpu_shared.h"

struct ring1_switch;

void ring1_speculation_init(void);
void ring1_speculation_exit(void);
/* For a new world: what switch.S does in it, and a number of its own. */
void ring1_speculation_world(struct ring1_switch *sw, enum ring1_engine engine);
/* Interrupts are off, and the world is entered next. */
void ring1_speculation_enter(const struct ring1_switch *sw);
/* KVM_RUN returns; on the processor where the guest ran last. */
void ring1_speculation_to_user(enum ring1_engine engine);

#endif
