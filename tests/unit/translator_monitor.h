// SPDX-License-Identifier: GPL-2.0-only
// A small monitor for tests: a translation cache without eviction, chaining, the return table, and the
// recovery of guest state by the map.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "translator/shared_page.h"
#include "translator/translator.h"
#include "translator_cpu.h"

namespace ring1::translator::test {

class Monitor {
 public:
  explicit Monitor(const Mode& mode, unsigned max_instructions);

  // Real position of a guest EIP's translation.
  uint32_t enter(uint32_t guest_eip);
  // Serves a callout. False: the guest has executed HLT, whose state is then in the trap's registers.
  bool serve(Trap& trap);
  // The guest's registers when translated code stopped at these.
  Registers recover(const Registers& real) const;
  std::string where(uint32_t eip) const;

  SharedPage& shared() { return *at<SharedPage>(Arena::kShared); }
  unsigned exits = 0, misses = 0, interrupts = 0, emulated = 0;

 private:
  struct Unit {
    uint32_t first_eip, base;
    std::vector<uint8_t> buffer;
    Translation translation;
  };

  Unit& unit_for(uint32_t guest_eip);
  const Unit* unit_at(uint32_t eip) const;
  void emulate(const Unit& unit, const Callout& callout, Trap& trap);

  Mode mode_;
  unsigned max_instructions_;
  uint32_t used_ = 0;
  uint32_t miss_stub_;
  std::map<uint32_t, std::unique_ptr<Unit>> by_eip_;
  std::map<uint32_t, Unit*> by_base_;
};

constexpr uint32_t kVisibleFlags = 0xcd5;  // arithmetic and direction

}  // namespace ring1::translator::test
