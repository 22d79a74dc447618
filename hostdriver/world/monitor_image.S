/* SPDX-License-Identifier: GPL-2.0-only */
/* The monitor's ELF file as it is, so that one insmod is the whole installation. */
	.section .rodata, "a", @progbits
	.balign	4096
	.globl	ring1_monitor_image
ring1_monitor_image:
	.incbin	RING1_MONITOR
	.globl	ring1_monitor_image_end
ring1_monitor_image_end:
