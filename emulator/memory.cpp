// SPDX-License-Identifier: GPL-2.0-only
// Segmented memory: the checks of SDM 3A 5.3 (limits), 5.5 (types), 6.15 (#AC), and the transfer. 64-bit code has no
// segments but the bases of FS and GS (SDM 3A 3.2.4); its linear addresses must be canonical.
#include "emulator/context.h"

namespace ring1::emulator {
namespace {

constexpr uint64_t kTop = uint64_t{1} << 32;

// The bytes of an access that lie below 4 GiB; the rest continues at 0. An address above it is 64-bit code's, or that
// of a table in long mode, which does not wrap there.
unsigned below_top(Gva address, unsigned size, bool long_mode) {
  if (long_mode) return size;
  const uint64_t left = kTop - address.raw();
  return left < size ? static_cast<unsigned>(left) : size;
}

bool wide(const Context& c, Purpose purpose) { return purpose == Purpose::kSystem ? c.long_mode() : c.code64(); }

Privilege privilege_of(const Context& c, Purpose purpose) {
  return purpose == Purpose::kSystem ? Privilege::kSupervisor : c.privilege();
}

// SDM 3A 5.3: an expand-down segment holds the offsets above its limit, up to 64 KiB or 4 GiB by B.
bool within_limit(const ring1_segment& segment, bool protected_mode, uint32_t offset, unsigned size) {
  const uint32_t last = offset + size - 1;
  const bool down = protected_mode && (segment.access & (RING1_AR_CODE | RING1_AR_DOWN)) == RING1_AR_DOWN;
  if (down) {
    const uint32_t top = segment.access & RING1_AR_DB ? ~uint32_t{0} : 0xffffu;
    return offset > segment.limit && last <= top && last >= offset;
  }
  if (segment.limit == ~uint32_t{0}) return true;  // wraps: SDM 3A 5.3 leaves it to the processor
  return last <= segment.limit && last >= offset;
}

// SDM 3A table 6-7: far pointers of 48 bits want their offset aligned; nothing longer than 8 bytes is looked
// at here.
constexpr unsigned boundary_of(unsigned size) { return size == 6 ? 4 : size > 8 ? 1 : size; }

bool type_allows(const ring1_segment& segment, Access access) {
  if (segment.access & RING1_AR_UNUSABLE) return false;
  const bool writable = segment.access & RING1_AR_WRITABLE;  // of a code segment: readable
  if (segment.access & RING1_AR_CODE) return access == Access::kRead && writable;
  return access == Access::kRead || writable;
}

}  // namespace

bool Context::read_linear(Gva address, void* to, unsigned size, Purpose purpose) {
  const unsigned first = below_top(address, size, wide(*this, purpose));
  const Privilege who = privilege_of(*this, purpose);
  if (!ok(machine.read(address, to, first, who, purpose, fault))) return false;
  if (first == size) return true;
  return ok(machine.read(Gva(0), static_cast<uint8_t*>(to) + first, size - first, who, purpose, fault));
}

bool Context::write_linear(Gva address, const void* from, unsigned size, Purpose purpose) {
  const unsigned first = below_top(address, size, wide(*this, purpose));
  const Privilege who = privilege_of(*this, purpose);
  if (first != size && !ok(machine.probe_write(Gva(0), size - first, who, fault))) return false;
  if (!ok(machine.write(address, from, first, who, purpose, fault))) return false;
  if (first == size) return true;
  return ok(machine.write(Gva(0), static_cast<const uint8_t*>(from) + first, size - first, who, purpose, fault));
}

bool Context::probe_linear(Gva address, unsigned size, Purpose purpose) {
  const unsigned first = below_top(address, size, wide(*this, purpose));
  const Privilege who = privilege_of(*this, purpose);
  if (!ok(machine.probe_write(address, first, who, fault))) return false;
  return first == size || ok(machine.probe_write(Gva(0), size - first, who, fault));
}

bool Context::linear(SegmentRegister segment, uint64_t offset, unsigned size, Access access, Gva* address) {
  const ring1_segment& seg = cpu.seg[segment];
  if (code64()) {
    *address = Gva(segment >= kFs ? seg.base + offset : offset);
    const uint64_t last = address->raw() + size - 1;
    if (!canonical(address->raw()) || !canonical(last) || last < address->raw())
      return fail(segment == kSs ? Vector::kSs : Vector::kGp);
  } else {
    const bool checked = protected_mode();
    if ((checked && !type_allows(seg, access)) || !within_limit(seg, checked, static_cast<uint32_t>(offset), size))
      return fail(segment == kSs ? Vector::kSs : Vector::kGp);
    *address = Gva(static_cast<uint32_t>(seg.base + offset));
  }
  const bool alignment = (cpu.cr0 & cr0::kAm) && (cpu.rflags & eflags::kAc);
  if (alignment && (address->raw() & (boundary_of(size) - 1)) && cpl() == 3) return fail(Vector::kAc);
  return true;
}

bool Context::read_memory(SegmentRegister segment, uint64_t offset, void* to, unsigned size) {
  Gva address;
  return linear(segment, offset, size, Access::kRead, &address) && read_linear(address, to, size);
}

bool Context::write_memory(SegmentRegister segment, uint64_t offset, const void* from, unsigned size) {
  Gva address;
  return linear(segment, offset, size, Access::kWrite, &address) && write_linear(address, from, size);
}

}  // namespace ring1::emulator
