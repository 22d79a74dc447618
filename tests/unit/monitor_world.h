// SPDX-License-Identifier: GPL-2.0-only
// The monitor's world without a monitor: a host that answers in user space, over guest memory that lies where the
// monitor's window is here (RING1_GUEST_WINDOW). The classes above it are the real ones.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "include/ring1/switch.h"
#include "monitor/world/host.h"
#include "monitor/world/log.h"
#include "monitor/world/page_pool.h"

namespace ring1::monitor {

class FakeWorld : private CommandHandler {
 public:
  static constexpr uint64_t kRam = 16u << 20;  // bytes, from 0

  FakeWorld();
  ~FakeWorld();
  FakeWorld(const FakeWorld&) = delete;

  // The guest's own view of its memory; nothing is told.
  uint8_t* at(uint64_t gpa) { return reinterpret_cast<uint8_t*>(RING1_GUEST_WINDOW + gpa); }
  template <class T>
  T read(uint64_t gpa) {
    T value;
    __builtin_memcpy(&value, at(gpa), sizeof value);
    return value;
  }
  template <class T>
  void write(uint64_t gpa, T value) {
    __builtin_memcpy(at(gpa), &value, sizeof value);
  }

  // What the host says of a page; RAM up to kRam and a device beyond where nothing is said.
  std::map<uint64_t, ring1_backing> backing;
  // User space's answer to an exit.
  std::function<void(ring1_exit&)> answer = [](ring1_exit&) {};
  // Withdrawn at the next visit.
  std::vector<ring1_page_range> withdraw;
  // Served, one after the other, when the next request waits for its answer.
  std::deque<ring1_command> commands;
  unsigned pages_left = 4096;

  unsigned requests(ring1_request kind) const {
    const auto found = requests_.find(kind);
    return found == requests_.end() ? 0 : found->second;
  }
  std::vector<ring1_command> commanded;  // what reached the handler
  std::vector<ring1_page_range> withdrawn_pages;
  uint64_t stood = 0;
  unsigned left_for_user = 0;

  ring1_switch page{};
  std::unique_ptr<ring1_vcpu_shared> shared_memory;
  ring1_vcpu_shared& shared;
  Host host;
  Log log;
  PagePool pool;

 private:
  int command(ring1_command command) override;
  void leaving_for_user() override { left_for_user++; }
  void time_stood(uint64_t cycles) override { stood += cycles; }
  void withdrawn(const ring1_withdrawn& pages) override;

  static void to_host(ring1_switch* page);
  void serve();
  void pin();
  void give_pages();

  std::map<uint32_t, unsigned> requests_;
  std::vector<void*> given_;
};

}  // namespace ring1::monitor
