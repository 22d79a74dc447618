// SPDX-License-Identifier: GPL-2.0-only
// Delivery of an event to its end: faults during delivery become further events, a double fault or shutdown
// (SDM 3A 6.15, interrupt 8, tables 6-4 and 6-5).
#include "emulator/system/deliver.h"

namespace ring1::emulator {

namespace {

constexpr uint64_t kDr7GeneralDetect = 1u << 13;

enum class Class { kBenign, kContributory, kPageFault, kDoubleFault };

Class class_of(const Event& event) {
  if (!event.is_exception || event.is_software) return Class::kBenign;
  switch (static_cast<Vector>(event.vector)) {
    case Vector::kDe:
    case Vector::kTs:
    case Vector::kNp:
    case Vector::kSs:
    case Vector::kGp: return Class::kContributory;
    case Vector::kPf: return Class::kPageFault;
    case Vector::kDf: return Class::kDoubleFault;
    default: return Class::kBenign;
  }
}

constexpr Event kDoubleFaultEvent{static_cast<uint8_t>(Vector::kDf), true, false, 0, 0, true};

// What `second`, met while `first` was delivered, turns into. false: the processor shuts down.
bool combine(const Event& first, Event* second) {
  const Class a = class_of(first), b = class_of(*second);
  if (b == Class::kBenign) return true;
  if (a == Class::kDoubleFault) return false;
  if (a == Class::kPageFault || (a == Class::kContributory && b == Class::kContributory)) *second = kDoubleFaultEvent;
  return true;
}

// Architectural side effects that precede the delivery and stay even if it fails.
void prepare(ring1_cpu_state& cpu, const Event& event) {
  if (!event.is_exception) return;
  if (event.vector == static_cast<uint8_t>(Vector::kPf)) cpu.cr2 = event.cr2;
  if (event.vector == static_cast<uint8_t>(Vector::kDb)) cpu.dr[7] &= ~kDr7GeneralDetect;
}

}  // namespace

Outcome deliver(ring1_cpu_state& cpu, Machine& machine, const Event& event) {
  if (cpu.efer & efer::kLma) return Outcome::kUnsupported;
  // A chain of events is short: benign faults cannot follow each other without end, but a hostile guest's tables
  // may produce several (a T bit in every TSS).
  constexpr unsigned kMaxChain = 16;
  Event current = event;
  for (unsigned i = 0; i < kMaxChain; ++i) {
    Fault fault{};
    Sys sys(cpu, machine, &fault, current.is_software ? 0 : 1);
    prepare(sys.cpu, current);
    const __u64 cr2 = sys.cpu.cr2, dr7 = sys.cpu.dr[7];
    if (current.is_software) sys.cpu.rip = static_cast<uint32_t>(sys.cpu.rip + current.instruction_length);
    const Outcome outcome = sys.finish(deliver_once(sys, current));
    if (outcome != Outcome::kFault && outcome != Outcome::kTrap) return outcome;
    Event next = event_of(fault);
    if (outcome == Outcome::kFault) {
      if (!sys.committed()) {
        cpu.cr2 = cr2;
        cpu.dr[7] = dr7;
      }
      if (!combine(current, &next)) break;
    }
    current = next;
  }
  cpu.shutdown = 1;
  return Outcome::kShutdown;
}

}  // namespace ring1::emulator
