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
  for (uint8_t opcode : {0xe0, 0xe1, 0xe2, 0xe3, 0xeb}) forms.push_back({"loop", {opcode}, kImm8 | kBranch | kNoPrefix});
  for (uint8_t opcode : {0xe0, 0xe1, 0xe2, 0xe3}) forms.push_back({"loop", {0x67, opcode}, kImm8 | kBranch | kNoPrefix});
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
  for (uint8_t opcode : {0xf5, 0xf8, 0xf9, 0xfc, 0xfd, 0x9e, 0x9f, 0x90, 0xd6}) forms.push_back({"flag", {opcode}, kNoPrefix});
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
    if (form.parts & kMoffs) small() ? emit16(memory_target()) : emit32(memory_target());
    if (form.parts & kImm16) emit16(random() % 64);
    immediate();
    if (form.parts & kReturn) set32(offset_in(c.state.gpr[kRsp]), target());
    c.undefined |= form.undefined;
  }

 private:
  bool small() const { return c.code_size == CodeSize::k16; }
  // Offsets in the data and stack segments.
  uint32_t base() const { return small() ? 0 : Native::kData; }
  uint32_t middle() const { return base() + Native::kDataSize / 2; }
  uint32_t target() const { return Native::kSnippet + Native::kTarget - (small() ? Native::kCode : 0); }
  // A register that holds an offset; in 16-bit code the upper half is anything.
  uint32_t pointer() { return (middle() + random() % 64) | (small() ? random() & 0xffff0000u : 0); }
  uint32_t offset_in(uint32_t reg) const { return small() ? reg & 0xffff : reg; }

  void fill() {
    for (unsigned i = 0; i < Native::kDataSize; i += 4) {
      const uint32_t value = random32(random);
      memcpy(data + i, &value, 4);
    }
    for (uint32_t& gpr : c.state.gpr) gpr = random32(random);
    c.state.gpr[kRsp] = pointer();
    c.state.flags = (random() & (kArithmetic | kDf)) | kFixed1 | kIf;
    if (form.parts & kStrings) {
      c.state.gpr[kRsi] = pointer();
      c.state.gpr[kRdi] = pointer();
      c.state.gpr[kRcx] = random() % 8 | (small() ? random() & 0xffff0000u : 0);
      if (random() & 1) memset(data + Native::kDataSize / 2 - 64, random() & 1 ? 0 : c.state.gpr[kRax], 256);
    }
    if (form.parts & kFrame) c.state.gpr[kRbp] = pointer();
    if (form.parts & kSmallTable) c.state.gpr[kRbx] = middle();
    if (form.parts & kNearFlags) set32(offset_in(c.state.gpr[kRsp]), (random() & (kArithmetic | kDf)) | kIf | kFixed1);
    if (form.parts & kDivide) c.state.gpr[kRdx] = random() % 4 ? random() % 16 : random32(random);
    if ((form.parts & kBranch) && random() & 1) c.state.gpr[kRcx] = random() % 3;
  }

  void prefixes() {
    wide_ = !small();
    const bool change = form.parts & kWide ? small() : !(form.parts & kNoPrefix) && random() & 1;
    if (change) {
      emit(0x66);
      wide_ = !wide_;
    }
    // Addresses of the other size reach the data only from 16-bit code.
    wide_address_ = !small();
    if (small() && form.parts & kModrm && random() & 1) {
      emit(0x67);
      wide_address_ = true;
    }
    // A 16-bit SHLD or SHRD by more than 16 has no defined result: Intel and AMD differ.
    if (is_double_shift() && !wide_) c.state.gpr[kRcx] &= ~uint32_t{16};
    if (form.parts & kRep) {
      const unsigned choice = random() % 3;
      if (choice) emit(choice == 1 ? 0xf3 : 0xf2);
    }
  }

  uint32_t memory_target() { return middle() + random() % 256; }

  void modrm() {
    uint8_t reg = form.reg >= 0 ? form.reg : random() & 7;
    const bool memory = form.parts & kMemoryOnly || (!(form.parts & kRegisterOnly) && random() & 1);
    if (memory && form.parts & kLock && random() & 1) insert_front(0xf0);
    if (!memory) {
      const uint8_t rm = random() & 7;
      emit(0xc0 | reg << 3 | rm);
      if (form.parts & kTargetOperand) {
        // Through ESP the pushed address would land in the code.
        if (rm == kRsp) c.bytes[c.length - 1] ^= kRsp ^ kRax;
        c.state.gpr[rm == kRsp ? uint8_t{kRax} : rm] = target();
      }
      return;
    }
    const uint32_t where = memory_target();
    if (form.parts & kBitOffset) {
      const int32_t bits = static_cast<int32_t>(random() % 2048) - 1024;
      if (reg != kRsp) c.state.gpr[reg] = bits;
      // ESP as a bit offset would need a far base: take another register.
      if (reg == kRsp) c.state.gpr[reg = kRbx] = bits;
    }
    if (form.parts & kTargetOperand) set32(where, target());
    if (form.parts & kBounds) set_bounds(where);
    address(reg, where, form.opcode.back() == 0x8f && form.opcode.size() == 1);
  }

  // Any addressing mode; the displacement makes up for what the registers hold.
  void address(uint8_t reg, uint32_t target, bool is_pop) {
    const unsigned pushed = is_pop ? (wide_ ? 4 : 2) : 0;
    if (!wide_address_) return small_address(reg, target);
    const unsigned kind = random() % 4;
    if (kind == 0) {
      emit(reg << 3 | 5);
      emit32(target);
      return;
    }
    const uint8_t base = random() & 7;
    uint32_t known = base == kRsp ? moved_stack_pointer(pushed) : c.state.gpr[base];
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

  uint32_t moved_stack_pointer(unsigned by) const {
    const uint32_t esp = c.state.gpr[kRsp];
    return small() ? (esp & 0xffff0000u) | ((esp + by) & 0xffff) : esp + by;
  }

  // SDM 2A table 2-1.
  void small_address(uint8_t reg, uint32_t target) {
    const uint8_t rm = random() & 7;
    if (rm == 6 && random() & 1) {
      emit(reg << 3 | rm);
      emit16(target);
      return;
    }
    static const int bases[] = {kRbx, kRbx, kRbp, kRbp, -1, -1, kRbp, kRbx}, indices[] = {kRsi, kRdi, kRsi, kRdi, kRsi, kRdi, -1, -1};
    uint32_t known = 0;
    if (bases[rm] >= 0) known += c.state.gpr[bases[rm]];
    if (indices[rm] >= 0) known += c.state.gpr[indices[rm]];
    emit(0x80 | reg << 3 | rm);
    emit16(target - known);
  }

  void set_bounds(uint32_t target) {
    set32(target, 0x80000000u);
    set32(target + 4, 0x7fffffffu);
    if (!wide_) set32(target, 0x7fff8000u);
  }

  void immediate() {
    if (form.parts & kBranch) {
      const unsigned size = form.parts & kImm8 ? 1 : wide_ ? 4 : 2;
      const uint32_t relative = Native::kTarget - (c.length + size);
      size == 1 ? emit(relative) : size == 2 ? emit16(relative) : emit32(relative);
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
  void set32(uint32_t address, uint32_t value) { memcpy(data + (address - base()), &value, 4); }

  Case& c;
  const Form& form;
  std::mt19937& random;
  uint8_t* data;
  bool wide_ = true, wide_address_ = true;  // operands and addresses of 32 bits
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

Case make_case(const Form& form, CodeSize code_size, std::mt19937& random, uint8_t* data) {
  Case result{};
  result.code_size = code_size;
  result.form = &form;
  Builder(result, random, data).build();
  return result;
}

std::string describe(const Case& the_case) {
  std::string text = std::string(the_case.form->name) + (the_case.code_size == CodeSize::k16 ? " (16-bit):" : ":");
  char buffer[16];
  for (unsigned i = 0; i < the_case.length; ++i) {
    snprintf(buffer, sizeof buffer, " %02x", the_case.bytes[i]);
    text += buffer;
  }
  return text;
}

}  // namespace ring1::emulator::test
