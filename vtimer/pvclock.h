// SPDX-License-Identifier: GPL-2.0-only
// The records of KVM's paravirtual clock in guest memory (KVM: Documentation/virt/kvm/x86/msr.rst). Each has a version,
// odd while the record changes: who reads it takes the version before and behind, and reads again if they differ or are
// odd. The version goes on from what is there, also where another monitor wrote last.
#pragma once

#include <cstdint>

#include "base/address.h"
#include "vtimer/pvclock_scale.h"

namespace ring1::vtimer {

// Guest memory at an address that the guest chose. False: there is not (only) memory, or it cannot be written.
class PvMemory {
 public:
  virtual bool read_physical(Gpa from, void* to, unsigned size) = 0;
  virtual bool write_physical(Gpa to, const void* from, unsigned size) = 0;

 protected:
  ~PvMemory() = default;
};

struct PvclockTime {
  uint64_t tsc, ns;  // the guest's TSC, and its clock at that value
  PvclockScale scale;
  bool tsc_stable;  // the TSC needs no watching for steps back
  bool stopped;     // say that the guest was stopped; a guest that knows clears it itself
};

// Real time at which the clock was 0.
struct PvclockWall {
  uint32_t seconds, nanoseconds;
};

bool publish(PvMemory& memory, Gpa where, const PvclockTime& time);
bool publish(PvMemory& memory, Gpa where, const PvclockWall& wall);

// So many nanoseconds more in which the guest could have run and did not.
bool add_stolen(PvMemory& memory, Gpa where, uint64_t ns);

}  // namespace ring1::vtimer
