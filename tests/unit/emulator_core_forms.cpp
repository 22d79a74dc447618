// SPDX-License-Identifier: GPL-2.0-only
#include "emulator_core_forms.h"

#include "x86/registers.h"

namespace ring1::emulator::test {
namespace {

using namespace eflags;

constexpr uint32_t kMulUndefined = kSf | kZf | kAf | kPf;

void add_alu(std::vector<Form>& forms) {
  static const char* const names[] = {"add", "or", "adc", "sbb", "and", "sub", "xor", "cmp"};
  for (uint8_t op = 0; op < 8; ++op) {
    const uint8_t base = op << 3;
    const uint32_t undefined = op == 1 || op == 4 || op == 6 ? kAf : 0;
    const uint32_t lock = op == 7 ? 0u : kLock;
    forms.push_back({names[op], {base}, kModrm | lock, -1, undefined});
    forms.push_back({names[op], {uint8_t(base | 1)}, kModrm | lock, -1, undefined});
    forms.push_back({names[op], {uint8_t(base | 2)}, kModrm, -1, undefined});
    forms.push_back({names[op], {uint8_t(base | 3)}, kModrm, -1, undefined});
    forms.push_back({names[op], {uint8_t(base | 4)}, kImm8, -1, undefined});
    forms.push_back({names[op], {uint8_t(base | 5)}, kImmZ, -1, undefined});
    forms.push_back({names[op], {0x80}, kModrm | kImm8 | lock, op, undefined});
    forms.push_back({names[op], {0x81}, kModrm | kImmZ | lock, op, undefined});
    forms.push_back({names[op], {0x82}, kModrm | kImm8 | lock, op, undefined});
    forms.push_back({names[op], {0x83}, kModrm | kImm8 | lock, op, undefined});
  }
  forms.push_back({"test", {0x84}, kModrm, -1, kAf});
  forms.push_back({"test", {0x85}, kModrm, -1, kAf});
  forms.push_back({"test", {0xa8}, kImm8, -1, kAf});
  forms.push_back({"test", {0xa9}, kImmZ, -1, kAf});
  for (uint8_t wide = 0; wide < 2; ++wide) {
    const uint8_t group3 = 0xf6 | wide, group4 = 0xfe | wide;
    const uint32_t immediate = wide ? kImmZ : kImm8;
    forms.push_back({"test", {group3}, kModrm | immediate, 0, kAf});
    forms.push_back({"test", {group3}, kModrm | immediate, 1, kAf});
    forms.push_back({"not", {group3}, kModrm | kLock, 2});
    forms.push_back({"neg", {group3}, kModrm | kLock, 3});
    forms.push_back({"mul", {group3}, kModrm, 4, kMulUndefined});
    forms.push_back({"imul", {group3}, kModrm, 5, kMulUndefined});
    forms.push_back({"div", {group3}, kModrm | kDivide, 6, kArithmetic});
    forms.push_back({"idiv", {group3}, kModrm | kDivide, 7, kArithmetic});
    forms.push_back({"inc", {group4}, kModrm | kLock, 0});
    forms.push_back({"dec", {group4}, kModrm | kLock, 1});
  }
  for (uint8_t reg = 0; reg < 8; ++reg) {
    forms.push_back({"inc", {uint8_t(0x40 | reg)}});
    forms.push_back({"dec", {uint8_t(0x48 | reg)}});
  }
  forms.push_back({"imul", {0x0f, 0xaf}, kModrm, -1, kMulUndefined});
  forms.push_back({"imul", {0x69}, kModrm | kImmZ, -1, kMulUndefined});
  forms.push_back({"imul", {0x6b}, kModrm | kImm8, -1, kMulUndefined});
}

void add_shifts(std::vector<Form>& forms) {
  static const char* const names[] = {"rol", "ror", "rcl", "rcr", "shl", "shr", "sal", "sar"};
  for (int op = 0; op < 8; ++op) {
    const uint32_t undefined = op < 4 ? 0 : kAf;
    for (uint8_t wide = 0; wide < 2; ++wide) {
      forms.push_back({names[op], {uint8_t(0xc0 | wide)}, kModrm | kImm8, op, undefined, kOf});
      forms.push_back({names[op], {uint8_t(0xd0 | wide)}, kModrm, op, undefined});
      forms.push_back({names[op], {uint8_t(0xd2 | wide)}, kModrm, op, undefined, kOf});
    }
  }
  for (uint8_t right = 0; right < 2; ++right) {
    const char* name = right ? "shrd" : "shld";
    const uint8_t opcode = right ? 0xac : 0xa4;
    forms.push_back({name, {0x0f, opcode}, kModrm | kImm8, -1, kAf, kOf});
    forms.push_back({name, {0x0f, uint8_t(opcode | 1)}, kModrm, -1, kAf, kOf});
  }
}

void add_bits(std::vector<Form>& forms) {
  constexpr uint32_t kBtUndefined = kOf | kSf | kAf | kPf, kScanUndefined = kOf | kSf | kAf | kPf | kCf;
  static const char* const names[] = {"bt", "bts", "btr", "btc"};
  for (uint8_t op = 0; op < 4; ++op) {
    const uint32_t lock = op ? kLock : 0u;
    forms.push_back({names[op], {0x0f, uint8_t(0xa3 | op << 3)}, kModrm | kBitOffset | lock, -1, kBtUndefined});
    forms.push_back({names[op], {0x0f, 0xba}, kModrm | kImm8 | lock, 4 + op, kBtUndefined});
  }
  forms.push_back({"bsf", {0x0f, 0xbc}, kModrm, -1, kScanUndefined});
  forms.push_back({"bsr", {0x0f, 0xbd}, kModrm, -1, kScanUndefined});
  forms.push_back({"popcnt", {0xf3, 0x0f, 0xb8}, kModrm | kNoPrefix});
  for (uint8_t reg = 0; reg < 8; ++reg) forms.push_back({"bswap", {0x0f, uint8_t(0xc8 | reg)}, kWide});
  for (uint8_t tttn = 0; tttn < 16; ++tttn) {
    forms.push_back({"setcc", {0x0f, uint8_t(0x90 | tttn)}, kModrm});
    forms.push_back({"cmovcc", {0x0f, uint8_t(0x40 | tttn)}, kModrm});
  }
}

void add_moves(std::vector<Form>& forms) {
  for (uint8_t opcode : {0x88, 0x89, 0x8a, 0x8b}) forms.push_back({"mov", {opcode}, kModrm});
  forms.push_back({"mov", {0xc6}, kModrm | kImm8, 0});
  forms.push_back({"mov", {0xc7}, kModrm | kImmZ, 0});
  for (uint8_t reg = 0; reg < 8; ++reg) {
    forms.push_back({"mov", {uint8_t(0xb0 | reg)}, kImm8});
    forms.push_back({"mov", {uint8_t(0xb8 | reg)}, kImmZ});
    forms.push_back({"xchg", {uint8_t(0x90 | reg)}});
    forms.push_back({"push", {uint8_t(0x50 | reg)}});
    forms.push_back({"pop", {uint8_t(0x58 | reg)}});
  }
  for (uint8_t opcode : {0xa0, 0xa1, 0xa2, 0xa3}) forms.push_back({"mov", {opcode}, kMoffs});
  forms.push_back({"movzx", {0x0f, 0xb6}, kModrm});
  forms.push_back({"movzx", {0x0f, 0xb7}, kModrm});
  forms.push_back({"movsx", {0x0f, 0xbe}, kModrm});
  forms.push_back({"movsx", {0x0f, 0xbf}, kModrm});
  forms.push_back({"lea", {0x8d}, kModrm | kMemoryOnly});
  forms.push_back({"xchg", {0x86}, kModrm | kLock});
  forms.push_back({"xchg", {0x87}, kModrm | kLock});
  forms.push_back({"xlat", {0xd7}, kSmallTable});
  forms.push_back({"cbw", {0x98}});
  forms.push_back({"cwd", {0x99}});
  forms.push_back({"xadd", {0x0f, 0xc0}, kModrm | kLock});
  forms.push_back({"xadd", {0x0f, 0xc1}, kModrm | kLock});
  forms.push_back({"cmpxchg", {0x0f, 0xb0}, kModrm | kLock});
  forms.push_back({"cmpxchg", {0x0f, 0xb1}, kModrm | kLock});
  forms.push_back({"cmpxchg8b", {0x0f, 0xc7}, kModrm | kMemoryOnly | kLock | kNoPrefix, 1});
  forms.push_back({"push", {0x68}, kImmZ});
  forms.push_back({"push", {0x6a}, kImm8});
  forms.push_back({"push", {0xff}, kModrm, 6});
  forms.push_back({"pop", {0x8f}, kModrm, 0});
  forms.push_back({"pusha", {0x60}});
  forms.push_back({"popa", {0x61}});
  forms.push_back({"enter", {0xc8}, kImm16 | kImm8 | kFrame});
  forms.push_back({"leave", {0xc9}, kFrame});
  forms.push_back({"bound", {0x62}, kModrm | kMemoryOnly | kBounds});
}

void add_rest(std::vector<Form>& forms) {
  for (uint8_t wide = 0; wide < 2; ++wide) {
    forms.push_back({"movs", {uint8_t(0xa4 | wide)}, kStrings | kRep});
    forms.push_back({"cmps", {uint8_t(0xa6 | wide)}, kStrings | kRep});
    forms.push_back({"stos", {uint8_t(0xaa | wide)}, kStrings | kRep});
    forms.push_back({"lods", {uint8_t(0xac | wide)}, kStrings | kRep});
    forms.push_back({"scas", {uint8_t(0xae | wide)}, kStrings | kRep});
  }
  for (uint8_t tttn = 0; tttn < 16; ++tttn) {
    forms.push_back({"jcc", {uint8_t(0x70 | tttn)}, kImm8 | kBranch | kNoPrefix});
    forms.push_back({"jcc", {0x0f, uint8_t(0x80 | tttn)}, kImmZ | kBranch | kNoPrefix});
  }
  for (uint8_t opcode : {0xe0, 0xe1, 0xe2, 0xe3, 0xeb})
    forms.push_back({"loop", {opcode}, kImm8 | kBranch | kNoPrefix});
  for (uint8_t opcode : {0xe0, 0xe1, 0xe2, 0xe3})
    forms.push_back({"loop", {0x67, opcode}, kImm8 | kBranch | kNoPrefix});
  forms.push_back({"jmp", {0xe9}, kImmZ | kBranch | kNoPrefix});
  forms.push_back({"call", {0xe8}, kImmZ | kBranch | kNoPrefix});
  forms.push_back({"jmp", {0xff}, kModrm | kTargetOperand | kNoPrefix, 4});
  forms.push_back({"call", {0xff}, kModrm | kTargetOperand | kNoPrefix, 2});
  forms.push_back({"ret", {0xc3}, kReturn | kNoPrefix});
  forms.push_back({"ret", {0xc2}, kImm16 | kReturn | kNoPrefix});

  constexpr uint32_t kAdjustUndefined = kOf | kSf | kZf | kPf, kDigitUndefined = kOf | kAf | kCf;
  forms.push_back({"daa", {0x27}, kNoPrefix, -1, kOf});
  forms.push_back({"das", {0x2f}, kNoPrefix, -1, kOf});
  forms.push_back({"aaa", {0x37}, kNoPrefix, -1, kAdjustUndefined});
  forms.push_back({"aas", {0x3f}, kNoPrefix, -1, kAdjustUndefined});
  forms.push_back({"aam", {0xd4}, kImm8 | kNoPrefix, -1, kDigitUndefined});
  forms.push_back({"aad", {0xd5}, kImm8 | kNoPrefix, -1, kDigitUndefined});
  for (uint8_t opcode : {0xf5, 0xf8, 0xf9, 0xfc, 0xfd, 0x9e, 0x9f, 0x90, 0xd6})
    forms.push_back({"flag", {opcode}, kNoPrefix});
  forms.push_back({"pushf", {0x9c}});
  forms.push_back({"popf", {0x9d}, kNearFlags});
  forms.push_back({"nop", {0x0f, 0x1f}, kModrm, 0});
}

}  // namespace

std::vector<Form> all_forms() {
  std::vector<Form> forms;
  add_alu(forms);
  add_shifts(forms);
  add_bits(forms);
  add_moves(forms);
  add_rest(forms);
  return forms;
}

}  // namespace ring1::emulator::test
