/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the processor leaves the guest's registers when the guest stops, and takes them from when it goes on.
 * TSS.RSP0 points at the end of the frame: the processor pushes SS..RIP, the stub the rest, downwards.
 * Included by assembly for the offsets.
 */
#ifndef RING1_MONITOR_TRAP_BLOCK_H
#define RING1_MONITOR_TRAP_BLOCK_H

#define TB_RDI 0
#define TB_RSI 8
#define TB_RBP 16
#define TB_RBX 24
#define TB_RDX 32
#define TB_RCX 40
#define TB_RAX 48
#define TB_VECTOR 56
#define TB_ERROR 64
#define TB_RIP 72
#define TB_CS 80
#define TB_RFLAGS 88
#define TB_RSP 96
#define TB_SS 104
#define TB_END 112 /* RSP0: a multiple of 16 */
#define TB_MONITOR_RSP 112
#define TB_DS 120
#define TB_ES 122
#define TB_FS 124
#define TB_GS 126
#define TB_SWITCH 128
#define TB_ENGINE 136

#define TB_ABORTED 256 /* in `vector`: the guest was not entered, an NMI or machine check is pending */
#define TB_ANSWERED 257 /* in `vector`: BtEngine::answer() has dealt with the trap, but the guest must not go on at once */
#define TB_REFUSED 512 /* in `vector`, plus a vector: the processor did not accept the block's selectors */

/* What BtEngine::answer() gives: how the guest goes on. */
#define TB_LEAVE 0 /* not from here: back to who entered it */
#define TB_GO_ON 1 /* with the segment registers that are loaded */
#define TB_RELOAD 2 /* with those of the block */

#define TB_STACK_SLOT 8 /* the trap block's address stands here, from the base of the monitor's stack */

#ifndef __ASSEMBLY__
#include <cstddef>
#include <cstdint>

#include "x86/registers.h"

struct ring1_switch;

namespace ring1::monitor {

class BtEngine;

struct alignas(16) TrapBlock {
  uint64_t rdi, rsi, rbp, rbx, rdx, rcx, rax;
  uint64_t vector, error;
  uint64_t rip, cs, rflags, rsp, ss;
  uint64_t monitor_rsp;
  uint16_t ds, es, fs, gs;
  ring1_switch* switch_page;
  BtEngine* engine;

  // POPF and IRET leave IF and IOPL alone at ring 1, and in IA-32e mode nothing sets VM (SDM 2A, IRET and POPF). Emulators
  // may see it otherwise (docs/findings.md). In virtual-8086 mode any CS has any RPL.
  bool is_possible() const { return (cs & 3) && (rflags & (eflags::kVm | eflags::kIopl | eflags::kIf)) == eflags::kIf; }

  bool from_user() const { return (cs & 3) == 3; }

  // A general register by its number in an instruction (SDM 2A table 2-2).
  uint64_t& gpr(unsigned number) {
    uint64_t* const registers[] = {&rax, &rcx, &rdx, &rbx, &rsp, &rbp, &rsi, &rdi};
    return *registers[number & 7];
  }
};

static_assert(offsetof(TrapBlock, vector) == TB_VECTOR && offsetof(TrapBlock, rip) == TB_RIP);
static_assert(offsetof(TrapBlock, monitor_rsp) == TB_MONITOR_RSP && offsetof(TrapBlock, ds) == TB_DS);
static_assert(offsetof(TrapBlock, switch_page) == TB_SWITCH &&
              offsetof(TrapBlock, engine) == TB_ENGINE && TB_END % 16 == 0);

// Runs the guest from `block` until it traps; the trap is then in block->vector and block->error (guest_entry.S).
extern "C" void ring1_enter_guest(TrapBlock* block);
// The same; the frame that IRETQ takes is at `rsp` already.
extern "C" void ring1_enter_guest_on(TrapBlock* block, uint64_t rsp);
// Called at each trap, before ring1_enter_guest() returns: TB_LEAVE, TB_GO_ON, TB_RELOAD.
extern "C" unsigned ring1_answer(TrapBlock* block);

}  // namespace ring1::monitor
#endif
#endif
