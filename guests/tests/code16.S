/* SPDX-License-Identifier: GPL-2.0-only */
/* 16-bit code of protected mode; its segment begins at code16. */
	.text
	.balign 16
	.globl code16, code16_arithmetic, code16_faults, code16_loop, code16_stack
	.code16
code16:

	/* EAX is what 32-bit registers, 16-bit calls and stack words make of it. */
code16_arithmetic:
	movw $0xffff, %ax
	addw $2, %ax			/* 1, carry */
	adcw $0, %ax			/* 2 */
	call near_function
	pushw %ax
	popw %cx
	addw %cx, %ax
	movzwl %ax, %eax
	addl $0x10000, %eax
	lretl
near_function:
	addw $5, %ax
	ret

	/* An undefined instruction and a software interrupt on the way. */
code16_faults:
	xorl %eax, %eax
	ud2
	addl $1, %eax
	int $0x60
	addl $2, %eax
	lretl

code16_loop:
	xorl %eax, %eax
	movl $200000, %ecx
1:	incl %eax
	decl %ecx
	jnz 1b
	lretl

	/* On a 16-bit stack in the selector DX; the upper half of ESP must survive. */
code16_stack:
	movw %ss, %si
	movl %esp, %ebp
	movw %dx, %ss
	movl $0x00007000, %esp
	pushw $0x1234
	pushl $0x56789abc
	int $0x60
	popl %eax
	popw %cx
	subw $0x1234, %cx
	addw %cx, %ax
	movw %si, %ss
	movl %ebp, %esp
	lretl

	.section .note.GNU-stack, "", @progbits
