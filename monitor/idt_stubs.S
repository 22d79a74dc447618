/* SPDX-License-Identifier: GPL-2.0-only */
/* One stub of 16 bytes per vector. A trap of ring 0 is the monitor's own fault and ends the virtual machine. */
#include "include/ring1/note_pending.h"
#include "include/ring1/switch.h"
#include "monitor/trap_block.h"

#define EFLAGS_VM 0x20000

/*
 * To `target` if the frame, whose CS stands \cs above RSP, is the guest's. In IA-32e mode there is no virtual-8086 mode, but
 * QEMU's IRET enters it from ring 1 all the same, and then CS is any number (docs/findings.md).
 */
.macro jump_if_guest target, cs
	testb	$3, \cs(%rsp)
	jnz	\target
	testl	$EFLAGS_VM, \cs+8(%rsp)
	jnz	\target
.endm

	.text
	.balign	16
	.globl	ring1_idt_stubs
ring1_idt_stubs:
	.set	vector, 0
	.rept	256
	.balign	16
	.if	vector == 2
	jmp	nmi
	.elseif	vector == 1
	jmp	debug
	.elseif	vector == 18
	jmp	mce
	.else
	.if	!(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30)
	pushq	$0
	.endif
	pushq	$vector
	jmp	trap
	.endif
	.set	vector, vector + 1
	.endr
stubs_end:

/*
 * #DB. MOV SS and POP SS hold a data breakpoint back for one instruction (SDM 3A 6.8.3). If that one enters the monitor
 * (INT n, a fault), the breakpoint strikes ring 0 at the first instruction of a stub above: go on there, DR6 keeps it.
 * The stub may be the NMI's, so without IRET. The same behind VMRUN: an exit leaves nothing pending (APM 2 15.6), but
 * Bochs keeps the single step of the instruction that exited.
 */
debug:
	jump_if_guest 2f, 8
	pushq	%rax
	pushq	%rcx
	movq	16(%rsp), %rcx
	leaq	ring1_idt_stubs(%rip), %rax
	cmpq	%rax, %rcx
	jb	3f
	leaq	stubs_end(%rip), %rax
	cmpq	%rax, %rcx
	jae	3f
	resume_ring0
3:	leaq	ring1_svm_left(%rip), %rax
	cmpq	%rax, %rcx
	jne	1f
	resume_ring0
1:	popq	%rcx
	popq	%rax
2:	pushq	$0
	pushq	$1

trap:
	jump_if_guest ring1_trap_from_guest, 24
	/* The monitor's own fault: hand all registers to C++, which does not come back. */
	pushq	%rax
	pushq	%rcx
	pushq	%rdx
	pushq	%rbx
	pushq	%rbp
	pushq	%rsi
	pushq	%rdi
	movq	%rsp, %rdi
	leaq	ring1_enter_guest_on(%rip), %rax
	cmpq	%rax, TB_RIP(%rdi)
	jb	1f
	leaq	ring1_entry_end(%rip), %rax
	cmpq	%rax, TB_RIP(%rdi)
	jae	1f
	/* A selector that the processor does not accept: the guest's matter. Its registers are still in the block. */
	movq	TB_VECTOR(%rdi), %rcx
	movq	TB_ERROR(%rdi), %rdx
	andq	$-RING1_STACK_BYTES, %rdi	/* RSP may be in the window of narrow_stack.h */
	movq	TB_STACK_SLOT(%rdi), %rdi
	addq	$TB_REFUSED, %rcx
	movq	%rcx, TB_VECTOR(%rdi)
	movq	%rdx, TB_ERROR(%rdi)
	jmp	ring1_entry_left
1:	andq	$-16, %rsp
	cld
	call	ring1_monitor_fault
	ud2

.macro asynchronous vector, offset
	jump_if_guest 1f, 8
	jmp	4f
1:	pushq	$0
	pushq	$\vector
	jmp	ring1_trap_from_guest
4:	pushq	%rax
	leaq	ring1_entry_begin(%rip), %rax
	cmpq	%rax, 8(%rsp)
	jb	2f
	leaq	ring1_entry_end(%rip), %rax
	cmpq	%rax, 8(%rsp)
	jae	2f
	/* Inside guest entry: the guest's registers are safe in the block, leave as if the test had seen it. */
	movq	%rsp, %rax
	andq	$-RING1_STACK_BYTES, %rax
	movq	(%rax), %rax
	movl	$1, \offset(%rax)
	jmp	ring1_entry_aborted
2:	leaq	ring1_vmx_entry_begin(%rip), %rax
	cmpq	%rax, 8(%rsp)
	jb	3f
	leaq	ring1_vmx_entry_end(%rip), %rax
	cmpq	%rax, 8(%rsp)
	jae	3f
	/* The same in vmx_entry.S. */
	movq	%rsp, %rax
	andq	$-RING1_STACK_BYTES, %rax
	movq	(%rax), %rax
	movl	$1, \offset(%rax)
	jmp	ring1_vmx_entry_aborted
3:	popq	%rax
	note_pending \offset
.endm

nmi:	asynchronous 2, RING1_SW_NMI_PENDING
mce:	asynchronous 18, RING1_SW_MCE_PENDING
