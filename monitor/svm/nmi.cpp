// SPDX-License-Identifier: GPL-2.0-only
// The IRET that ends an NMI's handler. It exits (APM 2 15.9), before it is executed, and only behind it may the next
// NMI come: on the handler's own stack an earlier one would overwrite the frame. The emulator executes those of 32-bit
// code. Those of long mode the processor does, with TF set, so that it stops behind them.
#include "monitor/vcpu/vcpu.h"
#include "monitor/svm/engine.h"
#include "x86/breakpoints.h"
#include "x86/registers.h"

namespace ring1::monitor {

void SvmEngine::iret_exit() {
  if (!(vmcb_->state.efer & efer::kLma)) return instruction_exit();
  iret_ = {.running = true, .guest_steps = (cpu_.rflags & eflags::kTf) != 0, .rip = cpu_.rip};
}

// Before an entry. An event that goes in first would push our TF; then IRET exits once more.
void SvmEngine::arm_iret() {
  if (cpu_.event.valid) iret_.running = false;
  if (iret_.running) vmcb_->state.rflags |= eflags::kTf;
}

// After an exit. Something may have stopped it before it was done.
void SvmEngine::settle_iret() {
  iret_.stepped = false;
  if (!iret_.running) return;
  if (cpu_.rip == iret_.rip) {
    if (!iret_.guest_steps) cpu_.rflags &= ~uint64_t{eflags::kTf};
    return;
  }
  iret_.running = false;
  iret_.stepped = !iret_.guest_steps;
  cpu_.nmi_blocked = 0;
  attend();
}

// What DR6 says of a #DB, less what is our doing.
uint64_t SvmEngine::without_our_step(uint64_t status) {
  return iret_.stepped ? status & ~uint64_t{breakpoint::kDr6Bs} : status;
}

}  // namespace ring1::monitor
