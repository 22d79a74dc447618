/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Assembly: a return that does not go through the kernel's thunk. The thunk is not mapped in the monitor's world, and where
 * the way back to the host ends there is nothing in the processor's return predictor that is not the host's own
 * (speculation.c). INT3 stops what a processor may execute behind it all the same.
 */
#ifndef RING1_BARE_RET_H
#define RING1_BARE_RET_H

#include <linux/objtool.h>
#include <asm/ibt.h>
#include <asm/nospec-branch.h>

.macro bare_ret
	ANNOTATE_UNRET_SAFE
	ret
	int3
.endm

#define RING1_RETURN bare_ret

#endif
