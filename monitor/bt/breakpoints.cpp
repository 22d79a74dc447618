// SPDX-License-Identifier: GPL-2.0-only
// The guest's hardware breakpoints. Those of user code are the processor's business, and so are data breakpoints of
// translated code. A code breakpoint of the guest kernel names an EIP that the processor never sees: no unit covers
// it, so everything that goes there comes to prepare(), which looks.
#include "monitor/bt/engine.h"
#include "monitor/vcpu/vcpu.h"
#include "x86/breakpoints.h"

namespace ring1::monitor {
namespace {

constexpr unsigned kSpillBytes = 12;  // what inline sequences use below the guest's stack (docs/translator.md)

}  // namespace

uint32_t BtEngine::linear_of(uint32_t eip) const { return static_cast<uint32_t>(cpu_.seg[kCs].base + eip); }

bool BtEngine::on_code_breakpoint(uint32_t eip) const {
  return breakpoint::any(cpu_) && breakpoint::met_by_code(cpu_, linear_of(eip));
}

// In front of an instruction that the processor will not execute at its own address. True: something was done about it.
bool BtEngine::meet_code_breakpoint() {
  const unsigned met = breakpoint::met_by_code(cpu_, linear_of(static_cast<uint32_t>(cpu_.rip)));
  if (!met) return false;
  // RF lets it pass once (SDM 3B 17.3.1.1), and so does the shadow of MOV SS.
  if ((cpu_.rflags & eflags::kRf) || cpu_.shadow == RING1_SHADOW_MOV_SS)
    emulate_one(nullptr);
  else
    deliver_debug(met);
  return true;
}

// Units made before a breakpoint was set may run over it, links may lead to it.
void BtEngine::breakpoints_changed() {
  if (!breakpoint::any(cpu_)) return;
  to_architectural();
  for (unsigned n = 0; n < breakpoint::kCount; n++)
    if (breakpoint::enabled(cpu_, n) && breakpoint::kind(cpu_, n) == breakpoint::Kind::kCode)
      cache_.invalidate_linear(Gva(static_cast<uint32_t>(cpu_.dr[n])).page());
}

void BtEngine::arm_breakpoints() {
  unsigned which = 0;
  for (unsigned n = 0; n < breakpoint::kCount; n++) {
    if (!breakpoint::enabled(cpu_, n)) continue;
    switch (breakpoint::kind(cpu_, n)) {
      case breakpoint::Kind::kPort:  // every port access is interpreted
        break;
      case breakpoint::Kind::kCode:
        if (live_ == Live::kDirect) which |= 1u << n;
        break;
      case breakpoint::Kind::kWrite:
      case breakpoint::Kind::kAccess:
        // Translated code uses the hole for itself. What the guest has there is reached by emulation only.
        if (live_ == Live::kDirect || !breakpoint::overlaps(cpu_, n, hole_base_, tc_memory_.hole_bytes()))
          which |= 1u << n;
        break;
    }
  }
  vcpu_.host.debug_registers().arm(cpu_, which);
}

// A breakpoint that MOV SS held back strikes inside the stub of whatever came next (idt_stubs.S): it is in DR6 then.
void BtEngine::disarm_breakpoints() {
  vcpu_.host.debug_registers().disarm();
  if (block_.vector != static_cast<uint64_t>(Vector::kDb)) hold_breakpoints(take_debug_status() & breakpoint::kAll);
}

// Of breakpoints that a sequence met behind the instruction it stands for: those that are not about what it keeps below
// the guest's stack.
unsigned BtEngine::met_by_guest(unsigned met) const {
  const auto top = static_cast<uint32_t>(cpu_.seg[kSs].base + cpu_.gpr[kRsp]);
  for (unsigned n = 0; n < breakpoint::kCount; n++)
    if (breakpoint::overlaps(cpu_, n, static_cast<uint32_t>(top - kSpillBytes), kSpillBytes)) met &= ~(1u << n);
  return met;
}

// Did #DB stop the guest where its instruction is done, or in the middle of a sequence? (docs/translator.md, Recovery)
BtEngine::Stop BtEngine::stop() {
  TcOffset position;
  unsigned offset = 0;
  if (live_ != Live::kTranslated || !cache_.contains(tc_eip(), &position)) return Stop::kBoundary;
  if (cache_.is_miss_stub(position)) return Stop::kBehind;
  tcache::Fragment* fragment = cache_.find(position, &offset);
  translator::MapEntry entry;
  if (!fragment || !tcache::find_map_entry(*fragment, offset, &entry)) return Stop::kBoundary;
  if (entry.boundary && entry.code_offset == offset) return Stop::kBoundary;
  return entry.eip == translator::MapEntry::Eip::kOffset ? Stop::kInside : Stop::kBehind;
}

void BtEngine::debug_exception() {
  uint64_t status = take_debug_status();
  const Stop where = stop();
  // TF is ours, or both ours and the guest's.
  const bool ours = single_step_ && (status & breakpoint::kDr6Bs) && !(cpu_.rflags & eflags::kTf);
  if (!stopped()) return;
  if (ours) status &= ~breakpoint::kDr6Bs;
  if (ours && !status) return;
  if (where == Stop::kInside) return emulate_one(nullptr);  // which looks at the instruction's own accesses
  if (where == Stop::kBehind) {
    status &= met_by_guest(breakpoint::kAll);
    if (!status) return;
  }
  deliver_debug(status | breakpoints_held_);
  breakpoints_held_ = 0;
}

}  // namespace ring1::monitor
