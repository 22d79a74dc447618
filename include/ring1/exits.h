/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why a guest was left, in one form for all engines; each stay in the guest ends with one of these. The statistics have two
 * rows for each (include/ring1/stats.h): how often, and the time-stamp counter's cycles until the guest went on, those in
 * the host and in user space included, those blocked in HLT not.
 */
#ifndef RING1_EXITS_H
#define RING1_EXITS_H

#define RING1_EXITS(E, X)                                                                      \
	E(X, INTERRUPT, interrupt, "physical interrupts and NMIs, for the host")              \
	E(X, PAGE_FAULT, page_fault, "page faults with shadow page tables")                   \
	E(X, NESTED_FAULT, nested_fault, "nested page tables without the page")               \
	E(X, DEVICE_MEMORY, device_memory, "nested page tables: device memory")               \
	E(X, EXCEPTION, exception, "other exceptions")                                        \
	E(X, PROTECTION, protection, "bt: #GP and its kin, by privileged instructions mostly") \
	E(X, SYSTEM_CALL, system_call, "bt: software interrupts of user code")                \
	E(X, CALLOUT, callout, "bt: translated code asks for one instruction")                \
	E(X, UNIT, unit, "bt: a direct branch not linked yet")                                \
	E(X, INDIRECT, indirect, "bt: an indirect branch not in the return table")            \
	E(X, WINDOW, window, "an interrupt waits, and IF became 1")                           \
	E(X, PORT, port, "port accesses")                                                     \
	E(X, MSR, msr, "model-specific registers")                                            \
	E(X, CONTROL_REGISTER, control_register, "control registers")                         \
	E(X, DEBUG_REGISTER, debug_register, "debug registers")                               \
	E(X, CPUID, cpuid, "CPUID")                                                           \
	E(X, HLT, hlt, "HLT")                                                                 \
	E(X, INVLPG, invlpg, "INVLPG")                                                        \
	E(X, TASK_SWITCH, task_switch, "task switches")                                       \
	E(X, IRET, iret, "IRET that ends an NMI")                                             \
	E(X, INSTRUCTION, instruction, "other instructions")                                  \
	E(X, OTHER, other, "anything else: shutdown, failed entries")

#define RING1_EXIT_ROW(X, upper, lower, text) RING1_EXIT_##upper,
enum ring1_exit_kind { RING1_EXITS(RING1_EXIT_ROW, ) RING1_EXIT_KINDS };
#undef RING1_EXIT_ROW

#endif
