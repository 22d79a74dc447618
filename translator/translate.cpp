// SPDX-License-Identifier: GPL-2.0-only
// A unit in two passes: how far it goes, then its code.
#include "base/assert.h"
#include "translator/sequences.h"
#include "translator/translator.h"

namespace ring1::translator {
namespace {

// So many that the longest sequences (STI: some 40 bytes, 6 map entries) fit a Translation.
constexpr unsigned kMaxInstructions = 24;
static_assert(kMaxInstructions + 3 <= Translation::kMaxExits);  // one each, two of LOOP, one to what follows

struct Unit {
  Instruction list[kMaxInstructions + 1];  // one more behind a shadow
  unsigned count = 0;
  unsigned guest_size = 0;
};

void demote(Instruction* i) { i->treatment = Treatment::kCalloutEnd; }

// A shadow must not cross the unit's end: translate so that the instruction behind it belongs to the unit.
void keep_shadow_inside(Unit* unit) {
  Instruction* last = &unit->list[unit->count - 1];
  if (!last->shadows_next()) return;
  if (unit->count == 1) {
    demote(last);  // the monitor knows the shadow of what it executes itself
    return;
  }
  --unit->count;
  unit->guest_size -= last->length;
  keep_shadow_inside(unit);
}

void collect(const Source& source, const Mode& mode, Unit* unit) {
  const Decoder decoder(mode, source.eip);
  unsigned limit = source.max_instructions < kMaxInstructions ? source.max_instructions : kMaxInstructions;
  if (limit == 0) limit = 1;
  const unsigned available = source.available < kMaxGuestBytes ? source.available : kMaxGuestBytes;
  unsigned calls = 0;
  bool open_shadow = false;
  while (unit->count < limit || (open_shadow && unit->count == limit)) {
    Instruction* i = &unit->list[unit->count];
    const unsigned left = available - unit->guest_size;
    if (!decoder.decode(source.bytes + unit->guest_size, left, static_cast<uint16_t>(unit->guest_size), i)) break;
    if (!mode.code32 && (i->treatment == Treatment::kIdent || i->treatment == Treatment::kNop) && !can_reencode(*i))
      i->treatment = Treatment::kCallout;
    ++unit->count;
    // What makes bytes no instruction may be any of them.
    unit->guest_size += i->length != 0 ? i->length : (left < kMaxInstructionBytes ? left : kMaxInstructionBytes);
    if (i->ends_unit()) return;
    if (i->treatment == Treatment::kCall && ++calls == Translation::kMaxReturns) return;
    open_shadow = i->shadows_next();
  }
  if (unit->count != 0) keep_shadow_inside(unit);
}

void emit(Emitter& e, const Instruction& i) {
  switch (i.treatment) {
    case Treatment::kIdent:
    case Treatment::kNop: emit_ident(e, i); break;
    case Treatment::kJump: emit_jump(e, i); break;
    case Treatment::kConditional: emit_conditional(e, i); break;
    case Treatment::kLoop: emit_loop(e, i); break;
    case Treatment::kCall: emit_call(e, i); break;
    case Treatment::kReturn: emit_return(e, i); break;
    case Treatment::kPushEip: emit_push_eip(e, i); break;
    case Treatment::kClearIf: emit_clear_if(e, i); break;
    case Treatment::kSetIf: emit_set_if(e, i); break;
    case Treatment::kPushFlags: emit_push_flags(e, i); break;
    case Treatment::kPopFlags: emit_pop_flags(e, i); break;
    case Treatment::kReadSegment: emit_read_segment(e, i); break;
    case Treatment::kPushSegment: emit_push_segment(e, i); break;
    default: emit_callout(e, i); break;
  }
}

// In 32-bit code copied instructions are copied as they stand, so that a run of them is one piece.
bool is_plain_copy(const Mode& mode, const Instruction& i) {
  return mode.code32 && i.treatment == Treatment::kIdent && i.mnemonic != ZYDIS_MNEMONIC_CMPXCHG8B;
}

// Emits the instructions from `first` that are plain copies; returns the number of the one behind them.
unsigned emit_copies(Emitter& e, const Unit& unit, unsigned first, bool* shadowed) {
  unsigned n = first, size = 0;
  for (; n < unit.count && is_plain_copy(e.mode(), unit.list[n]); ++n) {
    const Instruction& i = unit.list[n];
    e.boundary(i.offset, *shadowed, size);
    *shadowed = i.shadows_next();
    size += i.length;
  }
  if (size != 0) e.bytes(unit.list[first].bytes, size);
  return n;
}

}  // namespace

Outcome translate(const Source& source, const Mode& mode, Translation* out) {
  Unit unit;
  collect(source, mode, &unit);
  if (unit.count == 0) return Outcome::kNeedMoreBytes;

  Emitter e(out, source.eip, mode);
  emit_entries(e, out);
  bool shadowed = false;
  for (unsigned n = emit_copies(e, unit, 0, &shadowed); n < unit.count; n = emit_copies(e, unit, n + 1, &shadowed)) {
    e.boundary(unit.list[n].offset, shadowed);
    emit(e, unit.list[n]);
    shadowed = unit.list[n].shadows_next();
  }
  if (!unit.list[unit.count - 1].ends_unit()) {
    const uint8_t next = e.add_exit(source.eip + unit.guest_size);
    e.mark(State::exit(next));
    e.jump_to(next);
  }
  e.finish();
  out->guest_size = static_cast<uint16_t>(unit.guest_size);
  out->instructions = static_cast<uint16_t>(unit.count);
  return Outcome::kOk;
}

}  // namespace ring1::translator
