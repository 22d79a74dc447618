// SPDX-License-Identifier: GPL-2.0-only
#include "translator_text.h"

#include <Zydis/Zydis.h>

#include <cinttypes>
#include <cstdarg>
#include <cstdio>

namespace ring1::translator::test {
namespace {

std::string format(const char* pattern, ...) __attribute__((format(printf, 1, 2)));
std::string format(const char* pattern, ...) {
  char line[256];
  va_list list;
  va_start(list, pattern);
  std::vsnprintf(line, sizeof line, pattern, list);
  va_end(list);
  return line;
}

struct Disassembler {
  explicit Disassembler(bool code32) {
    ZydisDecoderInit(&decoder, code32 ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16,
                     code32 ? ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_16);
    ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
    ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_FORCE_SIZE, ZYAN_TRUE);
    ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_ADDR_PADDING_ABSOLUTE, 4);
  }
  // Returns the length, 0 if the bytes are none.
  unsigned one(const uint8_t* bytes, unsigned size, uint64_t address, std::string* text) {
    ZydisDecodedInstruction instruction;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, size, &instruction, operands))) {
      *text = "(bad)";
      return 0;
    }
    char line[160];
    ZydisFormatterFormatInstruction(&formatter, &instruction, operands, instruction.operand_count_visible, line,
                                    sizeof line, address, nullptr);
    *text = line;
    return instruction.length;
  }
  ZydisDecoder decoder;
  ZydisFormatter formatter;
};

}  // namespace

std::string disassemble_guest(const std::vector<uint8_t>& bytes, uint32_t eip, bool code32, unsigned size) {
  Disassembler disassembler(code32);
  std::string text;
  for (unsigned at = 0; at < size;) {
    std::string line;
    const unsigned length =
        disassembler.one(bytes.data() + at, static_cast<unsigned>(bytes.size() - at), eip + at, &line);
    text += format("  %08x  %s\n", eip + at, line.c_str());
    if (length == 0) break;
    at += length;
  }
  return text;
}

const MapEntry* map_entry_at(const Translation& unit, unsigned code_offset) {
  const MapEntry* found = nullptr;
  for (unsigned n = 0; n < unit.map_count && unit.map[n].code_offset <= code_offset; ++n) found = &unit.map[n];
  return found;
}

std::string describe(const MapEntry& entry, const Translation& unit, uint32_t first_eip) {
  std::string text;
  switch (entry.eip) {
    case MapEntry::Eip::kOffset: text = format("%08x", first_eip + entry.guest_offset); break;
    case MapEntry::Eip::kPopped: text = format("%08x popped", first_eip + entry.guest_offset); break;
    case MapEntry::Eip::kAtStack: text = format("[esp%+d]", entry.eip_disp); break;
    case MapEntry::Eip::kExitTarget:
      text = format("exit %u (%08x)", entry.guest_offset, unit.exits[entry.guest_offset].target_eip);
      break;
  }
  if (entry.esp_delta != 0) text += format(" esp%+d", entry.esp_delta);
  if (entry.ecx_spilled) text += entry.ecx_in_gs ? std::string(" ecx=spill") : format(" ecx=[esp%+d]", entry.ecx_disp);
  if (entry.shadowed) text += " shadowed";
  if (entry.boundary) text += " <-";
  return text;
}

std::string describe(const Translation& unit, uint32_t first_eip, unsigned from) {
  Disassembler disassembler(true);
  std::string text = format("entries: indirect %04x call %04x body %04x; %u instructions, %u bytes\n",
                            unit.indirect_entry, unit.call_entry, unit.body, unit.instructions, unit.guest_size);
  for (unsigned at = from; at < unit.code_size;) {
    std::string line;
    const unsigned length = disassembler.one(unit.code + at, unit.code_size - at, at, &line);
    const MapEntry* entry = map_entry_at(unit, at);
    text += format("  %04x  %-44s | %s\n", at, line.c_str(),
                   entry != nullptr ? describe(*entry, unit, first_eip).c_str() : "?");
    at += length != 0 ? length : 1;
  }
  for (unsigned n = 0; n < unit.exit_count; ++n)
    text += format("exit %u: %08x%s, patch %04x, stub %04x\n", n, unit.exits[n].target_eip,
                   unit.exits[n].is_call ? " call" : "", unit.exits[n].patch_offset, unit.exits[n].stub_offset);
  for (unsigned n = 0; n < unit.return_count; ++n)
    text += format("return %04x: %08x\n", unit.returns[n].code_offset, unit.returns[n].return_eip);
  for (unsigned n = 0; n < unit.callout_count; ++n) {
    const Callout& callout = unit.callouts[n];
    if (callout.code_offset < from) continue;
    text += format("callout %04x: vector %u, %08x, %s, %u bytes\n", callout.code_offset,
                   unit.code[callout.code_offset + 1], first_eip + callout.guest_offset,
                   ZydisMnemonicGetString(static_cast<ZydisMnemonic>(callout.mnemonic)), callout.length);
  }
  return text;
}

}  // namespace ring1::translator::test
