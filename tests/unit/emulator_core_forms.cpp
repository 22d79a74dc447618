// SPDX-License-Identifier: GPL-2.0-only
#include "emulator_core_forms.h"

#include <cstdio>
#include <cstring>

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
  forms.push_back({"popcnt", {0xf3, 0x0f, 0xb8}, kModrm | kNo16});
  for (uint8_t reg = 0; reg < 8; ++reg) forms.push_back({"bswap", {0x0f, uint8_t(0xc8 | reg)}, kNo16});
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
  forms.push_back({"cmpxchg8b", {0x0f, 0xc7}, kModrm | kMemoryOnly | kLock | kNo16, 1});
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
    forms.push_back({"jcc", {uint8_t(0x70 | tttn)}, kImm8 | kBranch | kNo16});
    forms.push_back({"jcc", {0x0f, uint8_t(0x80 | tttn)}, kImmZ | kBranch | kNo16});
  }
  for (uint8_t opcode : {0xe0, 0xe1, 0xe2, 0xe3, 0xeb}) forms.push_back({"loop", {opcode}, kImm8 | kBranch | kNo16});
  for (uint8_t opcode : {0xe0, 0xe1, 0xe2, 0xe3}) forms.push_back({"loop", {0x67, opcode}, kImm8 | kBranch | kNo16});
  forms.push_back({"jmp", {0xe9}, kImmZ | kBranch | kNo16});
  forms.push_back({"call", {0xe8}, kImmZ | kBranch | kNo16});
  forms.push_back({"jmp", {0xff}, kModrm | kTargetOperand | kNo16, 4});
  forms.push_back({"call", {0xff}, kModrm | kTargetOperand | kNo16, 2});
  forms.push_back({"ret", {0xc3}, kReturn | kNo16});
  forms.push_back({"ret", {0xc2}, kImm16 | kReturn | kNo16});

  constexpr uint32_t kAdjustUndefined = kOf | kSf | kZf | kPf, kDigitUndefined = kOf | kAf | kCf;
  forms.push_back({"daa", {0x27}, kNo16, -1, kOf});
  forms.push_back({"das", {0x2f}, kNo16, -1, kOf});
  forms.push_back({"aaa", {0x37}, kNo16, -1, kAdjustUndefined});
  forms.push_back({"aas", {0x3f}, kNo16, -1, kAdjustUndefined});
  forms.push_back({"aam", {0xd4}, kImm8 | kNo16, -1, kDigitUndefined});
  forms.push_back({"aad", {0xd5}, kImm8 | kNo16, -1, kDigitUndefined});
  for (uint8_t opcode : {0xf5, 0xf8, 0xf9, 0xfc, 0xfd, 0x9e, 0x9f, 0x90, 0xd6}) forms.push_back({"flag", {opcode}, kNo16});
  forms.push_back({"pushf", {0x9c}});
  forms.push_back({"popf", {0x9d}, kNearFlags});
  forms.push_back({"nop", {0x0f, 0x1f}, kModrm, 0});
}

uint32_t random32(std::mt19937& random) {
  // Corner values are as likely as all the others together.
  static const uint32_t corners[] = {0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff};
  const uint32_t choice = random();
  return choice & 1 ? random() : corners[choice / 2 % (sizeof corners / 4)];
}

class Builder {
 public:
  Builder(Case& the_case, std::mt19937& the_random, uint8_t* the_data)
      : c(the_case), form(*the_case.form), random(the_random), data(the_data) {}

  void build() {
    fill();
    prefixes();
    for (uint8_t byte : form.opcode) emit(byte);
    if (form.parts & kModrm) modrm();
    if (form.parts & kMoffs) emit32(memory_target());
    if (form.parts & kImm16) emit16(random() % 64);
    immediate();
    if (form.parts & kReturn) set32(c.state.gpr[kRsp], Native32::kSnippet + Native32::kTarget);
    c.undefined |= form.undefined;
  }

 private:
  static constexpr uint32_t kMiddle = Native32::kData + Native32::kDataSize / 2;

  void fill() {
    for (unsigned i = 0; i < Native32::kDataSize; i += 4) {
      const uint32_t value = random32(random);
      memcpy(data + i, &value, 4);
    }
    for (uint32_t& gpr : c.state.gpr) gpr = random32(random);
    c.state.gpr[kRsp] = kMiddle + random() % 64;
    c.state.flags = (random() & (kArithmetic | kDf)) | kFixed1 | kIf;
    if (form.parts & kStrings) {
      c.state.gpr[kRsi] = kMiddle + random() % 64;
      c.state.gpr[kRdi] = kMiddle + random() % 64;
      c.state.gpr[kRcx] = random() % 8;
      if (random() & 1) memset(data + Native32::kDataSize / 2 - 64, random() & 1 ? 0 : c.state.gpr[kRax], 256);
    }
    if (form.parts & kFrame) c.state.gpr[kRbp] = kMiddle + random() % 64;
    if (form.parts & kSmallTable) c.state.gpr[kRbx] = kMiddle;
    if (form.parts & kNearFlags) set32(c.state.gpr[kRsp], (random() & (kArithmetic | kDf | kAc * 0)) | kIf | kFixed1);
    if (form.parts & kDivide) c.state.gpr[kRdx] = random() % 4 ? random() % 16 : random32(random);
    if ((form.parts & kBranch) && random() & 1) c.state.gpr[kRcx] = random() % 3;
  }

  void prefixes() {
    wide_ = true;
    if (!(form.parts & kNo16) && random() & 1) {
      emit(0x66);
      wide_ = false;
    }
    // A 16-bit SHLD or SHRD by more than 16 has no defined result: Intel and AMD differ.
    if (is_double_shift() && !wide_) c.state.gpr[kRcx] &= ~uint32_t{16};
    if (form.parts & kRep) {
      const unsigned choice = random() % 3;
      if (choice) emit(choice == 1 ? 0xf3 : 0xf2);
    }
  }

  uint32_t memory_target() { return kMiddle + random() % 256; }

  void modrm() {
    uint8_t reg = form.reg >= 0 ? form.reg : random() & 7;
    const bool memory = form.parts & kMemoryOnly || (!(form.parts & kRegisterOnly) && random() & 1);
    if (memory && form.parts & kLock && random() & 1) insert_front(0xf0);
    if (!memory) {
      const uint8_t rm = random() & 7;
      emit(0xc0 | reg << 3 | rm);
      if (form.parts & kTargetOperand) c.state.gpr[rm] = Native32::kSnippet + Native32::kTarget;
      if (form.parts & kTargetOperand && rm == kRsp) c.state.gpr[kRsp] = Native32::kSnippet + Native32::kTarget;
      if (form.parts & kTargetOperand && rm == kRsp && form.reg == 2) {  // CALL ESP would push over the code
        c.bytes[c.length - 1] = 0xc0 | reg << 3 | kRax;
        c.state.gpr[kRax] = c.state.gpr[kRsp];
        c.state.gpr[kRsp] = kMiddle;
      }
      return;
    }
    uint32_t target = memory_target();
    if (form.parts & kBitOffset) {
      const int32_t bits = static_cast<int32_t>(random() % 2048) - 1024;
      if (reg != kRsp) c.state.gpr[reg] = bits;
      // ESP as a bit offset would need a far base: take another register.
      if (reg == kRsp) c.state.gpr[reg = kRbx] = bits;
    }
    if (form.parts & kTargetOperand) set32(target, Native32::kSnippet + Native32::kTarget);
    if (form.parts & kBounds) set_bounds(reg, target);
    address(reg, target, form.opcode.back() == 0x8f && form.opcode.size() == 1);
  }

  // Any addressing mode; the displacement makes up for what the registers hold.
  void address(uint8_t reg, uint32_t target, bool is_pop) {
    const unsigned pushed = is_pop ? (wide_ ? 4 : 2) : 0;
    const unsigned kind = random() % 4;
    if (kind == 0) {
      emit(reg << 3 | 5);
      emit32(target);
      return;
    }
    const uint8_t base = random() & 7;
    uint32_t known = c.state.gpr[base] + (base == kRsp ? pushed : 0);
    if (kind == 1 && base != kRsp) {
      emit(0x80 | reg << 3 | base);
    } else {
      const uint8_t index = random() & 7, scale = random() & 3;
      emit(0x80 | reg << 3 | 4);
      emit(scale << 6 | index << 3 | base);
      if (index != kRsp) known += c.state.gpr[index] << scale;
    }
    emit32(target - known);
  }

  void set_bounds(uint8_t reg, uint32_t target) {
    set32(target, 0x80000000u);
    set32(target + 4, 0x7fffffffu);
    if (!wide_) set32(target, 0x7fff8000u);
    (void)reg;
  }

  void immediate() {
    if (form.parts & kBranch) {
      const unsigned size = form.parts & kImm8 ? 1 : 4;
      const uint32_t relative = Native32::kTarget - (c.length + size);
      size == 1 ? emit(relative) : emit32(relative);
      return;
    }
    if (form.parts & kImm8) {
      uint8_t value = random32(random);
      if (form.parts & kImm16) value &= 7;  // ENTER's level
      if (form.opcode[0] == 0xd4 && value == 0) value = 10;
      if (is_double_shift() && !wide_) value &= ~16;
      emit(value);
      shift_count(value);
    } else if (form.undefined_if_count) {
      shift_count(c.state.gpr[kRcx]);
    }
    if (form.parts & kImmZ) wide_ ? emit32(random32(random)) : emit16(random32(random));
  }

  // Which flags a shift by this much defines (SDM 2B, SAL and SHLD).
  void shift_count(uint32_t count) {
    if (!form.undefined_if_count) return;
    count &= 31;
    if (count == 0) return;
    if (count != 1) c.undefined |= form.undefined_if_count;
    const bool byte = !is_double_shift() && !(form.opcode[0] & 1);
    const unsigned bits = byte ? 8 : wide_ ? 32 : 16;
    if (!is_double_shift() && form.reg >= 4 && form.reg != 7 && count >= bits) c.undefined |= kCf;
  }

  bool is_double_shift() const { return form.undefined_if_count && form.opcode[0] == 0x0f; }

  void emit(uint8_t byte) { c.bytes[c.length++] = byte; }
  void emit16(uint32_t value) { emit(value), emit(value >> 8); }
  void emit32(uint32_t value) { emit16(value), emit16(value >> 16); }
  void insert_front(uint8_t byte) {
    memmove(c.bytes + 1, c.bytes, c.length++);
    c.bytes[0] = byte;
  }
  void set32(uint32_t address, uint32_t value) { memcpy(data + (address - Native32::kData), &value, 4); }

  Case& c;
  const Form& form;
  std::mt19937& random;
  uint8_t* data;
  bool wide_ = true;
};

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

Case make_case(const Form& form, std::mt19937& random, uint8_t* data) {
  Case result{};
  result.form = &form;
  Builder(result, random, data).build();
  return result;
}

std::string describe(const Case& the_case) {
  std::string text = std::string(the_case.form->name) + ":";
  char buffer[16];
  for (unsigned i = 0; i < the_case.length; ++i) {
    snprintf(buffer, sizeof buffer, " %02x", the_case.bytes[i]);
    text += buffer;
  }
  return text;
}

}  // namespace ring1::emulator::test
