// SPDX-License-Identifier: GPL-2.0-only
#include "emulator/table.h"

#include <array>

#include "emulator/handlers.h"
#include "emulator/system/handlers.h"

namespace ring1::emulator {
namespace {

#define ROW(mnemonic, handler, facts) \
  { ZYDIS_MNEMONIC_##mnemonic, handler, facts }

// clang-format off
constexpr Row kRows[] = {
    // Arithmetic and logic.
    ROW(ADD,         op_add,       kPlain),
    ROW(ADC,         op_adc,       kPlain),
    ROW(SUB,         op_sub,       kPlain),
    ROW(SBB,         op_sbb,       kPlain),
    ROW(CMP,         op_cmp,       kPlain),
    ROW(AND,         op_and,       kPlain),
    ROW(OR,          op_or,        kPlain),
    ROW(XOR,         op_xor,       kPlain),
    ROW(TEST,        op_test,      kPlain),
    ROW(INC,         op_inc,       kPlain),
    ROW(DEC,         op_dec,       kPlain),
    ROW(NEG,         op_neg,       kPlain),
    ROW(NOT,         op_not,       kPlain),
    ROW(ROL,         op_rol,       kPlain),
    ROW(ROR,         op_ror,       kPlain),
    ROW(RCL,         op_rcl,       kPlain),
    ROW(RCR,         op_rcr,       kPlain),
    ROW(SHL,         op_shl,       kPlain),
    ROW(SHR,         op_shr,       kPlain),
    ROW(SAR,         op_sar,       kPlain),
    ROW(SHLD,        op_shld,      kPlain),
    ROW(SHRD,        op_shrd,      kPlain),
    ROW(MUL,         op_mul,       kPlain),
    ROW(IMUL,        op_imul,      kPlain),
    ROW(DIV,         op_div,       kPlain),
    ROW(IDIV,        op_idiv,      kPlain),
    ROW(BT,          op_bt,        kPlain),
    ROW(BTS,         op_bts,       kPlain),
    ROW(BTR,         op_btr,       kPlain),
    ROW(BTC,         op_btc,       kPlain),
    ROW(BSF,         op_bsf,       kPlain),
    ROW(BSR,         op_bsr,       kPlain),
    ROW(TZCNT,       op_tzcnt,     kPlain),
    ROW(LZCNT,       op_lzcnt,     kPlain),
    ROW(POPCNT,      op_popcnt,    kPlain),
    ROW(BSWAP,       op_bswap,     kPlain),
    ROW(DAA,         op_daa,       kLegacyOnly),
    ROW(DAS,         op_das,       kLegacyOnly),
    ROW(AAA,         op_aaa,       kLegacyOnly),
    ROW(AAS,         op_aas,       kLegacyOnly),
    ROW(AAM,         op_aam,       kLegacyOnly),
    ROW(AAD,         op_aad,       kLegacyOnly),

    // Moves.
    ROW(MOV,         any_mov,      kPlain),
    ROW(MOVZX,       op_movzx,     kPlain),
    ROW(MOVSX,       op_movsx,     kPlain),
    ROW(MOVSXD,      op_movsx,     kPlain),
    ROW(MOVNTI,      op_mov,       kPlain),
    ROW(MOVBE,       op_movbe,     kPlain),
    ROW(LEA,         op_lea,       kPlain),
    ROW(XCHG,        op_xchg,      kPlain),
    ROW(XLAT,        op_xlat,      kPlain),
    ROW(CBW,         op_cbw,       kPlain),
    ROW(CWDE,        op_cwde,      kPlain),
    ROW(CWD,         op_cwd,       kPlain),
    ROW(CDQ,         op_cdq,       kPlain),
    ROW(CDQE,        op_cdqe,      kPlain),
    ROW(CQO,         op_cqo,       kPlain),
    ROW(XADD,        op_xadd,      kPlain),
    ROW(CMPXCHG,     op_cmpxchg,   kPlain),
    ROW(CMPXCHG8B,   op_cmpxchg8b, kPlain),
    ROW(PUSH,        any_push,     kPlain),
    ROW(POP,         any_pop,      kPlain),
    ROW(PUSHA,       op_pusha,     kLegacyOnly),
    ROW(PUSHAD,      op_pusha,     kLegacyOnly),
    ROW(POPA,        op_popa,      kLegacyOnly),
    ROW(POPAD,       op_popa,      kLegacyOnly),
    ROW(ENTER,       op_enter,     kLegacyOnly),
    ROW(LEAVE,       op_leave,     kPlain),
    ROW(CMOVO,       op_cmovcc,    kPlain),
    ROW(CMOVNO,      op_cmovcc,    kPlain),
    ROW(CMOVB,       op_cmovcc,    kPlain),
    ROW(CMOVNB,      op_cmovcc,    kPlain),
    ROW(CMOVZ,       op_cmovcc,    kPlain),
    ROW(CMOVNZ,      op_cmovcc,    kPlain),
    ROW(CMOVBE,      op_cmovcc,    kPlain),
    ROW(CMOVNBE,     op_cmovcc,    kPlain),
    ROW(CMOVS,       op_cmovcc,    kPlain),
    ROW(CMOVNS,      op_cmovcc,    kPlain),
    ROW(CMOVP,       op_cmovcc,    kPlain),
    ROW(CMOVNP,      op_cmovcc,    kPlain),
    ROW(CMOVL,       op_cmovcc,    kPlain),
    ROW(CMOVNL,      op_cmovcc,    kPlain),
    ROW(CMOVLE,      op_cmovcc,    kPlain),
    ROW(CMOVNLE,     op_cmovcc,    kPlain),
    ROW(SETO,        op_setcc,     kPlain),
    ROW(SETNO,       op_setcc,     kPlain),
    ROW(SETB,        op_setcc,     kPlain),
    ROW(SETNB,       op_setcc,     kPlain),
    ROW(SETZ,        op_setcc,     kPlain),
    ROW(SETNZ,       op_setcc,     kPlain),
    ROW(SETBE,       op_setcc,     kPlain),
    ROW(SETNBE,      op_setcc,     kPlain),
    ROW(SETS,        op_setcc,     kPlain),
    ROW(SETNS,       op_setcc,     kPlain),
    ROW(SETP,        op_setcc,     kPlain),
    ROW(SETNP,       op_setcc,     kPlain),
    ROW(SETL,        op_setcc,     kPlain),
    ROW(SETNL,       op_setcc,     kPlain),
    ROW(SETLE,       op_setcc,     kPlain),
    ROW(SETNLE,      op_setcc,     kPlain),

    // Strings.
    ROW(MOVSB,       op_movs,      kPlain),
    ROW(MOVSW,       op_movs,      kPlain),
    ROW(MOVSD,       op_movs,      kPlain),
    ROW(MOVSQ,       op_movs,      kPlain),
    ROW(CMPSB,       op_cmps,      kPlain),
    ROW(CMPSW,       op_cmps,      kPlain),
    ROW(CMPSD,       op_cmps,      kPlain),
    ROW(CMPSQ,       op_cmps,      kPlain),
    ROW(SCASB,       op_scas,      kPlain),
    ROW(SCASW,       op_scas,      kPlain),
    ROW(SCASD,       op_scas,      kPlain),
    ROW(SCASQ,       op_scas,      kPlain),
    ROW(LODSB,       op_lods,      kPlain),
    ROW(LODSW,       op_lods,      kPlain),
    ROW(LODSD,       op_lods,      kPlain),
    ROW(LODSQ,       op_lods,      kPlain),
    ROW(STOSB,       op_stos,      kPlain),
    ROW(STOSW,       op_stos,      kPlain),
    ROW(STOSD,       op_stos,      kPlain),
    ROW(STOSQ,       op_stos,      kPlain),
    ROW(INSB,        op_ins,       kPlain),
    ROW(INSW,        op_ins,       kPlain),
    ROW(INSD,        op_ins,       kPlain),
    ROW(OUTSB,       op_outs,      kPlain),
    ROW(OUTSW,       op_outs,      kPlain),
    ROW(OUTSD,       op_outs,      kPlain),

    // Control transfers.
    ROW(JMP,         any_jmp,      kPlain),
    ROW(CALL,        any_call,     kPlain),
    ROW(RET,         any_ret,      kPlain),
    ROW(JO,          op_jcc,       kPlain),
    ROW(JNO,         op_jcc,       kPlain),
    ROW(JB,          op_jcc,       kPlain),
    ROW(JNB,         op_jcc,       kPlain),
    ROW(JZ,          op_jcc,       kPlain),
    ROW(JNZ,         op_jcc,       kPlain),
    ROW(JBE,         op_jcc,       kPlain),
    ROW(JNBE,        op_jcc,       kPlain),
    ROW(JS,          op_jcc,       kPlain),
    ROW(JNS,         op_jcc,       kPlain),
    ROW(JP,          op_jcc,       kPlain),
    ROW(JNP,         op_jcc,       kPlain),
    ROW(JL,          op_jcc,       kPlain),
    ROW(JNL,         op_jcc,       kPlain),
    ROW(JLE,         op_jcc,       kPlain),
    ROW(JNLE,        op_jcc,       kPlain),
    ROW(LOOP,        op_loop,      kPlain),
    ROW(LOOPE,       op_loope,     kPlain),
    ROW(LOOPNE,      op_loopne,    kPlain),
    ROW(JCXZ,        op_jcxz,      kPlain),
    ROW(JECXZ,       op_jcxz,      kPlain),
    ROW(JRCXZ,       op_jcxz,      kPlain),
    ROW(BOUND,       op_bound,     kLegacyOnly),
    ROW(INT,         op_int,       kLegacyOnly),
    ROW(INT3,        op_int3,      kLegacyOnly),
    ROW(INT1,        op_int1,      kPlain),
    ROW(INTO,        op_into,      kLegacyOnly),
    ROW(UD0,         op_ud,        kPlain),
    ROW(UD1,         op_ud,        kPlain),
    ROW(UD2,         op_ud,        kPlain),
    ROW(RSM,         op_ud,        kPlain),
    ROW(IRET,        op_iret,      kLegacyOnly),
    ROW(IRETD,       op_iret,      kLegacyOnly),
    ROW(SYSENTER,    op_sysenter,  kLegacyOnly),
    ROW(SYSEXIT,     op_sysexit,   kLegacyOnly),
    ROW(SYSCALL,     op_ud,        kLegacyOnly),  // outside long mode Intel has neither
    ROW(SYSRET,      op_ud,        kLegacyOnly),  // outside long mode Intel has neither

    // Flags.
    ROW(CLI,         op_cli,       kPlain),
    ROW(STI,         op_sti,       kPlain),
    ROW(PUSHF,       op_pushf,     kPlain),
    ROW(PUSHFD,      op_pushf,     kPlain),
    ROW(PUSHFQ,      op_pushf,     kPlain),
    ROW(POPF,        op_popf,      kPlain),
    ROW(POPFD,       op_popf,      kPlain),
    ROW(POPFQ,       op_popf,      kPlain),
    ROW(LAHF,        op_lahf,      kPlain),
    ROW(SAHF,        op_sahf,      kPlain),
    ROW(CLC,         op_clc,       kPlain),
    ROW(STC,         op_stc,       kPlain),
    ROW(CMC,         op_cmc,       kPlain),
    ROW(CLD,         op_cld,       kPlain),
    ROW(STD,         op_std,       kPlain),
    ROW(SALC,        op_salc,      kLegacyOnly),
    ROW(CLAC,        op_clac,      kPlain),
    ROW(STAC,        op_stac,      kPlain),

    // Without effect here: hints, fences, caches.
    ROW(NOP,         op_nop,       kPlain),
    ROW(PAUSE,       op_nop,       kPlain),
    ROW(ENDBR32,     op_nop,       kPlain),
    ROW(ENDBR64,     op_nop,       kPlain),

    // Opcodes set aside for hints, of which no CPUID bit shows what they have become.
    ROW(CLDEMOTE,    op_nop,       kPlain),
    ROW(RDSSPD,      op_nop,       kPlain),
    ROW(RDSSPQ,      op_nop,       kPlain),
    ROW(BNDMK,       op_nop,       kPlain),
    ROW(BNDCL,       op_nop,       kPlain),
    ROW(BNDCU,       op_nop,       kPlain),
    ROW(BNDCN,       op_nop,       kPlain),
    ROW(BNDMOV,      op_nop,       kPlain),
    ROW(BNDLDX,      op_nop,       kPlain),
    ROW(BNDSTX,      op_nop,       kPlain),

    ROW(CRC32,       op_crc32,     kPlain),
    ROW(RDRAND,      op_rdrand,    kPlain),
    ROW(LFENCE,      op_nop,       kPlain),
    ROW(MFENCE,      op_nop,       kPlain),
    ROW(SFENCE,      op_nop,       kPlain),
    ROW(PREFETCH,    op_nop,       kPlain),
    ROW(PREFETCHW,   op_nop,       kPlain),
    ROW(PREFETCHNTA, op_nop,       kPlain),
    ROW(PREFETCHT0,  op_nop,       kPlain),
    ROW(PREFETCHT1,  op_nop,       kPlain),
    ROW(PREFETCHT2,  op_nop,       kPlain),
    ROW(PREFETCHWT1, op_nop,       kPlain),
    ROW(CLFLUSH,     op_nop,       kPlain),
    ROW(CLFLUSHOPT,  op_nop,       kPlain),

    // The rest of the processor.
    ROW(HLT,         op_hlt,       kPrivileged),
    ROW(CPUID,       op_cpuid,     kPlain),
    ROW(FWAIT,       op_wait,      kPlain),
    ROW(FXSAVE,      op_fxsave,    kPlain),
    ROW(FXRSTOR,     op_fxsave,    kPlain),
    ROW(RDTSC,       op_rdtsc,     kPlain),
    ROW(RDTSCP,      op_rdtscp,    kPlain),
    ROW(RDPMC,       op_rdpmc,     kPlain),
    ROW(IN,          op_in,        kPlain),
    ROW(OUT,         op_out,       kPlain),
    ROW(LDS,         op_load_far,  kLegacyOnly),
    ROW(LES,         op_load_far,  kLegacyOnly),
    ROW(LFS,         op_load_far,  kLegacyOnly),
    ROW(LGS,         op_load_far,  kLegacyOnly),
    ROW(LSS,         op_load_far,  kLegacyOnly),
    ROW(LGDT,        op_lgdt,      kPrivileged | kLegacyOnly),
    ROW(LIDT,        op_lidt,      kPrivileged | kLegacyOnly),
    ROW(SGDT,        op_sgdt,      kLegacyOnly),
    ROW(SIDT,        op_sidt,      kLegacyOnly),
    ROW(LLDT,        op_lldt,      kPrivileged | kProtectedOnly | kLegacyOnly),
    ROW(LTR,         op_ltr,       kPrivileged | kProtectedOnly | kLegacyOnly),
    ROW(SLDT,        op_sldt,      kProtectedOnly | kLegacyOnly),
    ROW(STR,         op_str,       kProtectedOnly | kLegacyOnly),
    ROW(LMSW,        op_lmsw,      kPrivileged),
    ROW(SMSW,        op_smsw,      kPlain),
    ROW(CLTS,        op_clts,      kPrivileged),
    ROW(RDMSR,       op_rdmsr,     kPrivileged),
    ROW(WRMSR,       op_wrmsr,     kPrivileged),
    ROW(INVLPG,      op_invlpg,    kPrivileged),
    ROW(INVD,        op_invd,      kPrivileged),
    ROW(WBINVD,      op_wbinvd,    kPrivileged),
    ROW(LAR,         op_lar,       kProtectedOnly | kLegacyOnly),
    ROW(LSL,         op_lsl,       kProtectedOnly | kLegacyOnly),
    ROW(VERR,        op_verr,      kProtectedOnly | kLegacyOnly),
    ROW(VERW,        op_verw,      kProtectedOnly | kLegacyOnly),
    ROW(ARPL,        op_arpl,      kProtectedOnly | kLegacyOnly),

    // Virtualisation of its own is not offered to the guest.
    ROW(VMCALL,      op_hypercall, kPlain),
    ROW(VMMCALL,     op_hypercall, kPlain),
    ROW(VMLAUNCH,    op_ud,        kPlain),
    ROW(VMRESUME,    op_ud,        kPlain),
    ROW(VMXON,       op_ud,        kPlain),
    ROW(VMXOFF,      op_ud,        kPlain),
    ROW(VMREAD,      op_ud,        kPlain),
    ROW(VMWRITE,     op_ud,        kPlain),
    ROW(VMPTRLD,     op_ud,        kPlain),
    ROW(VMPTRST,     op_ud,        kPlain),
    ROW(VMCLEAR,     op_ud,        kPlain),
    ROW(VMRUN,       op_ud,        kPlain),
    ROW(VMLOAD,      op_ud,        kPlain),
    ROW(VMSAVE,      op_ud,        kPlain),
    ROW(STGI,        op_ud,        kPlain),
    ROW(CLGI,        op_ud,        kPlain),
    ROW(MONITOR,     op_ud,        kPlain),
    ROW(MWAIT,       op_ud,        kPlain),

    // Nor are these: no CPUID bit shows them, or CR4 does not turn them on.
    ROW(GETSEC,      op_ud,        kPlain),
    ROW(SKINIT,      op_ud,        kPlain),
    ROW(LLWPCB,      op_ud,        kPlain),
    ROW(SLWPCB,      op_ud,        kPlain),
    ROW(LWPINS,      op_ud,        kPlain),
    ROW(LWPVAL,      op_ud,        kPlain),
    ROW(XBEGIN,      op_ud,        kPlain),
    ROW(XEND,        op_ud,        kPlain),
    ROW(XABORT,      op_ud,        kPlain),
    ROW(XTEST,       op_ud,        kPlain),
    ROW(XGETBV,      op_ud,        kPlain),
    ROW(XSETBV,      op_ud,        kPlain),
    ROW(XSAVE,       op_ud,        kPlain),
    ROW(XSAVES,      op_ud,        kPlain),
    ROW(XSAVEC,      op_ud,        kPlain),
    ROW(XSAVEOPT,    op_ud,        kPlain),
    ROW(XRSTOR,      op_ud,        kPlain),
    ROW(XRSTORS,     op_ud,        kPlain),
    ROW(JKZD,        op_ud,        kPlain),
    ROW(JKNZD,       op_ud,        kPlain),
    ROW(INVEPT,      op_ud,        kPlain),
    ROW(INVVPID,     op_ud,        kPlain),
    ROW(VMFUNC,      op_ud,        kPlain),
    ROW(INVLPGA,     op_ud,        kPlain),
    ROW(INVPCID,     op_ud,        kPlain),
    ROW(MONITORX,    op_ud,        kPlain),
    ROW(MWAITX,      op_ud,        kPlain),
    ROW(CLZERO,      op_ud,        kPlain),
    ROW(RDPRU,       op_ud,        kPlain),
    ROW(PCONFIG,     op_ud,        kPlain),
    ROW(ENCLS,       op_ud,        kPlain),
    ROW(ENCLU,       op_ud,        kPlain),
    ROW(ENCLV,       op_ud,        kPlain),
    ROW(RDPKRU,      op_ud,        kPlain),
    ROW(WRPKRU,      op_ud,        kPlain),
    ROW(UMONITOR,    op_ud,        kPlain),
    ROW(UMWAIT,      op_ud,        kPlain),
    ROW(TPAUSE,      op_ud,        kPlain),
    ROW(RDPID,       op_ud,        kPlain),
};

// clang-format on
#undef ROW

constexpr uint16_t kNone = 0xffff;
using Index = std::array<uint16_t, ZYDIS_MNEMONIC_MAX_VALUE + 1>;

constexpr Index make_index() {
  Index index{};
  for (auto& entry : index) entry = kNone;
  for (unsigned i = 0; i < sizeof(kRows) / sizeof(kRows[0]); ++i) index[kRows[i].mnemonic] = static_cast<uint16_t>(i);
  return index;
}

constexpr Index kIndex = make_index();

constexpr bool one_row_each() {
  unsigned used = 0;
  for (auto entry : kIndex) used += entry != kNone;
  return used == sizeof(kRows) / sizeof(kRows[0]);
}
static_assert(one_row_each(), "a mnemonic has two rows");

// The string forms lie in the one-byte opcode map.
bool is_sse_namesake(const ZydisDecodedInstruction& instruction) {
  return (instruction.mnemonic == ZYDIS_MNEMONIC_MOVSD || instruction.mnemonic == ZYDIS_MNEMONIC_CMPSD) &&
         instruction.opcode_map != ZYDIS_OPCODE_MAP_DEFAULT;
}

}  // namespace

const Row* find_row(const ZydisDecodedInstruction& instruction) {
  const uint16_t index = kIndex[instruction.mnemonic];
  return index == kNone || is_sse_namesake(instruction) ? nullptr : &kRows[index];
}

}  // namespace ring1::emulator
