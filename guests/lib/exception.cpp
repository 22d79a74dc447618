// SPDX-License-Identifier: GPL-2.0-only
#include "exception.h"

#include "cpu.h"
#include "print.h"
#include "test.h"

namespace guest {

namespace {
constexpr unsigned kVectors = 256;
Handler handlers[kVectors];
}  // namespace

extern "C" {
volatile uint32_t attempt_start, attempt_resume, attempt_esp;
volatile Caught attempt_caught;
}

void set_handler(unsigned vector, Handler handler) { handlers[vector] = handler; }

static void catch_attempt(Frame& frame) {
  attempt_caught.vector = frame.vector;
  attempt_caught.error = frame.error;
  attempt_caught.offset = frame.eip - attempt_start;
  attempt_caught.cs = frame.cs;
  attempt_caught.eflags = frame.eflags;
  attempt_caught.cr2 = frame.vector == kPf ? read_cr2() : 0;
  attempt_caught.esp = (frame.cs & 3) ? frame.esp : reinterpret_cast<uint32_t>(&frame.esp);
  frame.eip = attempt_resume;
  frame.eflags &= ~(kFlagTf | kFlagNt);
  attempt_resume = 0;
}

extern "C" void guest_dispatch(Frame& frame) {
  if (frame.vector < kVectors && handlers[frame.vector]) return handlers[frame.vector](frame);
  if (attempt_resume) return catch_attempt(frame);
  check(false, "unexpected vector %u error 0x%x at 0x%x:0x%x flags 0x%x cr2 0x%x", frame.vector, frame.error, frame.cs,
        frame.eip, frame.eflags, read_cr2());
  finish();
}

}  // namespace guest
