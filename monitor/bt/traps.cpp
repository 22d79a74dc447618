// SPDX-License-Identifier: GPL-2.0-only
// What the guest stopped for.
#include "monitor/bt/engine.h"
#include "monitor/world/hardware.h"
#include "monitor/vcpu/vcpu.h"
#include "x86/registers.h"

namespace ring1::monitor {
namespace {

constexpr unsigned kFirstExternal = 32, kSystemCall = 0x80, kIntBytes = 2;

bool is_physical(unsigned vector) {
  return vector == static_cast<unsigned>(Vector::kNmi) || vector == static_cast<unsigned>(Vector::kMc) ||
         (vector >= kFirstExternal && vector != kSystemCall);
}

// For the statistics.
ring1_exit_kind kind_of(unsigned vector, bool user) {
  if (vector == kSystemCall) return user ? RING1_EXIT_SYSTEM_CALL : RING1_EXIT_EXCEPTION;
  if (vector >= kFirstExternal) return RING1_EXIT_INTERRUPT;
  if (!user) {
    switch (static_cast<translator::CalloutVector>(vector)) {
      case translator::CalloutVector::kExit: return RING1_EXIT_UNIT;
      case translator::CalloutVector::kEmulate:
      case translator::CalloutVector::kBrief: return RING1_EXIT_CALLOUT;
      case translator::CalloutVector::kIndirectMiss: return RING1_EXIT_INDIRECT;
      case translator::CalloutVector::kInterrupt: return RING1_EXIT_WINDOW;
    }
  }
  switch (static_cast<Vector>(vector)) {
    case Vector::kNmi:
    case Vector::kMc: return RING1_EXIT_INTERRUPT;
    case Vector::kPf: return RING1_EXIT_PAGE_FAULT;
    case Vector::kBp:
    case Vector::kOf: return user ? RING1_EXIT_SYSTEM_CALL : RING1_EXIT_EXCEPTION;
    case Vector::kGp:
    case Vector::kNp:
    case Vector::kSs:
    case Vector::kTs: return RING1_EXIT_PROTECTION;
    default: return RING1_EXIT_EXCEPTION;
  }
}

}  // namespace

void BtEngine::to_host(unsigned vector) {
  if (vector == TB_ABORTED)
    physical_interrupt_pending();
  else
    physical_interrupt(vector);
}

void BtEngine::interrupted(unsigned vector) {
  to_host(vector);
  // Debugging: recover the guest's state wherever an interrupt happens to strike, and go on from it.
  if (shared_.config.check_recovery) to_architectural();
}

// IRETQ, or a load of DS to GS in front of it, faulted. User code that an interrupt stopped behind the last byte of its
// segment has that coming anyway; what else user space has put together ends the VM.
void BtEngine::entry_refused(unsigned vector) {
  const bool direct = live_ == Live::kDirect;
  vcpu_.log.line("entry refused: vector %u error %lx", vector, block_.error);
  if (!stopped()) return;
  if (direct && cpu_.rip > cpu_.seg[kCs].limit) return deliver(emulator::Fault{Vector::kGp, 0, 0});
  internal_error(KVM_INTERNAL_ERROR_EMULATION, "the processor does not accept the guest's segments");
}

// The block is given up before anything else: IRETQ must not meet it. An interrupt goes to the host before user space does.
void BtEngine::impossible_trap(unsigned vector) {
  abandon();
  if (is_physical(vector)) to_host(vector);
  internal_error(KVM_INTERNAL_ERROR_EMULATION, "ring 1 got where no processor lets it");
}

// False: there was no way back to a state of the guest, as bytes that nobody translated ran at ring 1. User space was told,
// and may have changed everything since.
bool BtEngine::stopped() {
  const unsigned before = internal_errors_;
  to_architectural();
  return internal_errors_ == before;
}

void BtEngine::handle_trap() {
  const unsigned vector = static_cast<unsigned>(block_.vector);
  if (vector == TB_ANSWERED) return short_exit_ends();
  if (vector >= TB_REFUSED) [[unlikely]]
    return entry_refused(vector - TB_REFUSED);
  note_exit(kind_of(vector, block_.from_user()));
  if (!block_.is_possible()) [[unlikely]]
    return impossible_trap(vector);
  if (is_physical(vector)) return interrupted(vector);
  switch (vector) {
    case static_cast<unsigned>(Vector::kPf): return page_fault();
    case static_cast<unsigned>(Vector::kDb): return debug_exception();
    case kSystemCall:
    case static_cast<unsigned>(Vector::kBp):
    case static_cast<unsigned>(Vector::kOf):
      if (block_.from_user()) return system_call(vector);
      break;
  }
  if (vector == kSystemCall) return wild_system_call();
  if (!block_.from_user()) {
    switch (static_cast<translator::CalloutVector>(vector)) {
      case translator::CalloutVector::kExit: return callout_exit();
      case translator::CalloutVector::kEmulate:
      case translator::CalloutVector::kBrief: return callout_emulate();
      case translator::CalloutVector::kIndirectMiss: return callout_indirect();
      case translator::CalloutVector::kInterrupt: return callout_interrupt();
    }
  }
  exception(vector);
}

// INT3, INTO, INT 0x80 in user code: the real gate let them through, the guest's own gate decides.
void BtEngine::system_call(unsigned vector) {
  if (!stopped()) return;
  shared_.stats.system_calls++;
  // Back to the instruction: its own execution checks the gate, and a fault must point at it.
  constexpr uint8_t kInt3 = 0xcc, kInto = 0xce;
  uint8_t last = 0;
  Gpa page;
  const auto before = static_cast<uint32_t>(cpu_.seg[kCs].base + cpu_.rip - 1);
  vcpu_.machine.read_system(Gva(before), &last, 1, &page);
  const bool one_byte = vector != kSystemCall && (last == kInt3 || last == kInto);
  cpu_.rip = static_cast<uint32_t>(cpu_.rip - (one_byte ? 1 : kIntBytes));
  emulate_one(nullptr);
  attend();
}

// Translated code has no INT 0x80: bytes that nobody translated ran at ring 1 (docs/races.md). The gate is open to them, as
// its DPL is 3, but no device uses the vector.
void BtEngine::wild_system_call() {
  to_architectural();
  attend();
}

// INT leaves EIP behind itself; the callout's place is the INT.
void BtEngine::callout_exit() {
  shared_.stats.callouts_exit++;
  block_.rip -= kIntBytes;
  TcOffset position;
  unsigned offset = 0;
  tcache::Fragment* fragment = cache_.contains(tc_eip(), &position) ? cache_.find(position, &offset) : nullptr;
  const int exit = fragment ? tcache::find_exit(*fragment, offset) : -1;
  if (exit < 0) return internal_error(KVM_INTERNAL_ERROR_EMULATION, "a wild exit from the translation cache");

  const uint32_t target_eip = fragment->exits[exit].target_eip;
  const bool is_call = fragment->exits[exit].is_call;
  const translator::Mode current = fragment->mode;
  tcache::Fragment* target = cache_.lookup(target_eip, current);
  if (!target) {
    // Translation may evict the fragment we stand in: take the guest's state out of it first.
    const uint64_t before = cache_.generation();
    if (!stopped() || cpu_.shutdown) return;
    target = fragment_at(target_eip);
    if (!target || note_count_ || cache_.generation() != before) return;
    if (shared_.config.chaining) cache_.link(fragment, static_cast<unsigned>(exit), target);
    return;
  }
  if (shared_.config.chaining) cache_.link(fragment, static_cast<unsigned>(exit), target);
  block_.rip = cache_.exec_address(target->position(is_call ? target->call_entry : target->body));
}

void BtEngine::callout_emulate() {
  shared_.stats.callouts_emulate++;
  block_.rip -= kIntBytes;
  if (!stopped()) return;
  emulate_one(nullptr);
}

void BtEngine::callout_indirect() {
  shared_.stats.callouts_indirect++;
  block_.rip -= kIntBytes;
  if (!stopped()) return;
  tcache::Fragment* target = fragment_at(static_cast<uint32_t>(cpu_.rip));
  if (target) cache_.publish(target);
}

void BtEngine::callout_interrupt() {
  shared_.stats.callouts_interrupt++;
  block_.rip -= kIntBytes;
  to_architectural();
  attend();
}

// An access that begins below 4 GiB goes on at 0 (SDM 3A 5.3 leaves it to the processor). One in IA-32e mode may not wrap.
void BtEngine::fault_across_top() {
  constexpr emulator::Fault kProtection = {Vector::kGp, 0, 0};
  if (stopped()) emulate_one(&kProtection);
}

// In translated code: at an instruction's start stands the guest's own, or a sequence that begins with a store of ours below
// ESP or to the shared page. to_architectural() was called.
bool BtEngine::is_own_fault(const emulator::Fault& fault) const {
  constexpr uint32_t kBelow = 16;
  const auto esp = static_cast<uint32_t>(cpu_.seg[kSs].base + cpu_.gpr[kRsp]);
  return at_boundary_ && esp - static_cast<uint32_t>(fault.cr2) - 1 >= kBelow;
}

void BtEngine::page_fault() {
  if (!known_fault_.valid && hardware::read_cr2() >> 32) return fault_across_top();
  const shadowmmu::FaultResult result =
      known_fault_.valid ? known_fault_.result
                         : mmu_.fault(Gva(hardware::read_cr2()), static_cast<uint32_t>(block_.error));
  switch (result.kind) {
    case shadowmmu::FaultKind::kHidden: shared_.stats.hidden_faults++; return;
    case shadowmmu::FaultKind::kGuest: shared_.stats.true_faults++; break;
    case shadowmmu::FaultKind::kTraced: shared_.stats.trace_faults++; break;
    case shadowmmu::FaultKind::kDevice: break;
    case shadowmmu::FaultKind::kHole: shared_.stats.hole_collisions++; break;
    case shadowmmu::FaultKind::kBlocked:
      to_architectural();
      return internal_error(KVM_INTERNAL_ERROR_EMULATION, "no memory for a page of the guest");
  }
  const bool direct = live_ == Live::kDirect;
  if (!stopped()) return;
  if (result.kind == shadowmmu::FaultKind::kGuest) {
    // User code runs as it is: the fault is exactly the guest's. Translated code may have faulted in a sequence of
    // ours, below the guest's stack pointer for one: let the instruction itself say.
    if (direct || (brief_ && is_own_fault(result.fault))) return deliver(result.fault);
    return emulate_one(&result.fault);
  }
  emulator::Fault fault{};
  const emulator::Outcome outcome = step(&fault);
  if (outcome == emulator::Outcome::kUnsupported && result.kind == shadowmmu::FaultKind::kTraced) {
    // Not one the emulator knows (SSE...): give up what depends on the page and let the processor write it.
    cache_.invalidate_page(result.gpa.page());
    if (mmu_.unprotect(result.gpa.page()) || !mmu_.reasons(result.gpa.page())) return;
  }
  finish(outcome, fault, nullptr);
  if (vcpu_.devices.take_touched()) attend();
}

void BtEngine::exception(unsigned vector) {
  const bool direct = live_ == Live::kDirect;
  if (!stopped()) return;
  const emulator::Fault fault = {static_cast<Vector>(vector), static_cast<uint32_t>(block_.error), 0};
  switch (static_cast<Vector>(vector)) {
    case Vector::kGp:
    case Vector::kNp:
    case Vector::kSs:
    case Vector::kTs:
      // Something privileged or sensitive, a segment whose shadow says less than the guest's descriptor, or the
      // guest's own fault: executing the instruction on the virtual processor tells.
      shared_.stats.gp_faults++;
      return emulate_one(&fault);
    case Vector::kUd: return direct ? deliver(fault) : emulate_one(&fault);
    default: return deliver(fault);
  }
}

}  // namespace ring1::monitor
