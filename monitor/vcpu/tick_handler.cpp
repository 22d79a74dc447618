// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/vcpu/tick_handler.h"

#include "emulator/system/task_state.h"
#include "x86/registers.h"

namespace ring1::monitor {

namespace {

// EIP, CS and EFLAGS; SS and ESP on another level's stack; ES, DS, FS and GS from virtual-8086 mode (SDM 3A 6.12.1,
// 3B 20.3.1).
constexpr uint32_t kWords = 3, kWordsBetweenLevels = 5, kWordsOfVm86 = 9;

bool in_user_mode(const ring1_cpu_state& cpu) {
  return (cpu.rflags & eflags::kVm) || ((cpu.cr0 & cr0::kPe) && (cpu.seg[kSs].access & RING1_AR_DPL_MASK));
}

uint32_t stack_of(const ring1_cpu_state& cpu) {
  const uint32_t mask = cpu.seg[kSs].access & RING1_AR_DB ? 0xffffffff : 0xffff;
  return static_cast<uint32_t>(cpu.seg[kSs].base) + (static_cast<uint32_t>(cpu.gpr[kRsp]) & mask);
}

}  // namespace

void TickHandler::begins() {
  if (at_work()) return;
  frame_ = 0;
  if (cpu_.efer & efer::kLma) return;
  uint32_t top = stack_of(cpu_), words = kWords;
  if (in_user_mode(cpu_)) {
    // Kernels' stack segments begin at 0.
    Gpa page;
    if (!emulator::is_tss32(cpu_.tr) ||
        !memory_.read_system(Gva(cpu_.tr.base + emulator::tss32::kStacks), &top, sizeof top, &page))
      return;
    words = cpu_.rflags & eflags::kVm ? kWordsOfVm86 : kWordsBetweenLevels;
  }
  word_ = cpu_.cr0 & cr0::kPe ? 4 : 2;
  frame_ = top - words * word_;
  eip_ = static_cast<uint32_t>(cpu_.rip);
  cs_ = cpu_.seg[kCs].selector;
}

bool TickHandler::frame_is_there() {
  uint16_t words[4];  // EIP and CS
  Gpa page;
  if (!memory_.read_system(Gva(frame_), words, 2 * word_, &page)) return false;
  if (word_ == 2) return words[0] == (eip_ & 0xffff) && words[1] == cs_;
  return (words[0] | uint32_t{words[1]} << 16) == eip_ && words[2] == cs_;
}

bool TickHandler::at_work() {
  return frame_ && !in_user_mode(cpu_) && frame_ - stack_of(cpu_) < kDeepest && frame_is_there();
}

}  // namespace ring1::monitor
