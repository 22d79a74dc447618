// SPDX-License-Identifier: GPL-2.0-only
#include "sched/sim/simulation.h"

#include <algorithm>
#include <cstddef>
#include <stdexcept>

namespace ring1::sched::sim {

namespace {

Guest* guest_of(ring1_sched_entity* entity) {
  if (entity == nullptr) return nullptr;
  return reinterpret_cast<Guest*>(reinterpret_cast<char*>(entity) - offsetof(Guest, entity));
}

bool may_move(ring1_sched_entity* entity, void*) { return !guest_of(entity)->pinned; }

}  // namespace

Simulation::Simulation(const Machine& machine)
    : machine_(machine), random_(machine.seed), processors_(machine.processors) {
  for (Processor& processor : processors_)
    ring1_sched_queue_init(&processor.queue, machine.policy, &machine_.tunables, 0);
}

Guest* Simulation::current(Processor& processor) { return guest_of(processor.queue.current_entity); }

void Simulation::at(uint64_t time, unsigned processor, uint64_t generation, Guest* guest) {
  events_.push({time, sequence_++, processor, generation, guest});
}

Guest& Simulation::add(Workload workload, const ring1_sched_params& params, uint64_t start, unsigned processor) {
  if (const char* wrong = ring1_sched_check_params(&params)) throw std::invalid_argument(wrong);
  guests_.push_back(std::make_unique<Guest>(std::move(workload), params));
  Guest& guest = *guests_.back();
  guest.processor = processor;
  settle(processor);
  ring1_sched_attach(&processors_[processor].queue, &guest.entity, now_);
  reconsider(processor);
  guest.due = start;
  at(start, 0, 0, &guest);
  return guest;
}

void Simulation::adjust(Guest& guest, const ring1_sched_params& params) {
  settle(guest.processor);
  ring1_sched_adjust(&guest.entity, &params, now_);
  reconsider(guest.processor);
}

// Charges what has run until now.
void Simulation::settle(unsigned index) {
  Processor& processor = processors_[index];
  uint64_t passed = now_ - processor.charged_until;
  processor.charged_until = now_;
  Guest* guest = current(processor);
  if (guest == nullptr) {
    processor.idle += passed;
    return;
  }
  const uint64_t overhead = std::min(passed, processor.overhead);
  processor.overhead -= overhead;
  passed -= overhead;
  if (passed == 0) return;
  if (guest->burst_left != kNever) guest->burst_left -= std::min(guest->burst_left, passed);
  ring1_sched_charge(&guest->entity, passed, now_);
}

void Simulation::plan(unsigned index, uint64_t slice) {
  Processor& processor = processors_[index];
  const Guest* guest = current(processor);
  uint64_t length = slice;
  if (length != kNever && guest != nullptr) {
    length += processor.overhead;
    if (machine_.timer_latency != 0) length += random_() % machine_.timer_latency;
  }
  if (guest != nullptr && guest->burst_left != kNever)
    length = std::min(length, guest->burst_left + processor.overhead);
  processor.generation++;
  if (length != kNever) at(now_ + std::max<uint64_t>(length, 1), index, processor.generation, nullptr);
}

void Simulation::choose(unsigned index) {
  Processor& processor = processors_[index];
  const Guest* last = current(processor);
  const ring1_sched_choice choice = ring1_sched_pick(&processor.queue, now_);
  Guest* next = guest_of(choice.entity);
  if (next != last && next != nullptr) {
    processor.overhead = machine_.switch_cost;
    if (next->fresh) {
      const uint64_t latency = now_ - next->woken;
      next->longest_latency = std::max(next->longest_latency, latency);
      next->latency_sum += latency;
      next->latencies++;
      next->fresh = false;
    }
  }
  plan(index, choice.slice);
  if (next == nullptr) steal(index);
}

void Simulation::steal(unsigned index) {
  for (unsigned i = 0; i < processors_.size(); i++) {
    if (i == index) continue;
    settle(i);
    ring1_sched_entity* taken = ring1_sched_candidate(&processors_[i].queue, now_, may_move, nullptr);
    if (taken == nullptr) continue;
    ring1_sched_migrate(taken, &processors_[index].queue, now_);
    guest_of(taken)->processor = index;
    reconsider(i);
    choose(index);
    return;
  }
}

// Something changed: the current guest may have to go, now or sooner.
void Simulation::reconsider(unsigned index) {
  Processor& processor = processors_[index];
  const uint64_t rest = ring1_sched_remaining(&processor.queue, now_);
  if (rest == 0)
    choose(index);
  else
    plan(index, rest);
}

void Simulation::wake(Guest& guest) {
  guest.burst_left = drawn(random_, guest.workload.burst, guest.workload.spread);
  guest.woken = now_;
  guest.fresh = true;
  unsigned index = guest.processor;
  if (!guest.pinned && processors_[index].queue.runnable != 0) {
    for (unsigned i = 0; i < processors_.size(); i++) {
      if (processors_[i].queue.runnable != 0) continue;
      settle(i);
      ring1_sched_migrate(&guest.entity, &processors_[i].queue, now_);
      guest.processor = index = i;
      break;
    }
  }
  settle(index);
  ring1_sched_wake(&guest.entity, now_);
  reconsider(index);
}

void Simulation::fall_asleep(Guest& guest) {
  guest.bursts++;
  guest.response_sum += now_ - guest.woken;
  ring1_sched_sleep(&guest.entity, now_);
  guest.due =
      (guest.workload.periodic ? guest.due : now_) + drawn(random_, guest.workload.sleep, guest.workload.spread);
  at(std::max(guest.due, now_), 0, 0, &guest);
}

void Simulation::run_until(uint64_t time) {
  while (!events_.empty() && events_.top().time <= time) {
    const Event event = events_.top();
    events_.pop();
    now_ = event.time;
    if (event.guest != nullptr) {
      wake(*event.guest);
      continue;
    }
    Processor& processor = processors_[event.processor];
    if (processor.generation != event.generation) continue;
    settle(event.processor);
    Guest* guest = current(processor);
    if (guest != nullptr && guest->burst_left == 0) fall_asleep(*guest);
    choose(event.processor);
  }
  now_ = time;
  for (unsigned i = 0; i < processors_.size(); i++) settle(i);
}

}  // namespace ring1::sched::sim
