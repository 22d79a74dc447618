// SPDX-License-Identifier: GPL-2.0-only
#include "emulator_long_case.h"

#include <cstdio>
#include <cstring>

#include "x86/registers.h"

namespace ring1::emulator::test {
namespace {

using namespace eflags;

uint64_t random_value(std::mt19937_64& random) {
  static const uint64_t corners[] = {0,
                                     1,
                                     2,
                                     0x7f,
                                     0x80,
                                     0xff,
                                     0x7fff,
                                     0x8000,
                                     0x7fffffff,
                                     0x80000000,
                                     0xffffffff,
                                     0x100000000,
                                     ~uint64_t{0} >> 1,
                                     uint64_t{1} << 63,
                                     ~uint64_t{0}};
  const uint64_t choice = random();
  return choice & 1 ? random() : corners[choice / 2 % (sizeof corners / 8)];
}

bool is_prefix(uint8_t byte) { return byte == 0xf3 || byte == 0x67; }

class Builder {
 public:
  Builder(LongCase& the_case, std::mt19937_64& the_random, uint8_t* the_data)
      : c(the_case), form(*the_case.form), random(the_random), data(the_data) {}

  void build() {
    choose();
    fill();
    if (form.parts & kModrm) modrm();
    write();
    immediate();
    c.undefined |= form.undefined;
  }

 private:
  bool chance(unsigned n) { return random() % n == 0; }
  bool opcode_is(uint8_t byte) const { return form.opcode.size() == 1 && form.opcode[0] == byte; }
  bool register_in_opcode() const {
    const uint8_t last = form.opcode.back();
    if (form.opcode.size() == 2) return form.opcode[0] == 0x0f && last >= 0xc8;
    return (last >= 0x50 && last < 0x60) || (last >= 0x90 && last < 0x98) || (last >= 0xb0 && last < 0xc0);
  }
  bool is_double_shift() const { return form.undefined_if_count && form.opcode[0] == 0x0f; }
  bool counts_in_rcx() const { return form.undefined_if_count && !(form.parts & kImm8); }
  unsigned operand_size() const { return wide_ ? 8 : narrow_ ? 2 : 4; }
  uint64_t middle() const { return c.data_base + LongNative::kDataSize / 2; }
  uint64_t target() const { return LongNative::kSnippet + LongNative::kTarget; }
  uint64_t pointer() { return middle() + random() % 64; }
  // With 32-bit addresses the upper half is anything.
  uint64_t any_upper(uint64_t value) { return narrow_address_ ? (value & 0xffffffff) | random() << 32 : value; }

  void choose() {
    wide_ = chance(2) && std::string(form.name) != "cmpxchg8b";
    narrow_ = !(form.parts & (kNoPrefix | kWide)) && chance(3);
    narrow_address_ = (form.parts & (kModrm | kStrings | kMoffs)) && chance(4);
    c.data_base = narrow_address_ || chance(2) ? LongNative::kLowData : LongNative::kHighData;
    rex_b_ = register_in_opcode() && chance(2);
  }

  void fill() {
    for (unsigned i = 0; i < LongNative::kDataSize; i += 8) {
      const uint64_t value = random_value(random);
      memcpy(data + i, &value, 8);
    }
    for (uint64_t& gpr : c.state.gpr) gpr = random_value(random);
    c.state.gpr[kRsp] = pointer();
    c.state.flags = (random() & (kArithmetic | kDf)) | kFixed1 | kIf;
    if (form.parts & kStrings) {
      c.state.gpr[kRsi] = any_upper(pointer());
      c.state.gpr[kRdi] = any_upper(pointer());
      c.state.gpr[kRcx] = random() % 8;
      if (chance(2)) memset(data + LongNative::kDataSize / 2 - 64, chance(2) ? 0 : int(c.state.gpr[kRax]), 256);
    }
    if (form.parts & kFrame) c.state.gpr[kRbp] = pointer();
    if (form.parts & kSmallTable) c.state.gpr[kRbx] = middle();
    if (form.parts & kNearFlags) set(c.state.gpr[kRsp], (random() & (kArithmetic | kDf)) | kIf | kFixed1);
    if (form.parts & kReturn) set(c.state.gpr[kRsp], target());
    if (form.parts & kDivide) c.state.gpr[kRdx] = chance(4) ? random_value(random) : random() % 16;
    if ((form.parts & kBranch) && chance(2)) c.state.gpr[kRcx] = random() % 3 + (chance(3) ? uint64_t{1} << 32 : 0);
    // A 16-bit SHLD or SHRD by more than 16 has no defined result: Intel and AMD differ.
    if (is_double_shift() && operand_size() == 2) c.state.gpr[kRcx] &= ~uint64_t{16};
  }

  // Chooses operands, gives registers what they need, and keeps the encoding for write().
  void modrm() {
    reg_ = form.reg >= 0 ? unsigned(form.reg) : random() % 16;
    memory_ = form.parts & kMemoryOnly || (!(form.parts & kRegisterOnly) && chance(2));
    if (!memory_) {
      rm_ = random() % 16;
      if (form.parts & kTargetOperand) {
        if (rm_ == kRsp) rm_ = 12;  // through RSP the pushed address would land in the code
        c.state.gpr[rm_] = target();
      }
      return;
    }
    lock_ = form.parts & kLock && chance(2);
    target_ = middle() + random() % 256;
    if (form.parts & kBitOffset) {
      if (reg_ == kRsp) reg_ = 13;
      c.state.gpr[reg_] = static_cast<uint64_t>(static_cast<int64_t>(random() % 2048) - 1024);
    }
    if (form.parts & kTargetOperand) set(target_, target());
    choose_address();
  }

  bool may_hold_address(unsigned reg) const {
    if (reg == kRsp) return false;
    if ((form.parts & kBitOffset) && reg == reg_) return false;
    if ((form.parts & kDivide) && reg == kRdx) return false;
    return !(counts_in_rcx() && reg == kRcx);
  }

  // Any addressing mode. A base register is given what is missing to the target.
  void choose_address() {
    const bool low = c.data_base == LongNative::kLowData;
    kind_ = low ? random() % 4 : 2 + random() % 2;
    if (kind_ < 2) return;  // RIP-relative, absolute
    displacement_ = chance(2) ? static_cast<int32_t>(random()) : static_cast<int32_t>(random() % 256) - 128;
    base_ = random() % 16;
    while (base_ != kRsp && !may_hold_address(base_)) base_ = random() % 16;
    index_ = kind_ == 3 ? random() % 16 : unsigned{kRsp};
    scale_ = random() % 4;
    if (index_ == base_) index_ = kRsp;
    if (base_ == kRsp) {
      // Known already: the displacement makes up for it. POP forms the address after it has moved RSP.
      const bool pop = opcode_is(0x8f);
      index_ = kRsp;
      displacement_ = static_cast<int32_t>(target_ - c.state.gpr[kRsp] - (pop ? narrow_ && !wide_ ? 2 : 8 : 0));
      return;
    }
    const uint64_t offset =
        static_cast<uint64_t>(int64_t{displacement_}) + (index_ == kRsp ? 0 : c.state.gpr[index_] << scale_);
    c.state.gpr[base_] = any_upper(target_ - offset);
  }

  void write() {
    if (lock_) emit(0xf0);
    if (narrow_) emit(0x66);
    size_t first = 0;
    while (is_prefix(form.opcode[first])) emit(form.opcode[first++]);
    if (narrow_address_) emit(0x67);
    if (form.parts & kRep) {
      const unsigned choice = random() % 3;
      if (choice) emit(choice == 1 ? 0xf3 : 0xf2);
    }
    if (form.parts & kModrm) {
      const bool memory_base = memory_ && kind_ >= 2;
      rex_b_ = (memory_base ? base_ : memory_ ? 0 : rm_) >> 3;
      rex_x_ = memory_base && index_ >> 3;
    }
    const uint8_t rex = (wide_ ? 8 : 0) | (reg_ >> 3 ? 4 : 0) | (rex_x_ ? 2 : 0) | (rex_b_ ? 1 : 0);
    if (rex || chance(4)) emit(0x40 | rex);
    for (size_t i = first; i < form.opcode.size(); ++i) emit(form.opcode[i]);
    if (form.parts & kModrm) write_operands();
    if (form.parts & kMoffs) {
      const uint64_t where = middle() + random() % 256;
      narrow_address_ ? emit_value(where, 4) : emit_value(where, 8);
    }
    if (form.parts & kImm16) emit_value(random() % 64, 2);
  }

  unsigned immediate_size() const {
    if (form.parts & kImm8) return 1;
    return form.parts & kImmZ ? (operand_size() == 2 ? 2 : 4) : 0;
  }

  void write_operands() {
    const uint8_t reg = (reg_ & 7) << 3;
    if (!memory_) return emit(0xc0 | reg | (rm_ & 7));
    if (kind_ == 0) {
      emit(reg | 5);
      const uint64_t next = LongNative::kSnippet + c.length + 4 + immediate_size();
      return emit_value(target_ - next, 4);
    }
    if (kind_ == 1) {
      emit(reg | 4);
      emit(0x25);
      return emit_value(target_, 4);
    }
    const bool byte = displacement_ >= -128 && displacement_ < 128 && chance(2);
    const uint8_t mod = byte ? 0x40 : 0x80;
    if (index_ != kRsp || (base_ & 7) == kRsp || chance(3)) {
      emit(mod | reg | 4);
      emit(scale_ << 6 | (index_ & 7) << 3 | (base_ & 7));
    } else {
      emit(mod | reg | (base_ & 7));
    }
    emit_value(static_cast<uint64_t>(int64_t{displacement_}), byte ? 1 : 4);
  }

  void immediate() {
    if (form.parts & kBranch) {
      const unsigned size = form.parts & kImm8 ? 1 : 4;
      return emit_value(LongNative::kTarget - (c.length + size), size);
    }
    if (form.parts & kImm8) {
      auto value = static_cast<uint8_t>(random_value(random));
      if (is_double_shift() && operand_size() == 2) value &= ~16;
      emit(value);
      shift_count(value);
    } else if (form.undefined_if_count) {
      shift_count(c.state.gpr[kRcx]);
    }
    if (!(form.parts & kImmZ)) return;
    const bool whole = form.opcode.size() == 1 && form.opcode[0] >= 0xb8 && form.opcode[0] < 0xc0;
    emit_value(random_value(random), whole ? operand_size() : immediate_size());
  }

  // Which flags a shift by this much defines (SDM 2B, SAL and SHLD).
  void shift_count(uint64_t count) {
    if (!form.undefined_if_count) return;
    const bool byte = !is_double_shift() && !(form.opcode[0] & 1);
    const unsigned bits = byte ? 8 : 8 * operand_size();
    count &= wide_ ? 63 : 31;
    if (count == 0) return;
    if (count != 1) c.undefined |= form.undefined_if_count;
    if (!is_double_shift() && form.reg >= 4 && form.reg != 7 && count >= bits) c.undefined |= kCf;
  }

  void emit(uint8_t byte) { c.bytes[c.length++] = byte; }
  void emit_value(uint64_t value, unsigned size) {
    for (unsigned i = 0; i < size; ++i) emit(static_cast<uint8_t>(value >> (8 * i)));
  }
  void set(uint64_t address, uint64_t value) { memcpy(data + (address - c.data_base), &value, 8); }

  LongCase& c;
  const Form& form;
  std::mt19937_64& random;
  uint8_t* data;
  bool wide_ = false, narrow_ = false, narrow_address_ = false;  // REX.W, prefixes 66 and 67
  bool lock_ = false, memory_ = false, rex_b_ = false, rex_x_ = false;
  unsigned reg_ = 0, rm_ = 0, kind_ = 0, base_ = 0, index_ = kRsp, scale_ = 0;
  int32_t displacement_ = 0;
  uint64_t target_ = 0;
};

bool exists(const Form& form) {
  if (form.opcode.size() != 1) return true;
  const uint8_t opcode = form.opcode[0];
  if (opcode >= 0x40 && opcode < 0x50) return false;  // these are REX
  for (uint8_t gone : {0x27, 0x2f, 0x37, 0x3f, 0x60, 0x61, 0x62, 0x82, 0xd4, 0xd5, 0xd6})
    if (opcode == gone) return false;
  return opcode != 0xc8;  // ENTER is legacy code's only, to the emulator
}

}  // namespace

std::vector<Form> long_forms() {
  std::vector<Form> forms;
  for (const Form& form : all_forms())
    if (exists(form)) forms.push_back(form);
  forms.push_back({"movsxd", {0x63}, kModrm});
  forms.push_back({"movnti", {0x0f, 0xc3}, kModrm | kMemoryOnly | kNoPrefix});
  return forms;
}

LongCase make_long_case(const Form& form, std::mt19937_64& random, uint8_t* data) {
  LongCase result{};
  result.form = &form;
  Builder(result, random, data).build();
  return result;
}

std::string describe(const LongCase& the_case) {
  std::string text = std::string(the_case.form->name) + ":";
  char buffer[16];
  for (unsigned i = 0; i < the_case.length; ++i) {
    snprintf(buffer, sizeof buffer, " %02x", the_case.bytes[i]);
    text += buffer;
  }
  return text;
}

}  // namespace ring1::emulator::test
