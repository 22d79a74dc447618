/* SPDX-License-Identifier: GPL-2.0-only */
/* From a multiboot-1 loader into 64-bit mode (APM 2 14.8): everything below 4 GiB mapped where it is, for all rings. */
#define MULTIBOOT_MAGIC 0x1badb002
#define STACK_BYTES 0x10000
#define USER_TABLE 7	/* present, writable, user */
#define USER_LARGE 0x87
#define CR4_PAE 0x20
#define MSR_EFER 0xc0000080
#define EFER_LME 0x100
#define CR0_PG 0x80000000
#define FEATURE_LM 29	/* CPUID 0x80000001 EDX */

	.section .multiboot, "a"
	.balign 4
	.long MULTIBOOT_MAGIC
	.long 0
	.long -MULTIBOOT_MAGIC

	.text
	.code32
	.globl _start
_start:
	cld
	cli
	movl $stack_top, %esp
	movl %eax, %esi
	movl %ebx, %edi
	movl $0x80000000, %eax
	cpuid
	cmpl $0x80000001, %eax
	jb 9f
	movl $0x80000001, %eax
	cpuid
	btl $FEATURE_LM, %edx
	jnc 9f
	/* One entry of the first level, four of the second, the third in large pages. */
	movl $pointer_table + USER_TABLE, top_table
	movl $pointer_table, %ebx
	movl $directories + USER_TABLE, %eax
	movl $4, %ecx
1:	movl %eax, (%ebx)
	addl $0x1000, %eax
	addl $8, %ebx
	loop 1b
	movl $directories, %ebx
	movl $USER_LARGE, %eax
	movl $4 * 512, %ecx
2:	movl %eax, (%ebx)
	addl $0x200000, %eax
	addl $8, %ebx
	loop 2b
	movl $CR4_PAE, %eax
	movl %eax, %cr4
	movl $top_table, %eax
	movl %eax, %cr3
	movl $MSR_EFER, %ecx
	rdmsr
	orl $EFER_LME, %eax
	wrmsr
	movl %cr0, %eax
	orl $CR0_PG, %eax
	movl %eax, %cr0
	lgdt first_gdt_pointer
	ljmp $8, $3f
	/* A final line without any result is no pass. */
9:	movw $0xf4, %dx
	movl $3, %eax
	outl %eax, %dx
	hlt
	jmp 9b

	.code64
3:	xorl %eax, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl %eax, %fs
	movl %eax, %gs
	movl $stack_top, %esp
	call guest_start
4:	hlt
	jmp 4b

	.section .rodata
	.balign 8
first_gdt:
	.quad 0, 0x00af9b000000ffff
first_gdt_pointer:
	.word 15
	.long first_gdt

	.bss
	.balign 4096
	.globl top_table
top_table:
	.space 0x1000
pointer_table:
	.space 0x1000
directories:
	.space 0x4000
	.space STACK_BYTES
stack_top:

	.section .note.GNU-stack, "", @progbits
