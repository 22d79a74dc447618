// SPDX-License-Identifier: GPL-2.0-only
// One thread, or one process with the same memory, that does one random operation after the other.
#pragma once

#include "pool.h"
#include "trail.h"

namespace ring1::fuzz {

struct Worker {
  Worker(unsigned number, uint64_t its_seed) : actor(number), seed(its_seed), random(its_seed) {}
  unsigned actor;
  uint64_t seed;
  uint64_t operations = 0;  // of all processes that were this worker, one after the other
  Random random;  // of --kind device each operation has its own, of `seed` and its number: what others draw does not matter
  Room room;

  Step& begin(const char* name, uint64_t a = 0, uint64_t b = 0, uint64_t c = 0) {
    return trail->begin(actor, name, a, b, c);
  }
};

// Each does one operation.
void call_device(Worker& worker);   // device_calls.cpp
void call_vm(Worker& worker);       // vm_calls.cpp
void call_vcpu(Worker& worker);     // vcpu_calls.cpp
void prepare_guest(Worker& worker); // guest.cpp
void run_guest(Worker& worker);
void change_memory(Worker& worker);   // memory.cpp
void scribble(Worker& worker);
void change_process(Worker& worker);  // process.cpp

// generation.cpp: the whole of one, until the trail says stop.
[[noreturn]] void run_generation(uint64_t seed, unsigned long machine_type);
void work(Worker& worker);

// guest_generation.cpp: one of hostile guests.
[[noreturn]] void run_guest_generation(uint64_t seed, unsigned long machine_type, bool scribbling);

}  // namespace ring1::fuzz
