/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bool ring1_svm_run(const SvmEntry *): VMRUN (APM 2 15.5). With the global interrupt flag clear nothing strikes between
 * the test for a pending NMI and the guest: an NMI that comes later is held until VMRUN sets the flag, and makes the guest
 * exit. After the exit the flag is clear again; STGI lets what is pending strike the monitor, where an NMI is noted
 * (idt_stubs.S). A maskable interrupt stays at the interrupt controller, as IF is 0 then; IF must be 1 at VMRUN, for it says
 * whether such an interrupt makes the guest exit.
 */
#include "include/ring1/switch.h"
#include "monitor/world/entry_window.h"
#include "monitor/svm/entry.h"

#define GPR(n) (8 * (n))(%rdi)

	.text
	.globl	ring1_svm_run
	.type	ring1_svm_run, @function
ring1_svm_run:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	pushq	%rdi
	movq	SVM_SWITCH(%rdi), %rcx
	clgi
	movl	RING1_SW_NMI_PENDING(%rcx), %edx
	orl	RING1_SW_MCE_PENDING(%rcx), %edx
	jnz	1f
	movq	SVM_HOST(%rdi), %rax
	vmsave
	movq	SVM_GUEST(%rdi), %rax
	vmload
	movq	SVM_GPR(%rdi), %rdi
	movq	GPR(1), %rcx
	movq	GPR(2), %rdx
	movq	GPR(3), %rbx
	movq	GPR(5), %rbp
	movq	GPR(6), %rsi
	movq	GPR(8), %r8
	movq	GPR(9), %r9
	movq	GPR(10), %r10
	movq	GPR(11), %r11
	movq	GPR(12), %r12
	movq	GPR(13), %r13
	movq	GPR(14), %r14
	movq	GPR(15), %r15
	movq	GPR(7), %rdi
	sti
	vmrun
left:
	window debug, left, left+1
	cli
	pushq	%rdi
	movq	8(%rsp), %rdi
	movq	SVM_GPR(%rdi), %rdi
	movq	%rcx, GPR(1)
	movq	%rdx, GPR(2)
	movq	%rbx, GPR(3)
	movq	%rbp, GPR(5)
	movq	%rsi, GPR(6)
	movq	%r8, GPR(8)
	movq	%r9, GPR(9)
	movq	%r10, GPR(10)
	movq	%r11, GPR(11)
	movq	%r12, GPR(12)
	movq	%r13, GPR(13)
	movq	%r14, GPR(14)
	movq	%r15, GPR(15)
	popq	%rcx
	movq	%rcx, GPR(7)
	vmsave			/* RAX is the monitor's again: the guest's VMCB */
	movq	(%rsp), %rdi
	movq	SVM_HOST(%rdi), %rax
	vmload
	movl	$1, %eax
	jmp	2f
1:	xorl	%eax, %eax
2:	stgi
	cld
	popq	%rdi
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret
	.size	ring1_svm_run, . - ring1_svm_run
