/* SPDX-License-Identifier: GPL-2.0-only */
/* void real_call(uint32_t function): runs one of the 16-bit functions below in real mode and comes back. The code
 * between real_begin and real_end is copied to REAL; results lie at RESULT. */
#define REAL 0x8000
#define RESULT 0x6000
#define STACK 0x7c00
#define CODE0 0x08
#define DATA0 0x10
#define CODE16 0x30
#define DATA16 0x38
#define AT(symbol) (symbol - real_begin + REAL)

	.text
	.globl real_call
real_call:
	pushal
	movl 36(%esp), %ebx
	movl %esp, saved_esp
	sidt saved_idt
	movl $AT(to_real), %eax
	jmp *%eax

	.globl real_begin, real_end
real_begin:
to_real:
	lidt AT(real_idt)
	ljmp $CODE16, $AT(in_16)

	.code16
in_16:
	movw $DATA16, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movl %cr0, %eax
	andb $0xfe, %al
	movl %eax, %cr0
	ljmp $0, $AT(in_real)
in_real:
	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movl $STACK, %esp
	calll *%ebx
	cli
	movl %cr0, %eax
	orb $1, %al
	movl %eax, %cr0
	ljmpl $CODE0, $AT(in_32)

	.code32
in_32:
	movl $DATA0, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %fs
	movl %eax, %gs
	movl %eax, %ss
	lidt saved_idt
	movl saved_esp, %esp
	popal
	ret

	.code16
	.globl real_basics
real_basics:
	movw %cs, RESULT
	movw %ds, RESULT + 2
	movl $0x12345678, %eax
	roll $8, %eax
	movl %eax, RESULT + 4
	movw $0x1000, %ax
	movw %ax, %es
	movl $0xcafef00d, %es:0x20
	movl $0x10020 - 0xfff0, %edi
	movw $0xfff, %ax
	movw %ax, %fs
	movl %fs:(%edi), %eax
	movl %eax, RESULT + 8
	movw %sp, RESULT + 12
	pushw $0x1111
	pushl $0x22222222
	pusha
	popa
	popl %ecx
	popw %dx
	movl %ecx, RESULT + 16
	movw %dx, RESULT + 20
	movw %sp, RESULT + 22
	smsw RESULT + 24
	stc
	pushfw
	popw RESULT + 26
	lcall $REAL >> 4, $far_function - real_begin
	movw %ax, RESULT + 28
	/* a string, backwards, across a segment's borrow */
	movw $AT(text) >> 4, %ax
	movw %ax, %ds
	movw $(AT(text) & 15) + 3, %si
	xorw %ax, %ax
	movw %ax, %es
	movw $RESULT + 35, %di
	movw $4, %cx
	std
	rep movsb
	cld
	movw %ax, %ds
	retl
	.balign 16
text:
	.ascii "ring"
far_function:
	movw %cs, %ax
	lret

	/* A loop of some 200,000 instructions. */
	.globl real_loop
real_loop:
	xorl %eax, %eax
	movw $50000, %cx
1:	addw %cx, %ax
	adcl $0, %eax
	xorb %ah, %al
	loop 1b
	movl %eax, RESULT
	retl

	.globl real_interrupts
real_interrupts:
	movw $AT(on_int), 0x60 * 4
	movw $0, 0x60 * 4 + 2
	movw $AT(on_divide), 0
	movw $0, 2
	movl $0, RESULT
	sti
	int $0x60
	pushfw
	popw RESULT + 8
	cli
	xorw %bx, %bx
	movw $1, %ax
	xorw %dx, %dx
divide:
	divw %bx
	movl $AT(divide), RESULT + 16
	retl
on_int:
	incl RESULT
	pushfw
	popw RESULT + 4
	pushw %bp
	movw %sp, %bp
	movw 6(%bp), %ax		/* the flags on the stack */
	popw %bp
	movw %ax, RESULT + 6
	iretw
on_divide:
	pushw %bp
	movw %sp, %bp
	movw 2(%bp), %ax
	movw %ax, RESULT + 12
	addw $2, 2(%bp)
	popw %bp
	iretw

	/* Ten ticks of the timer at vector 0x20, HLT in between. */
	.globl real_timer
real_timer:
	movw $AT(on_tick), 0x20 * 4
	movw $0, 0x20 * 4 + 2
	movl $0, RESULT
1:	sti
	hlt
	cli
	cmpl $10, RESULT
	jb 1b
	retl
on_tick:
	incl RESULT
	pushw %ax
	movb $0x20, %al
	outb %al, $0x20
	popw %ax
	iretw

	/* A 4 GiB limit taken along from protected mode: the stack and DS reach above 1 MiB. */
	.globl real_unreal
real_unreal:
	pushl %ebx
	movl %cr0, %eax
	orb $1, %al
	movl %eax, %cr0
	movw $DATA0, %bx
	movw %bx, %fs
	andb $0xfe, %al
	movl %eax, %cr0
	xorw %bx, %bx
	movw %bx, %fs
	movl $0x01800000, %edi
	movl $0x600dcafe, %fs:(%edi)
	movl %fs:(%edi), %eax
	movl %eax, RESULT
	popl %ebx
	retl

	.code32
	.balign 4
real_idt:
	.word 0x3ff
	.long 0
real_end:

	.data
saved_esp:
	.long 0
saved_idt:
	.word 0
	.long 0

	.section .note.GNU-stack, "", @progbits
