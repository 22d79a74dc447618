/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Assembly macro: a stretch of code on the way into a guest, or out of it, where an event of ring 0 is not what it is elsewhere.
 * Each engine lists its own next to the code; idt_stubs.S knows none of them.
 *
 *   window nmi, begin, end, landing    an NMI or machine check is noted, and `landing` leaves as if the guest had not been
 *                                      entered. RSP is anywhere on the interrupted stack; no register holds anything.
 *   window fault, begin, end, landing  a fault there is the guest's. RDI: RDI RSI RBP RBX RDX RCX RAX, vector, error code and
 *                                      the processor's frame.
 *   window debug, begin, end           a #DB there is one that comes late: DR6 keeps it, and the code goes on.
 */
#define WINDOW_BEGIN 0
#define WINDOW_END 8
#define WINDOW_LANDING 16
#define WINDOW_BYTES 24

.macro window kind, begin, end, landing=0
	.pushsection .ring1_\kind\()_windows, "a", @progbits
	.quad	\begin, \end, \landing
	.popsection
.endm
