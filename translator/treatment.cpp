// SPDX-License-Identifier: GPL-2.0-only
#include "translator/treatment.h"

#include <array>
#include <cstddef>

namespace ring1::translator {
namespace {

using enum Treatment;

struct CategoryRow {
  ZydisInstructionCategory category;
  Treatment treatment;
};

// Classes that neither read nor write a sensitive register, nor transfer control.
constexpr CategoryRow kCategories[] = {
    {ZYDIS_CATEGORY_ADOX_ADCX, kIdent},
    {ZYDIS_CATEGORY_AES, kIdent},
    {ZYDIS_CATEGORY_AMD3DNOW, kIdent},
    {ZYDIS_CATEGORY_AVX, kIdent},
    {ZYDIS_CATEGORY_AVX2, kIdent},
    {ZYDIS_CATEGORY_AVX2GATHER, kIdent},
    {ZYDIS_CATEGORY_AVX512, kIdent},
    {ZYDIS_CATEGORY_AVX512_BITALG, kIdent},
    {ZYDIS_CATEGORY_AVX512_VBMI, kIdent},
    {ZYDIS_CATEGORY_BINARY, kIdent},
    {ZYDIS_CATEGORY_BITBYTE, kIdent},
    {ZYDIS_CATEGORY_BLEND, kIdent},
    {ZYDIS_CATEGORY_BMI1, kIdent},
    {ZYDIS_CATEGORY_BMI2, kIdent},
    {ZYDIS_CATEGORY_BROADCAST, kIdent},
    {ZYDIS_CATEGORY_CALL, kCall},
    {ZYDIS_CATEGORY_CLDEMOTE, kIdent},
    {ZYDIS_CATEGORY_CLFLUSHOPT, kIdent},
    {ZYDIS_CATEGORY_CLWB, kIdent},
    {ZYDIS_CATEGORY_CMOV, kIdent},
    {ZYDIS_CATEGORY_COMPRESS, kIdent},
    {ZYDIS_CATEGORY_COND_BR, kConditional},
    {ZYDIS_CATEGORY_CONFLICT, kIdent},
    {ZYDIS_CATEGORY_CONVERT, kIdent},
    {ZYDIS_CATEGORY_DATAXFER, kIdent},
    {ZYDIS_CATEGORY_DECIMAL, kIdent},
    {ZYDIS_CATEGORY_EXPAND, kIdent},
    {ZYDIS_CATEGORY_FCMOV, kIdent},
    {ZYDIS_CATEGORY_FLAGOP, kIdent},
    {ZYDIS_CATEGORY_FMA4, kIdent},
    {ZYDIS_CATEGORY_FP16, kIdent},
    {ZYDIS_CATEGORY_GATHER, kIdent},
    {ZYDIS_CATEGORY_GFNI, kIdent},
    {ZYDIS_CATEGORY_IFMA, kIdent},
    {ZYDIS_CATEGORY_INTERRUPT, kCalloutEnd},
    {ZYDIS_CATEGORY_KMASK, kIdent},
    {ZYDIS_CATEGORY_LOGICAL, kIdent},
    {ZYDIS_CATEGORY_LOGICAL_FP, kIdent},
    {ZYDIS_CATEGORY_LZCNT, kIdent},
    {ZYDIS_CATEGORY_MMX, kIdent},
    {ZYDIS_CATEGORY_NOP, kNop},
    {ZYDIS_CATEGORY_PCLMULQDQ, kIdent},
    {ZYDIS_CATEGORY_POP, kPushPop},
    {ZYDIS_CATEGORY_PREFETCH, kIdent},
    {ZYDIS_CATEGORY_PREFETCHWT1, kIdent},
    {ZYDIS_CATEGORY_PUSH, kPushPop},
    {ZYDIS_CATEGORY_RDRAND, kIdent},
    {ZYDIS_CATEGORY_RDSEED, kIdent},
    {ZYDIS_CATEGORY_RET, kCalloutEnd},
    {ZYDIS_CATEGORY_ROTATE, kIdent},
    {ZYDIS_CATEGORY_SCATTER, kIdent},
    {ZYDIS_CATEGORY_SEGOP, kIdent},
    {ZYDIS_CATEGORY_SEMAPHORE, kIdent},
    {ZYDIS_CATEGORY_SETCC, kIdent},
    {ZYDIS_CATEGORY_SHA, kIdent},
    {ZYDIS_CATEGORY_SHIFT, kIdent},
    {ZYDIS_CATEGORY_SSE, kIdent},
    {ZYDIS_CATEGORY_STRINGOP, kIdent},
    {ZYDIS_CATEGORY_STTNI, kIdent},
    {ZYDIS_CATEGORY_SYSCALL, kCalloutEnd},
    {ZYDIS_CATEGORY_SYSRET, kCalloutEnd},
    {ZYDIS_CATEGORY_TBM, kIdent},
    {ZYDIS_CATEGORY_UNCOND_BR, kJump},
    {ZYDIS_CATEGORY_VAES, kIdent},
    {ZYDIS_CATEGORY_VBMI2, kIdent},
    {ZYDIS_CATEGORY_VEX, kIdent},
    {ZYDIS_CATEGORY_VFMA, kIdent},
    {ZYDIS_CATEGORY_VPCLMULQDQ, kIdent},
    {ZYDIS_CATEGORY_VTX, kCalloutEnd},
    {ZYDIS_CATEGORY_WIDENOP, kNop},
    {ZYDIS_CATEGORY_X87_ALU, kIdent},
    {ZYDIS_CATEGORY_XOP, kIdent},
    {ZYDIS_CATEGORY_XSAVE, kIdent},
    {ZYDIS_CATEGORY_XSAVEOPT, kIdent},
};

struct MnemonicRow {
  ZydisMnemonic mnemonic;
  Treatment treatment;
};

// Where an instruction differs from its class.
constexpr MnemonicRow kMnemonics[] = {
    {ZYDIS_MNEMONIC_CLI, kClearIf},
    {ZYDIS_MNEMONIC_STI, kSetIf},
    {ZYDIS_MNEMONIC_PUSHF, kPushFlags},
    {ZYDIS_MNEMONIC_PUSHFD, kPushFlags},
    {ZYDIS_MNEMONIC_POPF, kPopFlags},
    {ZYDIS_MNEMONIC_POPFD, kPopFlags},
    {ZYDIS_MNEMONIC_MOV, kMove},
    {ZYDIS_MNEMONIC_RET, kReturn},
    {ZYDIS_MNEMONIC_ENTER, kEnter},
    {ZYDIS_MNEMONIC_LOOP, kLoop},
    {ZYDIS_MNEMONIC_LOOPE, kLoop},
    {ZYDIS_MNEMONIC_LOOPNE, kLoop},
    {ZYDIS_MNEMONIC_JCXZ, kLoop},
    {ZYDIS_MNEMONIC_JECXZ, kLoop},
    {ZYDIS_MNEMONIC_XBEGIN, kCalloutEnd},
    {ZYDIS_MNEMONIC_XEND, kCalloutEnd},
    {ZYDIS_MNEMONIC_XABORT, kCalloutEnd},
    {ZYDIS_MNEMONIC_XTEST, kCallout},
    {ZYDIS_MNEMONIC_JKZD, kCalloutEnd},
    {ZYDIS_MNEMONIC_JKNZD, kCalloutEnd},
    {ZYDIS_MNEMONIC_BOUND, kIdent},
    {ZYDIS_MNEMONIC_ARPL, kIdent},
    // Segment loads: SS and GS are not the guest's own while its code runs.
    {ZYDIS_MNEMONIC_LSS, kCallout},
    {ZYDIS_MNEMONIC_LGS, kCallout},
    // Descriptor tables and what the descriptors' real privilege levels would show through.
    {ZYDIS_MNEMONIC_LGDT, kCallout},
    {ZYDIS_MNEMONIC_LIDT, kCallout},
    {ZYDIS_MNEMONIC_LLDT, kCallout},
    {ZYDIS_MNEMONIC_LTR, kCallout},
    {ZYDIS_MNEMONIC_SGDT, kCallout},
    {ZYDIS_MNEMONIC_SIDT, kCallout},
    {ZYDIS_MNEMONIC_SLDT, kCallout},
    {ZYDIS_MNEMONIC_STR, kCallout},
    {ZYDIS_MNEMONIC_LAR, kCallout},
    {ZYDIS_MNEMONIC_LSL, kCallout},
    {ZYDIS_MNEMONIC_VERR, kCallout},
    {ZYDIS_MNEMONIC_VERW, kCallout},
    // Control registers: a new mode or mapping must be in force for the next fetch.
    {ZYDIS_MNEMONIC_SMSW, kCallout},
    {ZYDIS_MNEMONIC_LMSW, kCalloutEnd},
    {ZYDIS_MNEMONIC_XGETBV, kCallout},
    {ZYDIS_MNEMONIC_XSETBV, kCallout},
    {ZYDIS_MNEMONIC_XSAVES, kCallout},
    {ZYDIS_MNEMONIC_XRSTORS, kCallout},
    {ZYDIS_MNEMONIC_RSM, kCalloutEnd},
    {ZYDIS_MNEMONIC_VMRUN, kCalloutEnd},
    {ZYDIS_MNEMONIC_SKINIT, kCalloutEnd},
    {ZYDIS_MNEMONIC_GETSEC, kCalloutEnd},
    {ZYDIS_MNEMONIC_UD0, kCalloutEnd},
    {ZYDIS_MNEMONIC_UD1, kCalloutEnd},
    {ZYDIS_MNEMONIC_UD2, kCalloutEnd},
    {ZYDIS_MNEMONIC_LLWPCB, kCallout},
    {ZYDIS_MNEMONIC_SLWPCB, kCallout},
    {ZYDIS_MNEMONIC_LWPINS, kCallout},
    {ZYDIS_MNEMONIC_LWPVAL, kCallout},
    {ZYDIS_MNEMONIC_STAC, kCallout},
    {ZYDIS_MNEMONIC_CLAC, kCallout},
    // The harmless members of the mixed class.
    {ZYDIS_MNEMONIC_LEA, kIdent},
    {ZYDIS_MNEMONIC_LEAVE, kIdent},
    {ZYDIS_MNEMONIC_XLAT, kIdent},
    {ZYDIS_MNEMONIC_PAUSE, kIdent},
    {ZYDIS_MNEMONIC_CLFLUSH, kIdent},
    {ZYDIS_MNEMONIC_LFENCE, kIdent},
    {ZYDIS_MNEMONIC_MFENCE, kIdent},
    {ZYDIS_MNEMONIC_SFENCE, kIdent},
    {ZYDIS_MNEMONIC_SERIALIZE, kIdent},
    {ZYDIS_MNEMONIC_FXSAVE, kIdent},
    {ZYDIS_MNEMONIC_FXRSTOR, kIdent},
    {ZYDIS_MNEMONIC_LDMXCSR, kIdent},
    {ZYDIS_MNEMONIC_STMXCSR, kIdent},
    {ZYDIS_MNEMONIC_EMMS, kIdent},
    {ZYDIS_MNEMONIC_FEMMS, kIdent},
    {ZYDIS_MNEMONIC_ENDBR32, kNop},
    {ZYDIS_MNEMONIC_ENDBR64, kNop},
};

struct Tables {
  std::array<Treatment, ZYDIS_MNEMONIC_MAX_VALUE + 1> by_mnemonic{};
  std::array<bool, ZYDIS_MNEMONIC_MAX_VALUE + 1> differs{};
  std::array<Treatment, ZYDIS_CATEGORY_MAX_VALUE + 1> by_category{};
};

constexpr Tables build() {
  Tables tables;
  for (Treatment& treatment : tables.by_category) treatment = kCallout;
  for (const CategoryRow& row : kCategories) tables.by_category[row.category] = row.treatment;
  for (const MnemonicRow& row : kMnemonics) {
    tables.by_mnemonic[row.mnemonic] = row.treatment;
    tables.differs[row.mnemonic] = true;
  }
  return tables;
}

constexpr Tables kTables = build();

}  // namespace

Treatment treatment_of(ZydisMnemonic mnemonic, ZydisInstructionCategory category) {
  return kTables.differs[mnemonic] ? kTables.by_mnemonic[mnemonic] : kTables.by_category[category];
}

}  // namespace ring1::translator
