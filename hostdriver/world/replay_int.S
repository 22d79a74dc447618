/* SPDX-License-Identifier: GPL-2.0-only */
/* void ring1_replay(unsigned int vector): runs the host's handler as if the interrupt struck now. */
#include "hostdriver/world/bare_ret.h"

	.text
	.globl	ring1_replay
	.type	ring1_replay, @function
ring1_replay:
	movl	%edi, %edi
	leaq	ring1_replay_table(%rip), %rax
	leaq	(%rax,%rdi,4), %rax
	ANNOTATE_INTRA_FUNCTION_CALL
	call	1f
1:	movq	%rax, (%rsp)	/* a RET-based jump: no retpoline needed, no register clobbered in the handler */
	bare_ret
	.size	ring1_replay, . - ring1_replay
	STACK_FRAME_NON_STANDARD ring1_replay

	.balign	4
ring1_replay_table:
	.set	vector, 0
	.rept	256
	.if	vector == 3
	.byte	0xcd, 3		/* the two-byte form: INT3 has one byte */
	.else
	int	$vector
	.endif
	bare_ret
	.balign	4, 0xcc
	.set	vector, vector + 1
	.endr
