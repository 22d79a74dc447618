// SPDX-License-Identifier: GPL-2.0-only
// The handlers of ordinary instructions, by family; table.cpp says which instruction each belongs to.
#pragma once

#include "emulator/context.h"

namespace ring1::emulator {

// clang-format off
// alu.cpp
Outcome op_add(Context&), op_adc(Context&), op_sub(Context&), op_sbb(Context&), op_cmp(Context&);
Outcome op_and(Context&), op_or(Context&), op_xor(Context&), op_test(Context&);
Outcome op_inc(Context&), op_dec(Context&), op_neg(Context&), op_not(Context&);

// shift.cpp
Outcome op_rol(Context&), op_ror(Context&), op_rcl(Context&), op_rcr(Context&);
Outcome op_shl(Context&), op_shr(Context&), op_sar(Context&), op_shld(Context&), op_shrd(Context&);

// muldiv.cpp
Outcome op_mul(Context&), op_imul(Context&), op_div(Context&), op_idiv(Context&);

// bits.cpp
Outcome op_bt(Context&), op_bts(Context&), op_btr(Context&), op_btc(Context&);
Outcome op_bsf(Context&), op_bsr(Context&), op_tzcnt(Context&), op_lzcnt(Context&), op_popcnt(Context&);
Outcome op_bswap(Context&);

// move.cpp
Outcome op_mov(Context&), op_movzx(Context&), op_movsx(Context&), op_movbe(Context&), op_lea(Context&);
Outcome op_xchg(Context&), op_xlat(Context&), op_setcc(Context&), op_cmovcc(Context&);
Outcome op_cbw(Context&), op_cwde(Context&), op_cdqe(Context&);
Outcome op_cwd(Context&), op_cdq(Context&), op_cqo(Context&);

// atomic.cpp
Outcome op_xadd(Context&), op_cmpxchg(Context&), op_cmpxchg8b(Context&);

// push_pop.cpp
Outcome op_push(Context&), op_pop(Context&), op_pusha(Context&), op_popa(Context&);
Outcome op_enter(Context&), op_leave(Context&);

// string.cpp
Outcome op_movs(Context&), op_cmps(Context&), op_scas(Context&), op_lods(Context&), op_stos(Context&);
Outcome op_ins(Context&), op_outs(Context&);

// control.cpp
Outcome op_jmp(Context&), op_call(Context&), op_ret(Context&), op_jcc(Context&);
Outcome op_loop(Context&), op_loope(Context&), op_loopne(Context&), op_jcxz(Context&), op_bound(Context&);

// interrupt.cpp
Outcome op_int(Context&), op_int3(Context&), op_int1(Context&), op_into(Context&), op_ud(Context&);

// bcd.cpp
Outcome op_daa(Context&), op_das(Context&), op_aaa(Context&), op_aas(Context&), op_aam(Context&), op_aad(Context&);

// io.cpp
Outcome op_in(Context&), op_out(Context&);

// flag.cpp
Outcome op_cli(Context&), op_sti(Context&), op_pushf(Context&), op_popf(Context&), op_lahf(Context&), op_sahf(Context&);
Outcome op_clc(Context&), op_stc(Context&), op_cmc(Context&), op_cld(Context&), op_std(Context&), op_salc(Context&);
Outcome op_clac(Context&), op_stac(Context&);

// shared.cpp: ordinary or system instruction, by the operands
Outcome any_mov(Context&), any_push(Context&), any_pop(Context&);
Outcome any_jmp(Context&), any_call(Context&), any_ret(Context&);

// misc.cpp
Outcome op_hlt(Context&), op_nop(Context&), op_cpuid(Context&), op_wait(Context&), op_fxsave(Context&);
Outcome op_crc32(Context&), op_rdrand(Context&);
Outcome op_rdtsc(Context&), op_rdtscp(Context&), op_rdpmc(Context&), op_hypercall(Context&);

// clang-format on

}  // namespace ring1::emulator
