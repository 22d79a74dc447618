/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every statistic of a virtual processor, one row each: name, kind (CUMULATIVE or INSTANT), unit (NONE, BYTES,
 * CYCLES of the processor's time-stamp counter), meaning. The module exports them through KVM_GET_STATS_FD and
 * debugfs, the tool prints them; both are generated from this list.
 */
#ifndef RING1_STATS_H
#define RING1_STATS_H

#include <linux/types.h>

#include "exits.h"

#define RING1_STATS_OF_EXIT(X, upper, lower, text) \
	X(exits_##lower, CUMULATIVE, NONE, text)   \
	X(exits_##lower##_cycles, CUMULATIVE, CYCLES, "time of these until the guest went on")

#define RING1_STATS(X)                                                                              \
	X(world_switches, CUMULATIVE, NONE, "entries into the monitor's world")                     \
	X(guest_entries, CUMULATIVE, NONE, "entries into the guest from the monitor")               \
	X(tsc_in_guest, CUMULATIVE, CYCLES, "time in guest code, direct or translated")             \
	X(tsc_in_monitor, CUMULATIVE, CYCLES, "time in the monitor")                                \
	X(longest_stay, PEAK, CYCLES, "longest time in the monitor that interrupts had to wait")    \
	X(polls, CUMULATIVE, NONE, "times the monitor let interrupts in amid its work")             \
	X(tsc_in_host, CUMULATIVE, CYCLES, "time in the host between two entries of one KVM_RUN")   \
	X(tsc_halted, CUMULATIVE, CYCLES, "time blocked in HLT")                                    \
	X(physical_interrupts, CUMULATIVE, NONE, "physical interrupts replayed in the host")        \
	X(interrupts_refused, CUMULATIVE, NONE, "interrupts not replayed: no controller had them")  \
	X(physical_nmis, CUMULATIVE, NONE, "physical NMIs replayed in the host")                    \
	X(user_exits, CUMULATIVE, NONE, "returns of KVM_RUN to user space")                         \
	X(io_exits, CUMULATIVE, NONE, "port accesses served by user space")                         \
	X(mmio_exits, CUMULATIVE, NONE, "device memory accesses served by user space")              \
	X(halts, CUMULATIVE, NONE, "HLT instructions that blocked")                                 \
	X(pages_pinned, INSTANT, NONE, "guest pages in use")                                         \
	X(pages_granted, INSTANT, NONE, "pages of host memory given to the monitor")                \
	X(interrupts_injected, CUMULATIVE, NONE, "external interrupts delivered to the guest")      \
	X(exceptions_injected, CUMULATIVE, NONE, "exceptions delivered to the guest")               \
	X(system_calls, CUMULATIVE, NONE, "INT n and SYSENTER from guest user code")                \
	X(hidden_faults, CUMULATIVE, NONE, "page faults the guest did not see")                     \
	X(true_faults, CUMULATIVE, NONE, "page faults the guest saw")                               \
	X(trace_faults, CUMULATIVE, NONE, "writes to traced pages")                                 \
	X(device_faults, CUMULATIVE, NONE, "accesses to device memory")                             \
	X(hole_collisions, CUMULATIVE, NONE, "guest accesses or mappings under the hole")           \
	X(hole_moves, CUMULATIVE, NONE, "times the hole was moved")                                 \
	X(gp_faults, CUMULATIVE, NONE, "general-protection faults from the guest")                  \
	X(instructions_emulated, CUMULATIVE, NONE, "guest instructions interpreted one by one")     \
	X(callouts_emulate, CUMULATIVE, NONE, "callouts from translated code to the emulator")      \
	X(callouts_exit, CUMULATIVE, NONE, "callouts for a direct exit not chained")                \
	X(callouts_indirect, CUMULATIVE, NONE, "callouts for a miss of the return table")           \
	X(callouts_interrupt, CUMULATIVE, NONE, "callouts for an interrupt owed when IF became 1")  \
	X(tc_translations, CUMULATIVE, NONE, "units translated")                                    \
	X(tc_guest_bytes, CUMULATIVE, BYTES, "guest code translated")                               \
	X(tc_code_bytes, CUMULATIVE, BYTES, "translated code produced")                             \
	X(tc_lookup_hits, CUMULATIVE, NONE, "lookups in the monitor that found a fragment")         \
	X(tc_lookup_misses, CUMULATIVE, NONE, "lookups in the monitor that found none")             \
	X(tc_chained, CUMULATIVE, NONE, "exits linked to a fragment")                               \
	X(tc_unchained, CUMULATIVE, NONE, "links taken back")                                       \
	X(tc_evicted, CUMULATIVE, NONE, "fragments evicted for space")                              \
	X(tc_eviction_groups, CUMULATIVE, NONE, "groups of fragments evicted")                      \
	X(tc_invalidated_write, CUMULATIVE, NONE, "fragments dropped as their code was written")    \
	X(tc_invalidated_remap, CUMULATIVE, NONE, "fragments dropped as their mapping changed")     \
	X(tc_flushes, CUMULATIVE, NONE, "flushes of the whole cache")                               \
	X(tc_bytes_used, INSTANT, BYTES, "occupied bytes of the cache")                             \
	X(tc_bytes_size, INSTANT, BYTES, "size of the cache")                                       \
	X(tc_fragments, INSTANT, NONE, "fragments in the cache")                                    \
	X(mmu_shadow_pages, INSTANT, NONE, "shadow page tables alive")                              \
	X(mmu_entries_filled, CUMULATIVE, NONE, "shadow entries written")                           \
	X(mmu_prefetched, CUMULATIVE, NONE, "shadow entries filled ahead of their use")             \
	X(mmu_table_writes, CUMULATIVE, NONE, "guest page-table entries written under trace")       \
	X(mmu_zapped_pages, CUMULATIVE, NONE, "shadow page tables dropped")                         \
	X(cr3_writes, CUMULATIVE, NONE, "loads of CR3")                                             \
	X(invlpgs, CUMULATIVE, NONE, "INVLPG instructions")                                         \
	X(sched_run_ns, CUMULATIVE, NONE, "ns for which it had a processor's turn")                 \
	X(sched_wait_ns, CUMULATIVE, NONE, "ns waited for a turn while others had theirs")          \
	X(stolen_ns, CUMULATIVE, NONE, "ns in which it was ready to run and something else did")    \
	X(sched_dispatches, CUMULATIVE, NONE, "turns given to it")                                  \
	X(sched_preemptions, CUMULATIVE, NONE, "turns that ended before it halted or left")         \
	X(sched_deadline_misses, CUMULATIVE, NONE, "SEDF periods that ended before the slice")      \
	RING1_EXITS(RING1_STATS_OF_EXIT, X)

struct ring1_stats {
#define X(name, kind, unit, text) __u64 name;
	RING1_STATS(X)
#undef X
};

#endif
