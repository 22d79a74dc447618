// SPDX-License-Identifier: GPL-2.0-only
// A random instance of an instruction form, with registers and memory that it can use.
#include <cstdio>
#include <cstring>

#include "emulator_core_forms.h"
#include "x86/registers.h"

namespace ring1::emulator::test {
namespace {

using namespace eflags;

uint32_t random32(std::mt19937& random) {
  // Corner values are as likely as all the others together.
  static const uint32_t corners[] = {0,      1,      2,      0x7f,       0x80,       0xff,
                                     0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff};
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
    static const int bases[] = {kRbx, kRbx, kRbp, kRbp, -1, -1, kRbp, kRbx},
                     indices[] = {kRsi, kRdi, kRsi, kRdi, kRsi, kRdi, -1, -1};
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
