// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/hardware/engine.h"

#include "monitor/vcpu/vcpu.h"
#include "x86/breakpoints.h"
#include "x86/registers.h"

namespace ring1::monitor {

namespace {

// Nested tables know no one whom they could tell how long it takes: in pieces (Host::work()).
constexpr uint64_t kPiece = 512;
constexpr unsigned kPageWork = 40;

}  // namespace

template <class Act>
void HardwareEngine::in_pieces(uint64_t gfn, uint64_t count, Act act) {
  for (uint64_t done = 0; done < count; done += kPiece) {
    const uint64_t piece = count - done < kPiece ? count - done : kPiece;
    vcpu_.host.work(kPageWork * static_cast<unsigned>(piece));
    act(gfn + done, piece);
  }
}

void HardwareEngine::forget(uint64_t gfn, uint64_t count) {
  in_pieces(gfn, count, [this](uint64_t first, uint64_t pages) { forget_nested(first, pages); });
  mmu_.forget(Gpa(gfn << kPageShift), count);
  attend();
}

void HardwareEngine::log_dirty(uint64_t gfn, uint64_t count) {
  in_pieces(gfn, count, [this](uint64_t first, uint64_t pages) { log_dirty_nested(first, pages); });
  Engine::log_dirty(gfn, count);
}

bool HardwareEngine::take_event_along_by_emulator() {
  to_architectural();
  const emulator::Event event = event_of(cpu_);
  cpu_.event = {};
  deliver_by_emulator(event);
  return false;
}

// An injected event pushes RFLAGS as they are at the entry, and leaves DR7 alone: RF of faults (SDM 3B 17.3.1.1) is
// ours to set, and so is what #DB clears for its handler, which may use the debug registers (SDM 3B 17.2.4).
void HardwareEngine::inject(const emulator::Event& event) {
  set_event(cpu_, event);
  if (!event.is_exception || event.is_software) return;
  switch (static_cast<Vector>(event.vector)) {
    case Vector::kDb: cpu_.dr[7] &= ~breakpoint::kDr7Gd; return;
    case Vector::kBp:
    case Vector::kOf:
    case Vector::kDf: return;
    default: cpu_.rflags |= eflags::kRf; return;
  }
}

void HardwareEngine::emulate(const emulator::Fault* original) {
  to_architectural();
  if (cpu_.event.valid) {
    (void)take_event_along_by_emulator();
    return;
  }
  const InstructionBytes known = known_instruction();
  emulate_one(original, &known);
}

void HardwareEngine::entry_failed(uint64_t reason, const char* why) {
  vcpu_.log.line("the processor refused to enter the guest: %s (%lx)", why, reason);
  vcpu_.dump();
  abandon();
  shared_.exit.fail_entry.reason = reason;
  exit_to_user(KVM_EXIT_FAIL_ENTRY);
}

}  // namespace ring1::monitor
