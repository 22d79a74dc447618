// SPDX-License-Identifier: GPL-2.0-only
#include "translator/decode.h"

#include "translator/plain.h"
#include "x86/registers.h"

namespace ring1::translator {
namespace {

constexpr uint8_t kOperandSizePrefix = 0x66, kAddressSizePrefix = 0x67;
constexpr uint8_t kCsPrefix = 0x2e, kGsPrefix = 0x65;
// Second opcode bytes (SDM 2 appendix A).
constexpr uint8_t kMovFromCr = 0x20, kMovToCr = 0x22, kMovToTr = 0x26;
constexpr uint8_t kMovFromSegment = 0x8c, kMovToSegment = 0x8e;
constexpr uint8_t kPopSs = 0x17, kPushGs = 0xa8, kPopGs = 0xa9, kPushCs = 0x0e, kPushSs = 0x16;
constexpr uint8_t kPushEs = 0x06, kPushDs = 0x1e, kPushFs = 0xa0;

bool is_segment_prefix(uint8_t byte) {
  switch (byte) {
    case 0x26:
    case kCsPrefix:
    case 0x36:
    case 0x3e:
    case 0x64:
    case kGsPrefix: return true;
    default: return false;
  }
}

bool is_other_prefix(uint8_t byte) {
  return byte == kOperandSizePrefix || byte == kAddressSizePrefix || byte == 0xf0 || byte == 0xf2 || byte == 0xf3;
}

// MOV: DS, ES and FS are the guest's own; CS, SS and GS are read from the shared page and loaded by the
// monitor.
Treatment refine_move(const Mode& mode, Instruction* i) {
  if (i->map == ZYDIS_OPCODE_MAP_0F) {  // the only MOVs of this map: CR, DR and TR
    const bool control = i->opcode == kMovToCr || i->opcode == kMovToTr;
    return control ? Treatment::kCalloutEnd : Treatment::kCallout;
  }
  if (i->map != ZYDIS_OPCODE_MAP_DEFAULT) return Treatment::kCallout;
  const bool hidden = i->reg() == kCs || i->reg() == kSs || i->reg() == kGs;
  if (i->opcode == kMovToSegment) {
    i->loads_ss = i->reg() == kSs;
    return hidden ? Treatment::kCallout : Treatment::kIdent;
  }
  if (i->opcode == kMovFromSegment && hidden) return i->mod() == 3 ? Treatment::kReadSegment : Treatment::kCallout;
  if (i->opcode == kMovFromSegment && !mode.plain_segments) return Treatment::kCallout;
  return Treatment::kIdent;
}

Treatment refine_push_pop(const Mode& mode, Instruction* i) {
  if (i->map == ZYDIS_OPCODE_MAP_0F) {
    if (i->opcode == kPushGs) return Treatment::kPushSegment;
    if (i->opcode == kPushFs && !mode.plain_segments) return Treatment::kCallout;
    return i->opcode == kPopGs ? Treatment::kCallout : Treatment::kIdent;
  }
  if ((i->opcode == kPushDs || i->opcode == kPushEs) && !mode.plain_segments) return Treatment::kCallout;
  if (i->opcode == kPushCs || i->opcode == kPushSs) return Treatment::kPushSegment;
  i->loads_ss = i->opcode == kPopSs;
  return i->loads_ss ? Treatment::kCallout : Treatment::kIdent;
}

// [esp-n], which the pushes of an indirect call's sequence overwrite.
bool reads_below_stack(const Instruction& i, const ZydisDecodedInstruction& decoded) {
  const bool esp_based = i.mod() != 3 && i.rm() == kRsp && !i.address16 && decoded.raw.sib.base == kRsp;
  return esp_based && decoded.raw.disp.value < 0;
}

// The 66 prefix selects another instruction throughout the SSE part of the 0F maps.
bool has_mandatory66(const ZydisDecodedInstruction& decoded) {
  for (unsigned n = 0; n < decoded.raw.prefix_count; ++n)
    if (decoded.raw.prefixes[n].value == kOperandSizePrefix &&
        decoded.raw.prefixes[n].type == ZYDIS_PREFIX_TYPE_MANDATORY)
      return true;
  return false;
}

}  // namespace

bool Instruction::ends_unit() const {
  switch (treatment) {
    case Treatment::kCalloutEnd:
    case Treatment::kJump:
    case Treatment::kLoop:
    case Treatment::kReturn: return true;
    case Treatment::kCall: return indirect;
    default: return false;
  }
}

Decoder::Decoder(const Mode& mode, uint32_t first_eip) : mode_(mode), first_eip_(first_eip), plain_(plain_mode(mode)) {
  if (mode.code32)
    ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
  else
    ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
}

bool Decoder::decode(const uint8_t* bytes, unsigned available, uint16_t offset, Instruction* out) const {
  if (plain_ && decode_plain(bytes, available, first_eip_, offset, out)) return true;
  return decode_with_zydis(bytes, available, offset, out);
}

bool Decoder::decode_with_zydis(const uint8_t* bytes, unsigned available, uint16_t offset, Instruction* out) const {
  ZydisDecodedInstruction decoded;
  ZydisDecoderContext context;
  if (available == 0) return false;
  const unsigned limit = available < kMaxInstructionBytes ? available : kMaxInstructionBytes;
  const ZyanStatus status = ZydisDecoderDecodeInstruction(&decoder_, &context, bytes, limit, &decoded);
  *out = Instruction{.bytes = bytes, .offset = offset, .treatment = Treatment::kCalloutEnd};
  if (!ZYAN_SUCCESS(status)) {
    out->mnemonic = ZYDIS_MNEMONIC_INVALID;
    return status != ZYDIS_STATUS_NO_MORE_DATA || limit == kMaxInstructionBytes;
  }
  out->length = decoded.length;
  out->mnemonic = static_cast<uint16_t>(decoded.mnemonic);
  out->map = decoded.opcode_map;
  out->encoding = decoded.encoding;
  out->opcode = decoded.opcode;
  read_prefixes(out);
  if (decoded.attributes & ZYDIS_ATTRIB_HAS_MODRM) {
    out->modrm_offset = decoded.raw.modrm.offset;
    out->modrm = bytes[out->modrm_offset];
  }
  out->mandatory66 = has_mandatory66(decoded);
  refine(decoded, out);
  return true;
}

// Zydis keeps only the prefixes that count; a copy must judge what the processor sees.
void Decoder::read_prefixes(Instruction* out) const {
  bool has66 = false, has67 = false;
  unsigned n = 0;
  for (; n < out->length; ++n) {
    const uint8_t byte = out->bytes[n];
    if (is_segment_prefix(byte))
      out->segment_prefix = byte;
    else if (!is_other_prefix(byte))
      break;
    has66 |= byte == kOperandSizePrefix;
    has67 |= byte == kAddressSizePrefix;
  }
  out->prefix_bytes = static_cast<uint8_t>(n);
  out->operand16 = has66 == mode_.code32;
  out->address16 = has67 == mode_.code32;
}

void Decoder::refine(const ZydisDecodedInstruction& decoded, Instruction* out) const {
  Treatment treatment = treatment_of(decoded.mnemonic, decoded.meta.category);
  const bool far = decoded.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR;
  const bool foreign_segment = out->segment_prefix == kCsPrefix || out->segment_prefix == kGsPrefix;
  const bool inline_stack = mode_.code32 && mode_.stack32 && !out->operand16;

  switch (treatment) {
    case Treatment::kMove: treatment = refine_move(mode_, out); break;
    case Treatment::kPushPop: treatment = refine_push_pop(mode_, out); break;
    case Treatment::kEnter:
      treatment = decoded.raw.imm[1].value.u == 0 ? Treatment::kIdent : Treatment::kCallout;
      break;
    case Treatment::kReturn:
      if (far || decoded.raw.imm[0].size != 0 || !inline_stack) treatment = Treatment::kCalloutEnd;
      break;
    case Treatment::kCall:
    case Treatment::kJump:
      out->indirect = !far && !decoded.raw.imm[0].is_relative;
      if (far || (out->indirect && foreign_segment)) treatment = Treatment::kCalloutEnd;
      if (out->indirect && treatment == Treatment::kCall && reads_below_stack(*out, decoded))
        treatment = Treatment::kCalloutEnd;
      if ((out->indirect || treatment == Treatment::kCall) && !inline_stack) treatment = Treatment::kCalloutEnd;
      break;
    case Treatment::kPushFlags:
    case Treatment::kPopFlags:
      if (!mode_.plain_flags || !inline_stack || mode_.cpl != 0) treatment = Treatment::kCallout;
      break;
    case Treatment::kClearIf:
    case Treatment::kSetIf:  // elsewhere IOPL decides
      if (mode_.cpl != 0) treatment = Treatment::kCallout;
      break;
    default: break;
  }
  // GS is the shared page and CS is execute-only while translated code runs. LEA only computes.
  if (treatment == Treatment::kIdent && foreign_segment && decoded.mnemonic != ZYDIS_MNEMONIC_LEA)
    treatment = Treatment::kCallout;
  if (treatment != Treatment::kCallout && treatment != Treatment::kCalloutEnd && decoded.raw.imm[0].is_relative) {
    const uint32_t next = first_eip_ + out->offset + out->length;
    out->branch_target = next + static_cast<uint32_t>(decoded.raw.imm[0].value.s);
    if (out->operand16) out->branch_target &= 0xffff;
    if (treatment == Treatment::kCall && out->branch_target == next) treatment = Treatment::kPushEip;
  }
  out->treatment = treatment;
}

}  // namespace ring1::translator
