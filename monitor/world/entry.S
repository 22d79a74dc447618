/* SPDX-License-Identifier: GPL-2.0-only */
/* The first switch "returns" here, with the switch page in RDI and an empty stack. */
	.text
	.globl	ring1_monitor_entry
ring1_monitor_entry:
	xorl	%ebp, %ebp
	subq	$8, %rsp
	andq	$-16, %rsp
	call	ring1_monitor_main
	ud2
