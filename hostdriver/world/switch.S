/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world switch. This page of text is mapped at the same address in both worlds; so are the switch page
 * (RDI throughout), the monitor's stack and the transition tables. No instruction here runs under an IDT whose
 * handlers are not mapped. Interrupts are off on both sides; NMIs and machine checks are not.
 */
#include "hostdriver/world/bare_ret.h"
#include "hostdriver/world/speculation_asm.h"

#include "include/ring1/note_pending.h"
#include "include/ring1/switch.h"

#define MSR_EFER 0xc0000080
#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_SYSENTER_CS 0x174
#define TSS_BUSY 0x02 /* in byte 5 of a TSS descriptor: type 9 -> 11 */

.macro read_msr number, offset
	movl	$\number, %ecx
	rdmsr
	movl	%eax, \offset(%rdi)
	movl	%edx, \offset+4(%rdi)
.endm

.macro write_msr number, offset
	movl	$\number, %ecx
	movl	\offset(%rdi), %eax
	movl	\offset+4(%rdi), %edx
	wrmsr
.endm

.macro push_saved
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
.endm

.macro pop_saved
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
.endm

	.section .ring1_switch, "ax", @progbits
	.balign 4096
	.globl	ring1_switch_text
ring1_switch_text:
	ANNOTATE_NOENDBR /* called directly */

/* void ring1_switch_to_monitor(struct ring1_switch *) */
	.globl	ring1_switch_to_monitor
	.type	ring1_switch_to_monitor, @function
ring1_switch_to_monitor:
	push_saved
	pushfq
	movq	%rsp, RING1_SW_HOST_RSP(%rdi)
	movq	%cr0, %rax
	movq	%rax, RING1_SW_HOST_CR0(%rdi)
	movq	%cr3, %rax
	movq	%rax, RING1_SW_HOST_CR3(%rdi)
	movq	%cr4, %rax
	movq	%rax, RING1_SW_HOST_CR4(%rdi)
	movq	%dr7, %rax
	movq	%rax, RING1_SW_HOST_DR7(%rdi)
	movl	$0x400, %eax /* no breakpoint of the host strikes where its handler is not there */
	movq	%rax, %dr7
	sgdt	RING1_SW_HOST_GDTR+6(%rdi)
	sidt	RING1_SW_HOST_IDTR+6(%rdi)
	str	RING1_SW_HOST_TR(%rdi)
	sldt	RING1_SW_HOST_LDT(%rdi)
	movw	%ds, RING1_SW_HOST_DS(%rdi)
	movw	%es, RING1_SW_HOST_ES(%rdi)
	movw	%fs, RING1_SW_HOST_FS(%rdi)
	movw	%gs, RING1_SW_HOST_GS(%rdi)
	movw	%ss, RING1_SW_HOST_SS(%rdi)
	movw	%cs, RING1_SW_HOST_CS(%rdi)
	read_msr MSR_FS_BASE, RING1_SW_HOST_FS_BASE
	read_msr MSR_GS_BASE, RING1_SW_HOST_GS_BASE
	read_msr MSR_KERNEL_GS_BASE, RING1_SW_HOST_KERNEL_GS_BASE
	read_msr MSR_EFER, RING1_SW_HOST_EFER
	read_msr MSR_SYSENTER_CS, RING1_SW_HOST_SYSENTER_CS

	/* Our stack before our IDT: an NMI from here on pushes on it, and finds the switch page at its base. */
	movq	RING1_SW_MON_RSP(%rdi), %rsp
	lidt	RING1_SW_MON_IDTR+6(%rdi)
	lgdt	RING1_SW_MON_GDTR+6(%rdi)
	movq	RING1_SW_TRANSITION_GDT(%rdi), %rax
	andb	$~TSS_BUSY, RING1_SEL_TSS+5(%rax)
	movl	$RING1_SEL_TSS, %eax
	ltr	%ax
	xorl	%eax, %eax
	lldt	%ax
	movq	RING1_SW_MON_CR3(%rdi), %rax
	movq	%rax, %cr3
	movq	RING1_SW_MON_CR4(%rdi), %rax /* drops PGE: the host's global entries go */
	movq	%rax, %cr4
	movq	RING1_SW_MON_CR0(%rdi), %rax
	movq	%rax, %cr0
	write_msr MSR_EFER, RING1_SW_MON_EFER
	movl	$MSR_SYSENTER_CS, %ecx
	xorl	%eax, %eax
	xorl	%edx, %edx
	wrmsr
	pushq	$RING1_SEL_CODE64
	leaq	1f(%rip), %rax
	pushq	%rax
	lretq
1:	speculation_entered
	xorl	%eax, %eax
	movw	%ax, %ss
	pop_saved
	bare_ret
	.size	ring1_switch_to_monitor, . - ring1_switch_to_monitor
	STACK_FRAME_NON_STANDARD ring1_switch_to_monitor

/* void ring1_switch_to_host(struct ring1_switch *), called by the monitor under its own GDT and IDT */
	.globl	ring1_switch_to_host
	.type	ring1_switch_to_host, @function
ring1_switch_to_host:
	ANNOTATE_NOENDBR /* only the monitor calls it, in whose world CR4.CET is off */
	push_saved
	movq	%rsp, RING1_SW_MON_RSP(%rdi)
	lidt	RING1_SW_MON_IDTR+6(%rdi)
	lgdt	RING1_SW_MON_GDTR+6(%rdi)
	movzwl	RING1_SW_HOST_CS(%rdi), %eax
	pushq	%rax
	leaq	1f(%rip), %rax
	pushq	%rax
	lretq
1:	movzwl	RING1_SW_HOST_SS(%rdi), %eax
	movw	%ax, %ss
	movq	RING1_SW_HOST_CR0(%rdi), %rax
	movq	%rax, %cr0
	movq	RING1_SW_HOST_CR4(%rdi), %rax /* PCIDE may be set: our PCID is 0 */
	movq	%rax, %cr4
	movq	RING1_SW_HOST_CR3(%rdi), %rax
	movq	%rax, %cr3
	/* TR through the transition GDT's copy: the host's own table is read-only to us. */
	movzwl	RING1_SW_HOST_TR(%rdi), %eax
	movq	RING1_SW_TRANSITION_GDT(%rdi), %rdx
	andb	$~TSS_BUSY, 5(%rdx,%rax)
	ltr	%ax
	lgdt	RING1_SW_HOST_GDTR+6(%rdi)
	movw	RING1_SW_HOST_LDT(%rdi), %ax
	lldt	%ax
	/* User space's selectors may be stale, and there is no handler for that here: visit() loads them. Null is always good. */
	xorl	%eax, %eax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %fs
	movw	%ax, %gs
	write_msr MSR_FS_BASE, RING1_SW_HOST_FS_BASE
	write_msr MSR_GS_BASE, RING1_SW_HOST_GS_BASE
	write_msr MSR_KERNEL_GS_BASE, RING1_SW_HOST_KERNEL_GS_BASE
	write_msr MSR_EFER, RING1_SW_HOST_EFER
	write_msr MSR_SYSENTER_CS, RING1_SW_HOST_SYSENTER_CS
	movq	RING1_SW_HOST_DR7(%rdi), %rax
	lidt	RING1_SW_HOST_IDTR+6(%rdi) /* before the host's stack: our NMI handler looks for the switch page below RSP */
	movq	RING1_SW_HOST_RSP(%rdi), %rsp
	movq	%rax, %dr7 /* the host's breakpoints need its IDT */
	popfq /* a trap leaves the guest's AC, IOPL and ID in force: with AC the host would be without SMAP */
	speculation_left
	pop_saved
	bare_ret
	.size	ring1_switch_to_host, . - ring1_switch_to_host
	STACK_FRAME_NON_STANDARD ring1_switch_to_host

/*
 * Handlers of the transition IDT. Any exception but these two is a bug with no way back: stop here, visibly. They may be
 * entered while CR4 is still, or again, the host's, and that may track indirect branches: ENDBR (SDM 1 17.3.1).
 */
	.globl	ring1_transition_nmi
ring1_transition_nmi:
	ENDBR
	note_pending RING1_SW_NMI_PENDING

	.globl	ring1_transition_mce
ring1_transition_mce:
	ENDBR
	note_pending RING1_SW_MCE_PENDING

	.globl	ring1_transition_fault
ring1_transition_fault:
	ENDBR
	ud2

	.globl	ring1_switch_text_end
ring1_switch_text_end:
