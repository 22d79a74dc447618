// SPDX-License-Identifier: GPL-2.0-only
#include "translator_program.h"

#include <asmjit/x86.h>

#include <cstring>
#include <random>

#include "translator_cpu.h"

namespace ring1::translator::test {
namespace {

namespace x86 = asmjit::x86;
using x86::eax, x86::ecx, x86::esi, x86::edi;

class Generator {
 public:
  Generator(uint32_t seed, const ProgramKind& kind) : random_(seed), kind_(kind) {
    code_.init(asmjit::Environment(asmjit::Arch::kX86), Arena::kGuest);
    code_.attach(&a);
  }

  Program build() {
    // Callees first, so that their addresses are known and nothing recurses.
    for (unsigned n = 0; n < kind_.functions; ++n) function();
    const uint32_t entry = here();
    a.nop();  // a native run is looked at after its first step
    for (unsigned n = 0; n < kind_.items; ++n) item(0);
    a.hlt();
    a.embedUInt8(0x90, 16);
    code_.flatten();
    code_.resolveUnresolvedLinks();
    code_.relocateToBase(Arena::kGuest);
    Program program;
    const asmjit::CodeBuffer& buffer = code_.textSection()->buffer();
    program.bytes.assign(buffer.begin(), buffer.end());
    for (const Fixup& fixup : fixups_) {
      const uint32_t address = Arena::kGuest + static_cast<uint32_t>(code_.labelOffset(fixup.label));
      std::memcpy(&program.bytes[fixup.offset], &address, 4);
    }
    program.entry = entry;
    return program;
  }

 private:
  struct Function {
    uint32_t address;
    unsigned argument_bytes;
  };
  struct Fixup {
    size_t offset;
    asmjit::Label label;
  };

  unsigned pick(unsigned n) { return random_() % n; }
  uint32_t here() { return Arena::kGuest + static_cast<uint32_t>(a.offset()); }
  x86::Gpd reg() {
    static constexpr unsigned kUsable[] = {0, 1, 2, 3, 5, 6, 7};
    return x86::gpd(kUsable[pick(7)]);
  }
  x86::Gpb byte_reg() { return pick(2) ? x86::Gpb(x86::gpb_lo(pick(4))) : x86::Gpb(x86::gpb_hi(pick(4))); }
  x86::Mem data() { return x86::dword_ptr_abs(Arena::kData + 4 * pick(16)); }

  void function() {
    const uint32_t address = here();
    for (unsigned n = 0; n < kind_.items; ++n) item(0);
    const unsigned argument_bytes = 4 * (pick(3) == 0);
    if (argument_bytes != 0)
      a.ret(argument_bytes);
    else
      a.ret();
    functions_.push_back({address, argument_bytes});
  }

  void arithmetic() {
    switch (pick(20)) {
      case 0: a.add(reg(), reg()); break;
      case 1: a.adc(reg(), random_() & 0xff); break;
      case 2: a.sub(reg(), data()); break;
      case 3: a.sbb(data(), reg()); break;
      case 4: a.xor_(reg(), static_cast<int32_t>(random_())); break;
      case 5: a.imul(reg(), reg()); break;
      case 6: a.shl(reg(), 1); break;
      case 7: a.rcr(reg(), 1); break;
      case 8: a.ror(reg(), pick(31) + 1); break;
      case 9: a.lea(reg(), x86::ptr(reg(), reg(), pick(4), static_cast<int32_t>(random_()))); break;
      case 10: a.inc(data()); break;
      case 11: a.dec(reg()); break;
      case 12: a.neg(reg()); break;
      case 13: a.emit(x86::Inst::kIdSetz + pick(1), byte_reg()); break;
      case 14: a.cmovl(reg(), reg()); break;
      case 15: bit_test(); break;
      case 16: a.cmp(reg(), reg()); break;
      case 17: a.mov(reg(), static_cast<int32_t>(random_())); break;
      case 18: a.lock().xadd(data(), reg()); break;
      case 19: a.cdq(x86::edx, eax); break;
    }
  }

  // BT defines CF alone (SDM 2A), and what QEMU makes of the others depends on how it cut the code into blocks: ADC takes
  // CF and defines them all.
  void bit_test() {
    a.bt(reg(), pick(32));
    a.adc(reg(), static_cast<int32_t>(random_()));
  }

  void stack() {
    switch (pick(6)) {
      case 0:
        a.push(reg());
        a.pop(reg());
        break;
      case 1:
        a.push(static_cast<int32_t>(random_()));
        a.pop(data());
        break;
      case 2:
        a.pushfd();
        arithmetic();
        a.popfd();
        break;
      case 3:
        a.pushfd();
        a.pop(reg());
        break;
      case 4:
        a.pushad();
        arithmetic();
        a.popad();
        break;
      case 5:
        a.enter(0, 0);
        a.push(reg());
        a.leave();
        break;  // no look at what lies below ESP
    }
  }

  void segments() {
    switch (pick(4)) {
      case 0: a.mov(reg(), x86::cs); break;
      case 1:
        a.push(x86::ss);
        a.pop(reg());
        break;
      case 2: a.mov(reg(), x86::gs); break;
      case 3:
        a.push(x86::cs);
        a.pop(data());
        break;
    }
  }

  void interrupt_flag() {
    switch (pick(3)) {
      case 0: a.cli(); break;
      case 1: a.sti(); break;
      case 2:
        a.pushfd();
        a.cli();
        a.popfd();
        break;
    }
  }

  void strings() {
    a.mov(esi, Arena::kData);
    a.mov(edi, Arena::kData + 64);
    a.mov(ecx, pick(4));
    if (pick(2))
      a.rep().movs(x86::dword_ptr(edi), x86::dword_ptr(esi));
    else
      a.stos(x86::byte_ptr(edi), x86::al);
  }

  void branch(unsigned depth) {
    const asmjit::Label over = a.newLabel();
    switch (pick(5)) {
      case 0: a.jmp(over); break;
      case 1: a.jecxz(ecx, over); break;
      case 2: a.loop(ecx, over); break;
      default: a.emit(kConditional[pick(16)], over); break;
    }
    arithmetic();
    if (pick(2)) item(depth + 1);
    a.bind(over);
  }

  void loop() {
    const asmjit::Label again = a.newLabel();
    a.mov(ecx, 2 + pick(3));
    a.bind(again);
    a.push(ecx);
    for (unsigned n = pick(2) + 1; n != 0; --n) arithmetic();
    a.pop(ecx);
    a.loop(ecx, again);
  }

  void call() {
    if (functions_.empty()) return;
    const Function& callee = functions_[pick(static_cast<unsigned>(functions_.size()))];
    if (callee.argument_bytes != 0) a.push(reg());
    switch (pick(5)) {
      case 0:
      case 1: a.call(callee.address); break;
      case 2: {
        const x86::Gpd target = reg();
        a.mov(target, callee.address);
        a.call(target);
        break;
      }
      case 3: {
        const x86::Mem slot = x86::dword_ptr_abs(Arena::kData + 256);
        a.mov(slot, callee.address);
        a.call(slot);
        break;
      }
      case 4:  // the operand lies on the stack
        a.push(callee.address);
        a.call(x86::dword_ptr(x86::esp));
        a.pop(reg());
        if (callee.argument_bytes != 0) a.lea(x86::esp, x86::dword_ptr(x86::esp, 0));
        break;
    }
  }

  // A constant that becomes the label's address.
  void address_of(const asmjit::Label& label, const x86::Gpd& to) {
    a.mov(to, 0x12345678);
    fixups_.push_back({a.offset() - 4, label});
  }

  void computed_jump() {
    const asmjit::Label target = a.newLabel();
    const x86::Gpd via = reg();
    switch (pick(5)) {
      case 0:
        address_of(target, via);
        a.jmp(via);
        break;
      case 1:
        address_of(target, via);
        a.push(via);
        a.ret();
        break;  // a return without a call
      case 2:
        a.call(target);
        a.bind(target);
        a.pop(reg());
        return;  // reads EIP
      case 3:
        address_of(target, via);
        a.push(via);
        a.pop(via);
        a.jmp(x86::dword_ptr(x86::esp, -4));
        break;
      case 4:
        address_of(target, via);
        a.mov(x86::dword_ptr_abs(Arena::kData + 260), via);
        a.jmp(x86::dword_ptr_abs(Arena::kData + 260));
        break;
    }
    arithmetic();
    a.bind(target);
  }

  void item(unsigned depth) {
    if (depth > 2) return arithmetic();
    switch (pick(16)) {
      case 0: return stack();
      case 1: return branch(depth);
      case 2: return branch(depth);
      case 3: return call();
      case 4: return depth == 0 ? loop() : arithmetic();
      case 5: return computed_jump();
      case 6: return segments();
      case 7: return strings();
      case 8: return kind_.interrupt_flag ? interrupt_flag() : arithmetic();
      case 9: return call();
      default: return arithmetic();
    }
  }

  static constexpr uint32_t kConditional[16] = {
      x86::Inst::kIdJo,  x86::Inst::kIdJno,  x86::Inst::kIdJb,  x86::Inst::kIdJnb, x86::Inst::kIdJz, x86::Inst::kIdJnz,
      x86::Inst::kIdJbe, x86::Inst::kIdJnbe, x86::Inst::kIdJs,  x86::Inst::kIdJns, x86::Inst::kIdJp, x86::Inst::kIdJnp,
      x86::Inst::kIdJl,  x86::Inst::kIdJnl,  x86::Inst::kIdJle, x86::Inst::kIdJnle};

  std::mt19937 random_;
  ProgramKind kind_;
  asmjit::CodeHolder code_;
  x86::Assembler a;
  std::vector<Function> functions_;
  std::vector<Fixup> fixups_;
};

}  // namespace

Program random_program(uint32_t seed, const ProgramKind& kind) { return Generator(seed, kind).build(); }

Program random_program16(uint32_t seed) {
  std::mt19937 random(seed);
  Program program;
  auto put = [&](std::initializer_list<unsigned> bytes) {
    for (unsigned byte : bytes) program.bytes.push_back(static_cast<uint8_t>(byte));
  };
  program.entry = 0;
  for (unsigned n = 0; n < 60; ++n) {
    const bool wide = random() & 1;
    const unsigned r = random() & 3, s = random() & 3, value = random();
    const unsigned registers = 0xc0 | r << 3 | s;
    if (wide) put({0x66});
    switch (random() % 18) {
      case 0: put({0x01, registers}); break;  // add
      case 1: put({0x19, registers}); break;  // sbb
      case 2:
        put({0x81, 0xf0 | r, value & 0xff, value >> 8 & 0xff});  // xor r, imm
        if (wide) put({value >> 16 & 0xff, value >> 24});
        break;
      case 3:
        put({0xb8 | r, value & 0xff, value >> 8 & 0xff});  // mov r, imm
        if (wide) put({value >> 16 & 0xff, value >> 24});
        break;
      case 4: put({0x0f, 0xaf, registers}); break;                               // imul
      case 5: put({0x0f, 0xb6, registers}); break;                               // movzx
      case 6: put({0xd1, 0xe0 | r}); break;                                      // shl
      case 7: put({0x40 | r}); break;                                            // inc
      case 8: put({0x50 | r, wide ? 0x66u : 0x90u, 0x58 | s}); break;            // push, pop of the same size
      case 9: put({0x0f, 0xa4, registers, value & 31}); break;                   // shld
      case 10: put({0x98}); break;                                               // cbw, cwde
      case 11: put({0x99}); break;                                               // cwd, cdq
      case 12: put({0x0f, 0x44, registers}); break;                              // cmovz
      case 13: put({0x67, 0xa3, 0x10, 0x00, 0x10, 0x30}); break;                 // mov [30100010], ax
      case 14: put({0x67, 0x03, 0x05 | r << 3, 0x10, 0x00, 0x10, 0x30}); break;  // add r, [30100010]
      case 15:
        put({0x0f, 0xc8 | r});
        if (!wide) {
          program.bytes.resize(program.bytes.size() - 2);
          put({0x90});
        }
        break;
      case 16: put({0x67, 0x8d, 0x84 | r << 3, 0x9b, value & 0xff, 0, 0, 0}); break;  // lea r, [ebx+ebx*4+imm32]
      case 17: put({0x8d, 0x40 | r << 3, value & 0x7f}); break;                       // lea r, [bx+si+imm8]
    }
    if (random() % 8 == 0) put({0x70u | static_cast<unsigned>(random() % 16), 1, 0x90});  // jcc over a nop
  }
  put({0xf4});
  program.bytes.resize(program.bytes.size() + 16, 0x90);
  return program;
}

}  // namespace ring1::translator::test
