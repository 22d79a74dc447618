// SPDX-License-Identifier: GPL-2.0-only
#include "user.h"

#include "exception.h"
#include "tables.h"

namespace guest {

namespace {

constexpr unsigned kLeaveVector = 0x81;
alignas(4096) uint8_t user_stack[0x4000];

// The function's return address: back to the kernel.
void leave_user() { asm volatile("int %0" ::"i"(kLeaveVector)); }

}  // namespace

uint32_t* user_stack_top() { return reinterpret_cast<uint32_t*>(user_stack + sizeof user_stack - 16); }

extern "C" void enter_user(uint32_t eip, uint32_t esp, uint32_t eflags);
extern "C" void resume_kernel();

void run_user(void (*function)(), uint32_t eflags) {
  set_gate_type(kLeaveVector, kTypeInterruptGate | kDpl3);
  set_handler(kLeaveVector, [](Frame&) { resume_kernel(); });
  uint32_t* top = user_stack_top();
  *top = reinterpret_cast<uint32_t>(leave_user);
  enter_user(reinterpret_cast<uint32_t>(function), reinterpret_cast<uint32_t>(top), eflags);
}

}  // namespace guest
