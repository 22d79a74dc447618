// SPDX-License-Identifier: GPL-2.0-only
// From a position in translated code back to the guest's registers at an instruction boundary.
#include "base/assert.h"
#include "monitor/bt/engine.h"
#include "monitor/vcpu/vcpu.h"
#include "x86/registers.h"

namespace ring1::monitor {
namespace {

// What translated code may change of EFLAGS by itself; the rest is virtual and stays as it was.
constexpr uint32_t kLiveFlags = eflags::kArithmetic | eflags::kDf | eflags::kAc | eflags::kId | eflags::kRf;
constexpr uint32_t kLiveUserFlags = kLiveFlags | eflags::kTf | eflags::kNt;

}  // namespace

// ESP included, as the processor had it.
void BtEngine::take_registers() {
  cpu_.gpr[kRax] = static_cast<uint32_t>(block_.rax);
  cpu_.gpr[kRcx] = static_cast<uint32_t>(block_.rcx);
  cpu_.gpr[kRdx] = static_cast<uint32_t>(block_.rdx);
  cpu_.gpr[kRbx] = static_cast<uint32_t>(block_.rbx);
  cpu_.gpr[kRsp] = static_cast<uint32_t>(block_.rsp);
  cpu_.gpr[kRbp] = static_cast<uint32_t>(block_.rbp);
  cpu_.gpr[kRsi] = static_cast<uint32_t>(block_.rsi);
  cpu_.gpr[kRdi] = static_cast<uint32_t>(block_.rdi);
}

uint32_t BtEngine::tc_eip() const { return static_cast<uint32_t>(block_.rip); }

// Reads [SS:ESP + displacement] of the stopped guest, below ESP included.
bool BtEngine::stack_word(int displacement, uint32_t* value) {
  const uint32_t offset = static_cast<uint32_t>(block_.rsp) + static_cast<uint32_t>(displacement);
  Gpa page;
  return vcpu_.machine.read_system(Gva(static_cast<uint32_t>(cpu_.seg[kSs].base + offset)), value, 4, &page);
}

void BtEngine::recover() {
  tcache::Fragment* fragment = nullptr;
  unsigned offset = 0;
  TcOffset position;
  translator::MapEntry entry = tcache::kMissStubState;
  const bool inside = cache_.contains(tc_eip(), &position);
  if (inside && !cache_.is_miss_stub(position)) {
    fragment = cache_.find(position, &offset);
    if (!fragment || !tcache::find_map_entry(*fragment, offset, &entry))
      return internal_error(KVM_INTERNAL_ERROR_EMULATION, "guest code jumped into the translation cache");
  } else if (!inside) {
    return internal_error(KVM_INTERNAL_ERROR_EMULATION, "translated code left the translation cache");
  }

  at_boundary_ = entry.boundary && entry.code_offset == offset;
  take_registers();
  uint32_t word = 0, flags = static_cast<uint32_t>(block_.rflags);
  if (entry.ecx_spilled) {
    if (entry.ecx_in_gs)
      word = tc_memory_.shared().spill[0];
    else if (!stack_word(entry.ecx_disp, &word))
      return internal_error(KVM_INTERNAL_ERROR_EMULATION, "the guest's stack vanished below an inline sequence");
    cpu_.gpr[kRcx] = word;
  }
  switch (entry.eip) {
    case translator::MapEntry::Eip::kOffset: word = fragment->eip + entry.guest_offset; break;
    case translator::MapEntry::Eip::kPopped:
      if (!stack_word(0, &flags))
        return internal_error(KVM_INTERNAL_ERROR_EMULATION, "the guest's stack vanished below a POPF");
      flags &= ~eflags::kRf;
      word = fragment->eip + entry.guest_offset;
      break;
    case translator::MapEntry::Eip::kAtStack:
      if (!stack_word(entry.eip_disp, &word))
        return internal_error(KVM_INTERNAL_ERROR_EMULATION, "the guest's stack vanished below an indirect branch");
      break;
    case translator::MapEntry::Eip::kExitTarget: word = fragment->exits[entry.guest_offset].target_eip; break;
  }
  cpu_.rip = word;
  const uint32_t esp = static_cast<uint32_t>(block_.rsp) + static_cast<uint32_t>(int32_t{entry.esp_delta});
  const bool wide = cpu_.seg[kSs].access & RING1_AR_DB;
  cpu_.gpr[kRsp] = wide ? esp : (block_.rsp & 0xffff0000) | (esp & 0xffff);

  const uint64_t interrupt = tc_memory_.shared().interrupt_flag & 1 ? eflags::kIf : 0;
  cpu_.rflags =
      (cpu_.rflags & ~uint64_t{kLiveFlags | eflags::kIf}) | (flags & kLiveFlags) | interrupt | eflags::kFixed1;
  if (entry.shadowed) cpu_.shadow = RING1_SHADOW_STI;
  segments_.sync(block_, 1);
  resume_ = {cache_.generation(), fragment};
  live_ = Live::kState;
}

// The guest's registers where it stands, into ring1_cpu_state, but for RIP: at an instruction boundary, that is, or in user
// code. They stay in the block as well, and Live says so: nothing has happened yet.
void BtEngine::look_at_state() {
  take_registers();
  uint64_t live = kLiveUserFlags, interrupt = cpu_.rflags & eflags::kIf;
  if (live_ == Live::kTranslated) {
    live = kLiveFlags;
    interrupt = tc_memory_.shared().interrupt_flag & 1 ? eflags::kIf : 0;
  }
  cpu_.rflags = (cpu_.rflags & ~(live | eflags::kIf)) | (block_.rflags & live) | interrupt | eflags::kFixed1;
  segments_.sync(block_, live_ == Live::kTranslated ? 1 : 3);
}

void BtEngine::to_architectural() {
  if (live_ == Live::kState) return;
  cpu_.shadow = 0;
  if (live_ == Live::kTranslated) return recover();
  take_registers();
  cpu_.rip = static_cast<uint32_t>(block_.rip);
  if (single_step_) block_.rflags = (block_.rflags & ~uint64_t{eflags::kTf}) | (cpu_.rflags & eflags::kTf);
  single_step_ = false;
  cpu_.rflags = (cpu_.rflags & ~uint64_t{kLiveUserFlags}) | (block_.rflags & kLiveUserFlags) | eflags::kFixed1;
  segments_.sync(block_, 3);
  live_ = Live::kState;
}

}  // namespace ring1::monitor
