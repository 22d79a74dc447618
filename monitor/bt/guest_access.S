/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's linear memory as the monitor itself sees it: both share the lower 4 GiB, and at ring 0 the shadow tables give what
 * they give the guest's kernel. What they do not give is no fault of the monitor's here.
 *
 *   bool ring1_guest_load(u32 *to, u32 linear, u64 words)           of 4 bytes each
 *   bool ring1_guest_store(u32 linear, const u32 *from, u64 words)
 *
 * False: something faulted, CR2 says where, and part of it may be done.
 */
#include "monitor/world/entry_window.h"
#include "monitor/bt/trap_block.h"

	.text
	.globl	ring1_guest_load
	.type	ring1_guest_load, @function
ring1_guest_load:
	movl	%esi, %esi
access_begin:
1:	movl	-4(%rsi,%rdx,4), %eax
	movl	%eax, -4(%rdi,%rdx,4)
	decq	%rdx
	jnz	1b
	movl	$1, %eax
	ret
	.size	ring1_guest_load, . - ring1_guest_load

	.globl	ring1_guest_store
	.type	ring1_guest_store, @function
ring1_guest_store:
	movl	%edi, %edi
2:	movl	-4(%rsi,%rdx,4), %eax
	movl	%eax, -4(%rdi,%rdx,4)
	decq	%rdx
	jnz	2b
	movl	$1, %eax
	ret
	.size	ring1_guest_store, . - ring1_guest_store
access_end:
	window fault, access_begin, access_end, failed

/* RDI: the registers at the fault (trap_block.h). */
failed:
	movq	TB_RSP(%rdi), %rsp
	xorl	%eax, %eax
	ret
