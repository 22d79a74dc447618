/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * void ring1_enter_guest(TrapBlock *): into the guest, and out again at its next trap or physical interrupt.
 * void ring1_enter_guest_on(TrapBlock *, u64 rsp): the same with the frame for IRETQ at rsp (narrow_stack.h).
 * A trap that ring1_answer() has an answer to goes back into the guest from here, at `go_on` or `reload`.
 * Interrupts are off in the monitor and on in the guest. An NMI or machine check that was noted before the test, or
 * strikes between the test and the IRETQ, must not meet an IRET (docs/races.md): the test leaves through `aborted`, and
 * the NMI stub sends the range [entry_begin, entry_end) there.
 */
#include "include/ring1/switch.h"
#include "monitor/world/entry_window.h"
#include "monitor/bt/trap_block.h"

.macro begin_entry
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, TB_MONITOR_RSP(%rdi)
.endm

.macro load_segments
	movw	TB_DS(%rdi), %ax
	movw	%ax, %ds
	movw	TB_ES(%rdi), %ax
	movw	%ax, %es
	movw	TB_FS(%rdi), %ax
	movw	%ax, %fs
	movw	TB_GS(%rdi), %ax
	movw	%ax, %gs
.endm

	.text
	.globl	ring1_enter_guest_on
	.type	ring1_enter_guest_on, @function
ring1_enter_guest_on:
	begin_entry
	load_segments
	movq	TB_SWITCH(%rdi), %rax
	movq	%rsi, %rsp
	jmp	entry_begin
	.size	ring1_enter_guest_on, . - ring1_enter_guest_on

	.globl	ring1_enter_guest
	.type	ring1_enter_guest, @function
ring1_enter_guest:
	begin_entry
reload:
	load_segments
go_on:
	pushq	TB_SS(%rdi)
	pushq	TB_RSP(%rdi)
	pushq	TB_RFLAGS(%rdi)
	pushq	TB_CS(%rdi)
	pushq	TB_RIP(%rdi)
	movq	TB_SWITCH(%rdi), %rax

entry_begin:
	movl	RING1_SW_NMI_PENDING(%rax), %ecx
	orl	RING1_SW_MCE_PENDING(%rax), %ecx
	jnz	aborted
	movq	TB_RSI(%rdi), %rsi
	movq	TB_RBP(%rdi), %rbp
	movq	TB_RBX(%rdi), %rbx
	movq	TB_RDX(%rdi), %rdx
	movq	TB_RCX(%rdi), %rcx
	movq	TB_RAX(%rdi), %rax
	movq	TB_RDI(%rdi), %rdi
	iretq
entry_end:
	window nmi, entry_begin, entry_end, aborted
	window fault, ring1_enter_guest_on, entry_end, refused

/* RSP: the monitor's stack, anywhere, or the page of narrow_stack.h. The guest did not run; its registers are still in the block. */
aborted:
	movq	%rsp, %rdi
	andq	$-RING1_STACK_BYTES, %rdi
	movq	TB_STACK_SLOT(%rdi), %rdi
	movq	$TB_ABORTED, TB_VECTOR(%rdi)
	jmp	leave

/* A selector that the processor does not accept: the guest's matter. Its registers are still in the block. */
refused:
	movq	TB_VECTOR(%rdi), %rcx
	movq	TB_ERROR(%rdi), %rdx
	andq	$-RING1_STACK_BYTES, %rdi	/* RSP may be in the window of narrow_stack.h */
	movq	TB_STACK_SLOT(%rdi), %rdi
	addq	$TB_REFUSED, %rcx
	movq	%rcx, TB_VECTOR(%rdi)
	movq	%rdx, TB_ERROR(%rdi)
	jmp	leave

/* A trap out of the guest: RSP points at the vector slot of the block, error code and IRET frame above it. */
	.globl	ring1_trap_from_guest
ring1_trap_from_guest:
	pushq	%rax
	pushq	%rcx
	pushq	%rdx
	pushq	%rbx
	pushq	%rbp
	pushq	%rsi
	pushq	%rdi
	cld
	movq	%rsp, %rdi
	movw	%ds, TB_DS(%rdi)
	movw	%es, TB_ES(%rdi)
	movw	%fs, TB_FS(%rdi)
	movw	%gs, TB_GS(%rdi)
	movq	%rdi, %rbx
	movq	TB_MONITOR_RSP(%rdi), %rsp
	subq	$8, %rsp
	call	ring1_answer
	addq	$8, %rsp
	movq	%rbx, %rdi
	cmpl	$TB_GO_ON, %eax
	je	go_on
	ja	reload
leave:
	movq	TB_MONITOR_RSP(%rdi), %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret
	.size	ring1_enter_guest, . - ring1_enter_guest
