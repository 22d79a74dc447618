/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Assembly macro: the whole handler of an NMI or machine check that struck ring-0 code on the monitor's stack.
 * Sets the pending word in the switch page and returns without IRET, which would unblock NMIs: a second one would
 * then overwrite the host's frame when the first is replayed there (docs/races.md).
 *
 * The frame is RIP CS RFLAGS RSP SS. RIP, RFLAGS and RAX are copied right below the interrupted RSP, where nothing
 * of value lies as this code has no red zone, and POP, POPFQ, RET leave the stack as it was.
 */
#include "switch.h"

#ifndef RING1_RETURN
#define RING1_RETURN ret
#endif

/* Back to ring 0, without IRET. RCX and RAX are on the stack, the frame is above them. */
.macro resume_ring0
	movq	40(%rsp), %rax		/* interrupted RSP */
	movq	16(%rsp), %rcx
	movq	%rcx, -8(%rax)		/* RIP */
	movq	32(%rsp), %rcx
	movq	%rcx, -16(%rax)		/* RFLAGS */
	movq	8(%rsp), %rcx
	movq	%rcx, -24(%rax)		/* RAX */
	movq	(%rsp), %rcx
	leaq	-24(%rax), %rsp
	popq	%rax
	popfq
	RING1_RETURN
.endm

.macro note_pending offset
	pushq	%rax
	pushq	%rcx
	movq	%rsp, %rax
	andq	$-RING1_STACK_BYTES, %rax
	movq	(%rax), %rax		/* the switch page */
	movl	$1, \offset(%rax)
	resume_ring0
.endm
