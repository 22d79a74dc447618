/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Assembly, for switch.S: what has to stand right where a world is entered and left (speculation.c says why). RDI is the
 * switch page. RAX, RCX and RDX are lost.
 */
#ifndef RING1_SPECULATION_ASM_H
#define RING1_SPECULATION_ASM_H

#include <asm/segment.h>

#include "include/ring1/switch.h"

#define RSB_ENTRIES 32
#define BRANCH_HISTORY 200 /* taken branches; 194 is the most that a processor remembers */

/* In the monitor's world, when nothing of the host's is loaded any more. The transition GDT has the host's segments. */
.macro speculation_entered
	testl	$RING1_SPECULATION_BUFFERS, RING1_SW_SPECULATION(%rdi)
	jz	.Lentered\@
	pushq	$__KERNEL_DS
	verw	(%rsp)
	popq	%rax
.Lentered\@:
.endm

/* On the host's stack, under its IDT, before the first return. Whatever is decided by prediction here ends at an LFENCE. */
.macro speculation_left
	testl	$RING1_SPECULATION_PREDICTORS, RING1_SW_SPECULATION(%rdi)
	jz	.Lpredictors\@
	movl	$0x49, %ecx /* IA32_PRED_CMD */
	movl	RING1_SW_PREDICTOR_COMMAND(%rdi), %eax
	xorl	%edx, %edx
	wrmsr
.Lpredictors\@:
	testl	$RING1_SPECULATION_HISTORY, RING1_SW_SPECULATION(%rdi)
	jz	.Lhistory\@
	movl	$(BRANCH_HISTORY / 2), %ecx
.Lbranch\@:
	jmp	.Lcount\@
	int3
.Lcount\@:
	decl	%ecx
	jnz	.Lbranch\@
.Lhistory\@:
	testl	$RING1_SPECULATION_RETURNS, RING1_SW_SPECULATION(%rdi)
	jz	.Lreturns\@
	movl	$(RSB_ENTRIES / 2), %ecx
.Lfill\@:
	ANNOTATE_INTRA_FUNCTION_CALL
	call	.Lfirst\@
	int3
.Lfirst\@:
	ANNOTATE_INTRA_FUNCTION_CALL
	call	.Lsecond\@
	int3
.Lsecond\@:
	addq	$16, %rsp
	decl	%ecx
	jnz	.Lfill\@
.Lreturns\@:
	lfence
.endm

#endif
