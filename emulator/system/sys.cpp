// SPDX-License-Identifier: GPL-2.0-only
#include "emulator/system/sys.h"

namespace ring1::emulator {

// The bytes of an access that lie below 4 GiB; the rest continues at 0.
static unsigned below_top(uint32_t linear, unsigned size) {
  const uint64_t left = (uint64_t{1} << 32) - linear;
  return left < size ? static_cast<unsigned>(left) : size;
}

Outcome Sys::read(uint32_t linear, void* to, unsigned size, Privilege privilege, Purpose purpose) {
  const unsigned first = below_top(linear, size);
  RING1_TRY(of(machine.read(Gva(linear), to, first, privilege, purpose, fault_)));
  if (first == size) return Outcome::kDone;
  return of(machine.read(Gva(0), static_cast<uint8_t*>(to) + first, size - first, privilege, purpose, fault_));
}

Outcome Sys::write(uint32_t linear, const void* from, unsigned size, Privilege privilege, Purpose purpose) {
  const unsigned first = below_top(linear, size);
  if (first != size) RING1_TRY(of(machine.probe_write(Gva(0), size - first, privilege, fault_)));
  RING1_TRY(of(machine.write(Gva(linear), from, first, privilege, purpose, fault_)));
  if (first == size) return Outcome::kDone;
  return of(machine.write(Gva(0), static_cast<const uint8_t*>(from) + first, size - first, privilege, purpose, fault_));
}

Outcome Sys::probe(uint32_t linear, unsigned size, Privilege privilege) {
  const unsigned first = below_top(linear, size);
  RING1_TRY(of(machine.probe_write(Gva(linear), first, privilege, fault_)));
  return first == size ? Outcome::kDone : of(machine.probe_write(Gva(0), size - first, privilege, fault_));
}

}  // namespace ring1::emulator
