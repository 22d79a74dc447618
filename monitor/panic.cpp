// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/panic.h"

#include "base/assert.h"
#include "monitor/hardware.h"
#include "monitor/monitor.h"

namespace ring1::monitor {
namespace {

// Pointers at the base of the monitor's stack (switch.h): the switch page, the trap block, the monitor.
uint64_t* stack_base() { return reinterpret_cast<uint64_t*>(hardware::stack_pointer() & -uint64_t{RING1_STACK_BYTES}); }

}  // namespace

void set_current(Monitor* monitor) {
  stack_base()[1] = reinterpret_cast<uint64_t>(&monitor->block);
  stack_base()[2] = reinterpret_cast<uint64_t>(monitor);
}

extern "C" [[noreturn]] void ring1_monitor_fault(const uint64_t* frame) {
  auto& monitor = *reinterpret_cast<Monitor*>(stack_base()[2]);
  Log& log = monitor.log;
  log.line("monitor fault: vector %lu error %lx at %016lx rflags %lx cr2 %lx", frame[7], frame[8], frame[9], frame[11],
           hardware::read_cr2());
  log.line("rax %lx rbx %lx rcx %lx rdx %lx rsi %lx rdi %lx rbp %lx rsp %lx", frame[6], frame[3], frame[5], frame[4],
           frame[1], frame[0], frame[2], frame[12]);
  const auto* stack = reinterpret_cast<const uint64_t*>(frame[12]);
  const auto bottom = reinterpret_cast<uint64_t>(stack_base());
  if (frame[12] < bottom) stack = reinterpret_cast<const uint64_t*>(monitor.block.monitor_rsp);
  for (unsigned found = 0; reinterpret_cast<uint64_t>(stack) < bottom + RING1_STACK_BYTES && found < 16; stack++) {
    if (*stack < RING1_IMAGE_BASE || *stack >= RING1_IMAGE_BASE + (16u << 20)) continue;
    log.line("  stack: %lx", *stack);
    found++;
  }
  monitor.dump();
  monitor.host.die();
}

}  // namespace ring1::monitor

namespace ring1 {

void assertion_failed(const char* expression, const char* file, int line) {
  auto& monitor = *reinterpret_cast<monitor::Monitor*>(monitor::stack_base()[2]);
  monitor.log.line("%s:%d: assertion failed: %s (called from %lx)", file, line, expression,
                   reinterpret_cast<uint64_t>(__builtin_return_address(0)));
  monitor.dump();
  monitor.host.die();
}

}  // namespace ring1
