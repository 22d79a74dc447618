/* SPDX-License-Identifier: GPL-2.0-only */
/* One stub per vector; all leave the same frame (exception.h). */
#define KERNEL_DATA 0x10

	.text
	.balign 16
	.globl vector_stubs
vector_stubs:
	.set vector, 0
	.rept 256
	.balign 16
	/* These push an error code by themselves (SDM 3A 6.13). */
	.if vector != 8 && !(vector >= 10 && vector <= 14) && vector != 17
	pushl $0
	.endif
	pushl $vector
	jmp common
	.set vector, vector + 1
	.endr

common:
	pushal
	pushl %ds
	pushl %es
	pushl %fs
	pushl %gs
	movl $KERNEL_DATA, %eax
	movl %eax, %ds
	movl %eax, %es
	cld
	pushl %esp
	call guest_dispatch
	addl $4, %esp
	.globl frame_return
frame_return:
	popl %gs
	popl %fs
	popl %es
	popl %ds
	popal
	addl $8, %esp
	iret

/* void enter_user(uint32_t eip, uint32_t esp, uint32_t eflags): returns when user code calls leave_user(). */
	.globl enter_user
enter_user:
	pushal
	movl %esp, kernel_esp
	movl 36(%esp), %eax
	movl 40(%esp), %ecx
	movl 44(%esp), %edx
	movl $0x23, %ebx
	movl %ebx, %ds
	movl %ebx, %es
	movl %ebx, %fs
	movl %ebx, %gs
	pushl %ebx
	pushl %ecx
	pushl %edx
	pushl $0x1b
	pushl %eax
	iret

/* Continues after enter_user(), from inside a handler. */
	.globl resume_kernel
resume_kernel:
	movl $KERNEL_DATA, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %fs
	movl %eax, %gs
	movl kernel_esp, %esp
	popal
	ret

	.data
	.globl kernel_esp
kernel_esp:
	.long 0

	.section .note.GNU-stack, "", @progbits
