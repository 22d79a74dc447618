/* SPDX-License-Identifier: GPL-2.0-only */
/* One stub of 16 bytes per vector. A trap of ring 0 is the monitor's own fault and ends the virtual machine. */
#include "include/ring1/note_pending.h"
#include "include/ring1/switch.h"
#include "monitor/world/entry_window.h"

#define EFLAGS_VM 0x20000
#define FRAME_RIP 72 /* behind RDI RSI RBP RBX RDX RCX RAX, vector, error code */

/* RCX: the window of this kind that \rip is in, or on to \none. Uses RAX. */
.macro find_window kind, rip, none
	movq	$ring1_\kind\()_windows, %rcx
	movq	\rip, %rax
.Lnext\@:
	cmpq	$ring1_\kind\()_windows_end, %rcx
	jae	\none
	addq	$WINDOW_BYTES, %rcx
	cmpq	WINDOW_BEGIN-WINDOW_BYTES(%rcx), %rax
	jb	.Lnext\@
	cmpq	WINDOW_END-WINDOW_BYTES(%rcx), %rax
	jae	.Lnext\@
	subq	$WINDOW_BYTES, %rcx
.endm

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
	window debug, ring1_idt_stubs, stubs_end

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
	find_window debug, 16(%rsp), 1f
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
	find_window fault, FRAME_RIP(%rdi), 1f
	jmp	*WINDOW_LANDING(%rcx)
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
	pushq	%rcx
	find_window nmi, 16(%rsp), 3f
	movq	%rsp, %rax
	andq	$-RING1_STACK_BYTES, %rax
	movq	(%rax), %rax
	movl	$1, \offset(%rax)
	jmp	*WINDOW_LANDING(%rcx)
3:	popq	%rcx
	popq	%rax
	note_pending \offset
.endm

nmi:	asynchronous 2, RING1_SW_NMI_PENDING
mce:	asynchronous 18, RING1_SW_MCE_PENDING
