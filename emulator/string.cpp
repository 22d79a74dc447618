// SPDX-License-Identifier: GPL-2.0-only
// MOVS CMPS SCAS LODS STOS INS OUTS, alone and repeated (SDM 1 7.3.9.2). A repeated instruction keeps the
// iterations it has completed: after each one the state is committed with RIP still at the instruction.
#include <initializer_list>

#include "emulator/alu.h"
#include "emulator/flags.h"
#include "emulator/handlers.h"
#include "emulator/port.h"

namespace ring1::emulator {
namespace {

enum class Repeat { kNever, kAlways, kWhileEqual, kWhileNotEqual };

// One string instruction with everything that stays the same between its iterations.
class String {
 public:
  String(Context& context, unsigned size)
      : c(context), size_(size), address_(context.address_size()), source_(context.source_segment()) {}

  unsigned size() const { return size_; }
  bool load(uint64_t* value) {
    *value = 0;
    return c.read_memory(source_, c.read_gpr(kRsi, address_), value, size_);
  }
  bool load_destination(uint64_t* value) {
    *value = 0;
    return c.read_memory(kEs, c.read_gpr(kRdi, address_), value, size_);
  }
  bool store(uint64_t value) { return c.write_memory(kEs, c.read_gpr(kRdi, address_), &value, size_); }
  bool probe_store() {
    Gva address;
    return c.linear(kEs, c.read_gpr(kRdi, address_), size_, Access::kWrite, &address) && c.probe_linear(address, size_);
  }
  void advance_source() { advance(kRsi); }
  void advance_destination() { advance(kRdi); }

  Context& c;

 private:
  void advance(unsigned gpr) {
    const uint64_t step = flag(c, eflags::kDf) ? -uint64_t{size_} : size_;
    c.write_gpr(gpr, address_, c.cpu.gpr[gpr] + step);
  }

  unsigned size_, address_;
  SegmentRegister source_;
};

using Iteration = bool (*)(String&);

Repeat repeat_of(const Context& c, bool compares) {
  const ZydisInstructionAttributes attributes = c.instruction->attributes;
  if (attributes & ZYDIS_ATTRIB_HAS_REPNE) return compares ? Repeat::kWhileNotEqual : Repeat::kAlways;
  if (attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE))
    return compares ? Repeat::kWhileEqual : Repeat::kAlways;
  return Repeat::kNever;
}

bool goes_on(const Context& c, Repeat repeat) {
  switch (repeat) {
    case Repeat::kNever: return false;
    case Repeat::kAlways: return true;
    case Repeat::kWhileEqual: return flag(c, eflags::kZf);
    case Repeat::kWhileNotEqual: return !flag(c, eflags::kZf);
  }
  return false;
}

// What a later iteration's fault must not take back. The flags go back to those before the instruction, as
// the manual says of a page fault in a repeated comparison (SDM 2B, REP).
void commit_iteration(Context& c) {
  for (unsigned gpr : {kRax, kRcx, kRsi, kRdi}) c.saved->gpr[gpr] = c.cpu.gpr[gpr];
}

Outcome run(Context& c, Repeat repeat, Iteration iterate, unsigned widest = 8) {
  // Bit 0 of the opcode: 0 byte, 1 by the operand size.
  const unsigned size = c.instruction->opcode & 1 ? c.operand_size() : 1;
  String string(c, size > widest ? widest : size);
  if (repeat == Repeat::kNever) return iterate(string) ? Outcome::kDone : c.failure;

  const unsigned address_size = c.address_size();
  if (c.read_gpr(kRcx, address_size) == 0) return Outcome::kDone;
  const uint64_t next = c.cpu.rip, start = c.saved->rip;
  const unsigned limit = c.trap_due ? 1 : c.rep_limit;  // single-stepping stops after each iteration
  for (unsigned i = 0; i < limit; ++i) {
    c.cpu.rip = start;
    if (!iterate(string)) return c.failure;
    const uint64_t left = c.read_gpr(kRcx, address_size) - 1;
    c.write_gpr(kRcx, address_size, left);
    if (left == 0 || !goes_on(c, repeat)) {
      c.cpu.rip = next;
      return Outcome::kDone;
    }
    commit_iteration(c);
  }
  return Outcome::kDone;
}

Outcome repeat_always(Context& c, Iteration iterate) { return run(c, repeat_of(c, false), iterate); }
// REX.W does not widen a port access.
Outcome repeat_port(Context& c, Iteration iterate) { return run(c, repeat_of(c, false), iterate, 4); }
Outcome repeat_comparing(Context& c, Iteration iterate) { return run(c, repeat_of(c, true), iterate); }

bool move_one(String& s) {
  uint64_t value;
  if (!s.load(&value) || !s.store(value)) return false;
  s.advance_source();
  s.advance_destination();
  return true;
}

bool compare_one(String& s) {
  uint64_t a, b;
  if (!s.load(&a) || !s.load_destination(&b)) return false;
  set_flags(s.c, subtract(a, b, 0, s.size()).flags);
  s.advance_source();
  s.advance_destination();
  return true;
}

bool scan_one(String& s) {
  uint64_t b;
  if (!s.load_destination(&b)) return false;
  set_flags(s.c, subtract(s.c.cpu.gpr[kRax], b, 0, s.size()).flags);
  s.advance_destination();
  return true;
}

bool load_one(String& s) {
  uint64_t value;
  if (!s.load(&value)) return false;
  s.c.write_accumulator(s.size(), value);
  s.advance_source();
  return true;
}

bool store_one(String& s) {
  if (!s.store(s.c.cpu.gpr[kRax] & size_mask(s.size()))) return false;
  s.advance_destination();
  return true;
}

// Reading a device may change it, so the store must be certain first.
bool in_one(String& s) {
  const uint16_t port = static_cast<uint16_t>(s.c.cpu.gpr[kRdx]);
  uint32_t value = 0;
  if (!port_allowed(s.c, port, s.size()) || !s.probe_store()) return false;
  if (!s.c.ok(s.c.machine.port_in(port, s.size(), &value)) || !s.store(value)) return false;
  s.advance_destination();
  return true;
}

bool out_one(String& s) {
  const uint16_t port = static_cast<uint16_t>(s.c.cpu.gpr[kRdx]);
  uint64_t value;
  if (!port_allowed(s.c, port, s.size()) || !s.load(&value)) return false;
  if (!s.c.ok(s.c.machine.port_out(port, s.size(), static_cast<uint32_t>(value)))) return false;
  s.advance_source();
  return true;
}

}  // namespace

Outcome op_movs(Context& c) { return repeat_always(c, move_one); }
Outcome op_cmps(Context& c) { return repeat_comparing(c, compare_one); }
Outcome op_scas(Context& c) { return repeat_comparing(c, scan_one); }
Outcome op_lods(Context& c) { return repeat_always(c, load_one); }
Outcome op_stos(Context& c) { return repeat_always(c, store_one); }
Outcome op_ins(Context& c) { return repeat_port(c, in_one); }
Outcome op_outs(Context& c) { return repeat_port(c, out_one); }

}  // namespace ring1::emulator
