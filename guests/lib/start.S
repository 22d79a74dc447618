/* SPDX-License-Identifier: GPL-2.0-only */
/* Entry from a multiboot-1 loader: 32-bit, flat, no paging, interrupts off. */
#define MULTIBOOT_MAGIC 0x1badb002
#define MULTIBOOT_FLAGS 0
#define STACK_BYTES 0x10000

	.section .multiboot, "a"
	.balign 4
	.long MULTIBOOT_MAGIC
	.long MULTIBOOT_FLAGS
	.long -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

	.text
	.globl _start
_start:
	cld
	cli
	movw %cs, start_selectors
	movw %ds, start_selectors + 2
	movw %ss, start_selectors + 4
	movl $stack_top, %esp
	pushl $0
	pushl $0
	pushl %ebx		/* the multiboot information */
	pushl %eax
	call guest_start
1:	hlt
	jmp 1b

	.data
	.globl start_selectors
start_selectors:
	.word 0, 0, 0

	.bss
	.balign 16
	.space STACK_BYTES
	.globl stack_top
stack_top:

	.section .note.GNU-stack, "", @progbits
