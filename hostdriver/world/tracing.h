/* SPDX-License-Identifier: GPL-2.0-only */
/* What the host's processor records by itself, and must not while a world is entered (tracing.c). Interrupts are off. */
#ifndef RING1_TRACING_H
#define RING1_TRACING_H

#include <linux/types.h>

struct ring1_tracing {
	u64 debugctl, pebs_enable, rtit_ctl;
};

void ring1_tracing_init(void);
void ring1_tracing_stop(struct ring1_tracing *saved);
void ring1_tracing_resume(const struct ring1_tracing *saved);

#endif
