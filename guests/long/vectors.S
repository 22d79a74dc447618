/* SPDX-License-Identifier: GPL-2.0-only */
/* One stub per vector; all leave the same frame (kernel.h). */
	.text
	.balign 16
	.globl vector_stubs
vector_stubs:
	.set vector, 0
	.rept 256
	.balign 16
	/* These push an error code by themselves (APM 2 8.2). */
	.if vector != 8 && !(vector >= 10 && vector <= 14) && vector != 17
	pushq $0
	.endif
	pushq $vector
	jmp common
	.set vector, vector + 1
	.endr

common:
	pushq %rax
	pushq %rcx
	pushq %rdx
	pushq %rbx
	pushq %rbp
	pushq %rsi
	pushq %rdi
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	cld
	movq %rsp, %rdi
	call guest_dispatch
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rdi
	popq %rsi
	popq %rbp
	popq %rbx
	popq %rdx
	popq %rcx
	popq %rax
	addq $16, %rsp
	iretq

/* void enter_user(rip, rsp, rflags, cs, ss): returns when resume_kernel() is called inside a handler. */
	.globl enter_user
enter_user:
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, kernel_rsp
	pushq %r8
	pushq %rsi
	pushq %rdx
	pushq %rcx
	pushq %rdi
	iretq

	.globl resume_kernel
resume_kernel:
	movq kernel_rsp, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	ret

	.data
	.balign 8
kernel_rsp:
	.quad 0

	.section .note.GNU-stack, "", @progbits
