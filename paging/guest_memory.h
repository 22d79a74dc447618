// SPDX-License-Identifier: GPL-2.0-only
// What lies behind guest physical addresses.
#pragma once

#include <cstdint>

#include "base/address.h"
#include "base/assert.h"

namespace ring1::paging {

enum class Backing : uint8_t {
  kRam,
  kClean,  // RAM whose writes are logged: ask page_for_write() before each first one
  kReadOnly,
  kDevice,
  kBlocked,
};
constexpr bool has_memory(Backing backing) { return backing <= Backing::kReadOnly; }

// Where the monitor finds a guest page. It is good until memory goes the next time, which may be in any call that leads
// to the host; whoever uses it knows the memory it is of, and dies if it is older than that.
class GuestPointer {
 public:
  GuestPointer() = default;
  GuestPointer(void* memory, uint64_t generation) : memory_(static_cast<uint8_t*>(memory)), generation_(generation) {}
  bool is_good(const class GuestMemory& memory) const;
  uint8_t* in(const GuestMemory& memory) const;

 private:
  uint8_t* memory_ = nullptr;
  uint64_t generation_ = 0;
};

class GuestMemory {
 public:
  // What lies at a guest physical page. If it has memory, *hpa and *va are set (the host finds it on demand). An *hpa
  // that was put into a table is found there when its page goes, and taken out before the guest runs.
  virtual Backing page(Gpa page, Hpa* hpa, GuestPointer* va) = 0;
  // The same just before a write: never kClean.
  virtual Backing page_for_write(Gpa page, Hpa* hpa, GuestPointer* va) { return this->page(page, hpa, va); }
  // The same without any work for the host: kBlocked if the page was not asked for yet. Entries filled ahead of their
  // use ask here; without it none are.
  virtual Backing known(Gpa page, Hpa* hpa, GuestPointer* va) {
    (void)page, (void)hpa, (void)va;
    return Backing::kBlocked;
  }
  // Advanced when memory went, or the right to write to it.
  uint64_t generation() const { return generation_; }

 protected:
  ~GuestMemory() = default;
  uint64_t generation_ = 0;
};

inline bool GuestPointer::is_good(const GuestMemory& memory) const { return generation_ == memory.generation(); }
inline uint8_t* GuestPointer::in(const GuestMemory& memory) const {
  RING1_ASSERT(is_good(memory));
  return memory_;
}

}  // namespace ring1::paging
