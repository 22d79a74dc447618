// SPDX-License-Identifier: GPL-2.0-only
// Nanoseconds by the processor's time-stamp counter, at the rate by which the monitor makes virtual time of it. The host's
// own clocks run at another, since somebody keeps them right; a guest that compares its devices would see it.
#pragma once

#include <cstdint>

namespace ring1::vmm {

class TscClock {
 public:
  // khz: of the counter; 0: unknown, the host's clock serves.
  explicit TscClock(uint32_t khz);

  uint64_t ns() const;  // since it was made

 private:
  uint32_t khz_;
  uint64_t begin_;
};

}  // namespace ring1::vmm
