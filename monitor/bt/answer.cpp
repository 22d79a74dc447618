// SPDX-License-Identifier: GPL-2.0-only
// Short answers. Most traps ask for little, and the general way is long: the guest's state is taken out of the processor, the
// instruction decoded and executed on the virtual processor, and everything that may be due is looked at before the guest goes
// on. Here the common ones are answered in between, on the trap block. Whatever is not exactly as expected is left as it was,
// for the general way; `short_ways=0` sends everything there.
#include "monitor/bt/engine.h"
#include "monitor/bt/plain_store.h"
#include "monitor/vcpu/vcpu.h"
#include "monitor/world/hardware.h"
#include "x86/registers.h"

namespace ring1::monitor {

using translator::Brief, translator::BriefRecord, translator::CalloutVector;

namespace {

constexpr unsigned kSystemCall = 0x80, kIntBytes = 2;

}  // namespace

extern "C" unsigned ring1_answer(TrapBlock* block) { return block->engine->answer(); }

unsigned BtEngine::answer() {
  const unsigned how = answer_trap();
  if (how != TB_LEAVE) going_on();
  return how;
}

unsigned BtEngine::answer_trap() {
  known_fault_.valid = false;
  if (!brief_ || !block_.is_possible()) return TB_LEAVE;
  const bool user = block_.from_user();
  if (live_ != (user ? Live::kDirect : Live::kTranslated)) return TB_LEAVE;
  if (block_.vector == static_cast<uint64_t>(Vector::kPf)) return answer_page_fault();
  if (user) return answer_user();
  switch (static_cast<CalloutVector>(block_.vector)) {
    case CalloutVector::kBrief: return answer_brief();
    case CalloutVector::kIndirectMiss: return answer_miss();
    default: return TB_LEAVE;
  }
}

// Is there anything to be seen to between two stays in the guest?
unsigned BtEngine::go_on() {
  if (quiet() && !note_count_ && view_.up_to_date()) return TB_GO_ON;
  block_.vector = TB_ANSWERED;
  return TB_LEAVE;
}

// From kState back into the guest.
unsigned BtEngine::enter_again() {
  resume_.fragment = nullptr;
  if (cpu_.seg[kSs].access & RING1_AR_DPL_MASK) {
    enter_direct(Loaded::kInProcessor);
  } else if (!enter_translated(Loaded::kInProcessor)) {
    block_.vector = TB_ANSWERED;
    return TB_LEAVE;
  }
  return go_on() != TB_LEAVE && has_wide_stack() ? TB_RELOAD : TB_LEAVE;
}

// The record behind the INT, which may stand anywhere, as any bytes may run at ring 1. It is believed only in the cache, and
// read only from the page that the INT is on: that one is there. Whatever it says: no answer does more than what the guest's
// kernel could ask for anyway.
bool BtEngine::brief_record(BriefRecord* record) const {
  TcOffset position;
  const unsigned in_page = tc_eip() & ~static_cast<unsigned>(kPageMask);
  if (!cache_.contains(tc_eip(), &position) || in_page == 0 || in_page + sizeof *record > kPageSize) return false;
  *record = *reinterpret_cast<const BriefRecord*>(uint64_t{tc_eip()});
  return true;
}

// The block's EIP is behind the INT.
unsigned BtEngine::answer_brief() {
  BriefRecord record;
  if (!brief_record(&record)) return TB_LEAVE;
  switch (record.kind) {
    case Brief::kReturn:
    case Brief::kSysexit: return answer_return(record.kind);
    default: break;
  }
  if (!answer_register(record)) return TB_LEAVE;
  shared_.stats.callouts_emulate++;
  note_short_exit(RING1_EXIT_CALLOUT);
  block_.rip += sizeof record;
  return TB_GO_ON;
}

// A target in the cache whose entry another one with the same low half had taken. Below the guest's ESP, as it will be, lie the
// target and ECX, at a check that failed as at the miss stub (docs/translator.md, Recovery).
unsigned BtEngine::answer_miss() {
  struct {
    uint32_t ecx, unused, eip;
  } below;
  TcOffset position;
  if (!cache_.contains(tc_eip() - kIntBytes, &position)) return TB_LEAVE;
  const auto esp = static_cast<uint32_t>(block_.rsp) + (cache_.is_miss_stub(position) ? 4 : 0);
  const auto linear = static_cast<uint32_t>(cpu_.seg[kSs].base + esp - sizeof below);
  if (!(cpu_.seg[kSs].access & RING1_AR_DB) || !view_.load(linear, &below, sizeof below / 4)) return TB_LEAVE;
  tcache::Fragment* const target = cache_.lookup(below.eip, mode());
  if (!target) return TB_LEAVE;
  cache_.publish(target);
  block_.rcx = below.ecx;
  block_.rsp = esp;
  block_.rip = cache_.exec_address(target->position(target->body));
  shared_.stats.callouts_indirect++;
  note_short_exit(RING1_EXIT_INDIRECT);
  return TB_GO_ON;
}

// What touches nothing but registers, so that nothing can become due.
bool BtEngine::answer_register(const BriefRecord& record) {
  switch (record.kind) {
    case Brief::kReadTsc: {
      const uint64_t tsc = vcpu_.machine.read_tsc();
      block_.rax = static_cast<uint32_t>(tsc);
      block_.rdx = tsc >> 32;
      return true;
    }
    case Brief::kCpuid: {
      uint32_t out[4];
      vcpu_.machine.cpuid(static_cast<uint32_t>(block_.rax), static_cast<uint32_t>(block_.rcx), out);
      block_.rax = out[0];
      block_.rbx = out[1];
      block_.rcx = out[2];
      block_.rdx = out[3];
      return true;
    }
    case Brief::kReadControl: {
      const __u64* const control[] = {&cpu_.cr0, nullptr, &cpu_.cr2, &cpu_.cr3, &cpu_.cr4};
      const unsigned number = record.operand >> 4;
      if (number >= sizeof control / sizeof *control || !control[number]) return false;
      block_.gpr(record.operand) = static_cast<uint32_t>(*control[number]);
      return true;
    }
    default: return false;
  }
}

// IRET and SYSEXIT are boundaries: the registers are the guest's, and where it stood does not matter any more.
unsigned BtEngine::answer_return(Brief kind) {
  if (!Segments::are_own(block_)) return TB_LEAVE;
  vcpu_.host.stay_begins(hardware::read_tsc());
  look_at_state();
  if (!(kind == Brief::kReturn ? gates_.interrupt_return() : gates_.sysexit())) return TB_LEAVE;
  live_ = Live::kState;
  shared_.stats.callouts_emulate++;
  note_short_exit(RING1_EXIT_CALLOUT);
  if (interrupt_wanted_ || cpu_.nmi_pending) attend();  // IF may have become 1
  return enter_again();
}

// A hidden fault leaves the registers where they are, and what user code did by itself goes to the handler at once. What the
// MMU said of any other is kept for the general way.
unsigned BtEngine::answer_page_fault() {
  const uint64_t address = hardware::read_cr2();
  if (address >> 32) return TB_LEAVE;
  vcpu_.host.stay_begins(hardware::read_tsc());
  known_fault_ = {true, mmu_.fault(Gva(address), static_cast<uint32_t>(block_.error))};
  switch (known_fault_.result.kind) {
    case shadowmmu::FaultKind::kHidden:
      shared_.stats.hidden_faults++;
      note_short_exit(RING1_EXIT_PAGE_FAULT);
      return go_on() != TB_LEAVE && has_wide_stack() ? TB_GO_ON : TB_LEAVE;
    case shadowmmu::FaultKind::kTraced: return answer_store(static_cast<uint32_t>(address));
    case shadowmmu::FaultKind::kGuest: break;
    default: return TB_LEAVE;
  }
  if (live_ != Live::kDirect || single_step_ || !Segments::are_own(block_)) return TB_LEAVE;
  look_at_state();
  cpu_.rip = static_cast<uint32_t>(block_.rip);
  if (!gates_.deliver(emulator::event_of(known_fault_.result.fault))) return TB_LEAVE;
  shared_.stats.true_faults++;
  shared_.stats.exceptions_injected++;
  note_short_exit(RING1_EXIT_PAGE_FAULT);
  live_ = Live::kState;
  return enter_again();
}

// A store to a traced page. It is the translated instruction that is executed, whose copy of the guest's bytes stands in the
// cache: the block's registers are its operands as they are. Not below ESP, where sequences store what the guest does not.
unsigned BtEngine::answer_store(uint32_t address) {
  constexpr unsigned kWords = (PlainStore::kMostBytes + 3) / 4, kBelow = 16;
  uint8_t code[4 * kWords];
  PlainStore store;
  TcOffset position;
  if (live_ != Live::kTranslated || !cache_.contains(tc_eip(), &position)) return TB_LEAVE;
  if (!ring1_guest_load(code, tc_eip(), kWords) || !read_plain_store(code, block_, &store)) return TB_LEAVE;
  if (store.offset != address || static_cast<uint32_t>(block_.rsp) - address - 1 < kBelow) return TB_LEAVE;
  if (!vcpu_.machine.write_ram(known_fault_.result.gpa, &store.value, sizeof store.value)) return TB_LEAVE;
  block_.rip += store.length;
  block_.rflags &= ~uint64_t{eflags::kRf};  // of the fault; the instruction is done
  shared_.stats.trace_faults++;
  note_short_exit(RING1_EXIT_PAGE_FAULT);
  return go_on();
}

// Else the way back into the guest is another one (narrow_stack.h).
bool BtEngine::has_wide_stack() {
  if (segments_.is_wide_stack(static_cast<uint16_t>(block_.ss))) return true;
  block_.vector = TB_ANSWERED;
  return false;
}

bool BtEngine::is_sysenter() {
  constexpr uint16_t kSysenter = 0x340f;
  uint32_t code;
  return block_.error == 0 && cpu_.seg[kCs].base == 0 && view_.load(block_.rip, &code, 1) &&
         static_cast<uint16_t>(code) == kSysenter;
}

unsigned BtEngine::answer_user() {
  if (single_step_ || !Segments::are_own(block_)) return TB_LEAVE;
  vcpu_.host.stay_begins(hardware::read_tsc());
  switch (block_.vector) {
    case kSystemCall:
      look_at_state();
      cpu_.rip = static_cast<uint32_t>(block_.rip);  // behind the INT
      if (!gates_.deliver({.vector = kSystemCall, .is_software = true})) return TB_LEAVE;
      note_short_exit(RING1_EXIT_SYSTEM_CALL);
      break;
    case static_cast<unsigned>(Vector::kGp):
      look_at_state();
      if (!is_sysenter() || !gates_.sysenter()) return TB_LEAVE;
      note_short_exit(RING1_EXIT_PROTECTION);
      break;
    default: return TB_LEAVE;
  }
  shared_.stats.system_calls++;
  live_ = Live::kState;
  return enter_again();
}

}  // namespace ring1::monitor
