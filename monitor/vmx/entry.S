/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * uint64_t ring1_vmx_enter(uint64_t gpr[16], ring1_switch *, uint64_t launched): into the guest of the current VMCS and out
 * again at its next exit. 0: the guest ran; 1: the instruction failed; 2: not entered, an NMI or machine check is pending.
 *
 * The entry is made with IF set, in the shadow of STI, and the host-state area has it clear. To a processor this is all one,
 * as physical interrupts exit whatever the guest's IF (SDM 3C 26.2); but Bochs 2.7 looks at that control only where an
 * entry changes IF, and would hold them back from a guest that loops with IF = 0.
 *
 * As in guest_entry.S one that strikes between the test and the entry is sent to `aborted` by the NMI stub, since the
 * entry would unblock NMIs that the host has not seen yet (docs/races.md).
 */
#include "include/ring1/switch.h"
#include "monitor/world/entry_window.h"

#define HOST_RSP 0x6c14 /* field encoding, checked in vmcs.cpp */

	.text
	.globl	ring1_vmx_enter
	.type	ring1_vmx_enter, @function
ring1_vmx_enter:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	pushq	%rdi
	movl	$HOST_RSP, %eax
	vmwrite	%rsp, %rax

entry_begin:
	movl	RING1_SW_NMI_PENDING(%rsi), %eax
	orl	RING1_SW_MCE_PENDING(%rsi), %eax
	jnz	aborted
	testq	%rdx, %rdx
	movq	0(%rdi), %rax
	movq	8(%rdi), %rcx
	movq	16(%rdi), %rdx
	movq	24(%rdi), %rbx
	movq	40(%rdi), %rbp
	movq	48(%rdi), %rsi
	movq	64(%rdi), %r8
	movq	72(%rdi), %r9
	movq	80(%rdi), %r10
	movq	88(%rdi), %r11
	movq	96(%rdi), %r12
	movq	104(%rdi), %r13
	movq	112(%rdi), %r14
	movq	120(%rdi), %r15
	movq	56(%rdi), %rdi
	jz	1f
	sti
	vmresume
	jmp	failed
1:	sti
	vmlaunch
entry_end:
	window nmi, entry_begin, entry_end, aborted

failed:
	cli
	movl	$1, %eax
	jmp	leave

/* HOST_RIP: RSP is HOST_RSP, interrupts are off, the guest's other registers are in the processor. */
	.globl	ring1_vmx_exited
ring1_vmx_exited:
	pushq	%rdi
	movq	8(%rsp), %rdi
	movq	%rax, 0(%rdi)
	movq	%rcx, 8(%rdi)
	movq	%rdx, 16(%rdi)
	movq	%rbx, 24(%rdi)
	movq	%rbp, 40(%rdi)
	movq	%rsi, 48(%rdi)
	popq	56(%rdi)
	movq	%r8, 64(%rdi)
	movq	%r9, 72(%rdi)
	movq	%r10, 80(%rdi)
	movq	%r11, 88(%rdi)
	movq	%r12, 96(%rdi)
	movq	%r13, 104(%rdi)
	movq	%r14, 112(%rdi)
	movq	%r15, 120(%rdi)
	xorl	%eax, %eax
leave:
	popq	%rdi
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret

/* RSP: anywhere on the monitor's stack. */
aborted:
	movl	$HOST_RSP, %eax
	vmread	%rax, %rsp
	movl	$2, %eax
	jmp	leave
	.size	ring1_vmx_enter, . - ring1_vmx_enter
