// SPDX-License-Identifier: GPL-2.0-only
// The end of a virtual machine whose monitor has found itself wrong: a dump into the log, then back to the host.
#include "base/assert.h"
#include "monitor/world/hardware.h"
#include "monitor/world/world.h"

namespace ring1::monitor {
namespace {

// The third pointer at the base of the monitor's stack (switch.h).
constexpr unsigned kWorldSlot = 2;
uint64_t* stack_base() { return reinterpret_cast<uint64_t*>(hardware::stack_pointer() & -uint64_t{RING1_STACK_BYTES}); }
World& current() { return *reinterpret_cast<World*>(stack_base()[kWorldSlot]); }

[[noreturn]] void die(World& world) {
  if (world.witness) world.witness->dump();
  world.host.die();
}

}  // namespace

World::World(ring1_switch& page)
    : shared(*reinterpret_cast<ring1_vcpu_shared*>(page.shared)), host(page, shared), log(shared.log), pool(host) {
  stack_base()[kWorldSlot] = reinterpret_cast<uint64_t>(this);
}

extern "C" [[noreturn]] void ring1_monitor_fault(const uint64_t* frame) {
  World& world = current();
  Log& log = world.log;
  log.line("monitor fault: vector %lu error %lx at %016lx rflags %lx cr2 %lx", frame[7], frame[8], frame[9], frame[11],
           hardware::read_cr2());
  log.line("rax %lx rbx %lx rcx %lx rdx %lx rsi %lx rdi %lx rbp %lx rsp %lx", frame[6], frame[3], frame[5], frame[4],
           frame[1], frame[0], frame[2], frame[12]);
  const auto* stack = reinterpret_cast<const uint64_t*>(frame[12]);
  const auto bottom = reinterpret_cast<uint64_t>(stack_base());
  if (frame[12] < bottom && world.witness) stack = reinterpret_cast<const uint64_t*>(world.witness->monitor_rsp());
  if (reinterpret_cast<uint64_t>(stack) < bottom) stack = frame;
  for (unsigned found = 0; reinterpret_cast<uint64_t>(stack) < bottom + RING1_STACK_BYTES && found < 16; stack++) {
    if (*stack < RING1_IMAGE_BASE || *stack >= RING1_IMAGE_BASE + (16u << 20)) continue;
    log.line("  stack: %lx", *stack);
    found++;
  }
  die(world);
}

}  // namespace ring1::monitor

namespace ring1 {

void assertion_failed(const char* expression, const char* file, int line) {
  monitor::World& world = monitor::current();
  world.log.line("%s:%d: assertion failed: %s (called from %lx)", file, line, expression,
                 reinterpret_cast<uint64_t>(__builtin_return_address(0)));
  monitor::die(world);
}

}  // namespace ring1
