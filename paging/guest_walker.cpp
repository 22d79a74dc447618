// SPDX-License-Identifier: GPL-2.0-only
#include "paging/guest_walker.h"

namespace ring1::paging {

namespace {
constexpr uint64_t kLegacyRoot = 0xffff'f000, kPaeRoot = 0xffff'ffe0;

bool pointers_of(const PagingMode& mode) { return mode.paging && mode.pae && !mode.long_mode; }
}  // namespace

bool GuestWalker::read(Gpa where, unsigned bytes, uint64_t* value, bool* in_ram) const {
  Hpa hpa;
  GuestPointer va;
  *value = 0;
  *in_ram = false;
  const Backing backing = memory_.page(where.page(), &hpa, &va);
  if (backing == Backing::kBlocked) return false;
  if (backing == Backing::kDevice) return true;  // nothing answers there: an entry that is not present
  const auto* low = reinterpret_cast<const uint32_t*>(va.in(memory_) + where.offset());
  *value = bytes == 8 ? low[0] | uint64_t{low[1]} << 32 : low[0];
  *in_ram = backing == Backing::kRam || backing == Backing::kClean;
  return true;
}

GuestWalker::Load GuestWalker::load(const PagingMode& mode, uint64_t cr3, Pointers which) {
  const bool keep = which == Pointers::kKeep && pointers_of(mode_);
  uint64_t pointers[4] = {};
  if (pointers_of(mode) && keep) {
    for (unsigned slot = 0; slot < 4; ++slot) pointers[slot] = pointers_[slot];
  } else if (pointers_of(mode)) {
    for (unsigned slot = 0; slot < 4; ++slot) {
      bool in_ram;
      if (!read(Gpa((cr3 & kPaeRoot) + 8 * slot), 8, &pointers[slot], &in_ram)) return Load::kBlocked;
      const bool present = pointers[slot] & entry::kPresent;
      if (present && (pointers[slot] & PaeFormat::reserved_pointer(mode))) return Load::kReserved;
    }
  }
  for (unsigned slot = 0; slot < 4; ++slot) pointers_[slot] = pointers[slot];
  mode_ = mode;
  cr3_ = cr3;
  return Load::kOk;
}

void GuestWalker::restore(const GuestWalker& before) {
  mode_ = before.mode_;
  cr3_ = before.cr3_;
  for (unsigned slot = 0; slot < 4; ++slot) pointers_[slot] = before.pointers_[slot];
}

bool GuestWalker::directory(unsigned slot, Gpa* table) const {
  if (!mode_.paging) return false;
  if (!mode_.pae) {
    *table = Gpa(cr3_ & kLegacyRoot);
    return true;
  }
  *table = Gpa(pointers_[slot] & entry::kFrame);
  return pointers_[slot] & entry::kPresent;
}

// SDM 3A 4.7: the fetch bit exists only where execute-disable or SMEP does.
void GuestWalker::fail(GuestWalk* out, Gva address, Access access, uint32_t bits) const {
  uint32_t code = bits;
  if (access.write) code |= page_fault::kWrite;
  if (access.user) code |= page_fault::kUser;
  if (access.fetch && ((mode_.pae && mode_.nxe) || mode_.smep)) code |= page_fault::kFetch;
  out->ok = false;
  out->fault = {Vector::kPf, code, address.raw()};
}

// SDM 3A 4.6.1: a supervisor writes to read-only pages unless CR0.WP; SMEP and SMAP keep it off user pages.
bool GuestWalker::denied(const Walk& walk, Access access) const {
  if (access.user && !walk.user) return true;
  if (access.write && !walk.writable && (access.user || mode_.wp)) return true;
  if (access.fetch) return walk.no_execute || (mode_.smep && !access.user && walk.user);
  return mode_.smap && !access.user && walk.user && !access.ac;
}

template <class Format>
void GuestWalker::walk_tables(Gpa table, Gva address, Access access, GuestWalk* out) const {
  constexpr uint64_t kIndexMask = (1u << Format::kIndexBits) - 1;
  bool writable = true, user = true, no_execute = false;
  for (unsigned shift = Format::top_shift(mode_);; shift -= Format::kIndexBits) {
    const Gpa where = table + ((address.raw() >> shift) & kIndexMask) * Format::kEntryBytes;
    uint64_t value;
    if (!read(where, Format::kEntryBytes, &value, &out->in_ram[out->entry_count])) {
      out->blocked = true;
      return;
    }
    out->entries[out->entry_count++] = {where, value};
    if (!(value & entry::kPresent)) return fail(out, address, access, 0);
    const bool large = shift != kPageShift && Format::large(mode_, value, shift);
    if (value & Format::reserved(mode_, large, shift)) {
      return fail(out, address, access, page_fault::kPresent | page_fault::kReserved);
    }
    writable &= (value & entry::kWrite) != 0;
    user &= (value & entry::kUser) != 0;
    no_execute |= (value & entry::kNoExecute) != 0;
    if (large || shift == kPageShift) {
      const uint64_t bytes = uint64_t{1} << shift;
      const uint64_t frame = large ? Format::large_frame(value, shift) : Format::frame(value);
      out->gpa = Gpa(frame | (address.raw() & (bytes - 1)));
      out->page_bytes = bytes;
      out->dirty = value & entry::kDirty;
      out->global = mode_.pge && (value & entry::kGlobal);
      break;
    }
    table = Gpa(Format::frame(value));
  }
  out->writable = writable;
  out->user = user;
  out->no_execute = no_execute;
  if (denied(*out, access)) return fail(out, address, access, page_fault::kPresent);
  out->ok = true;
}

GuestWalk GuestWalker::walk(Gva address, Access access) const {
  GuestWalk out;
  Gpa table;
  if (mode_.long_mode) {
    // Whoever forms a linear address checks it first, and knows whether it is #SS instead (SDM 1 3.3.7.1).
    if (!LongFormat::canonical(mode_, address.raw()))
      out.fault = {Vector::kGp, 0, 0};
    else
      walk_tables<LongFormat>(Gpa(cr3_ & entry::bits(kPageShift, mode_.physical_bits - 1u)), address, access, &out);
    return out;
  }
  address = Gva(address.raw() & 0xffff'ffff);
  if (!mode_.paging) {
    out.ok = out.writable = out.user = out.dirty = true;
    out.gpa = Gpa(address.raw());
    out.page_bytes = 2u << 20;
  } else if (!directory(static_cast<unsigned>(address.raw() >> 30), &table)) {
    fail(&out, address, access, 0);
  } else if (mode_.pae) {
    walk_tables<PaeFormat>(table, address, access, &out);
  } else {
    walk_tables<LegacyFormat>(table, address, access, &out);
  }
  return out;
}

unsigned GuestWalker::set_accessed_dirty(GuestWalk& walk, bool write) const {
  unsigned changed = 0;
  for (unsigned i = 0; i < walk.entry_count; ++i) {
    const bool last = i + 1u == walk.entry_count;
    const uint32_t wanted = entry::kAccessed | (last && write ? entry::kDirty : 0);
    const bool there = (walk.entries[i].value & wanted) == wanted;
    walk.entries[i].value |= wanted;
    if (!walk.in_ram[i] || there) continue;
    Hpa hpa;
    GuestPointer va;
    if (memory_.page_for_write(walk.entries[i].where.page(), &hpa, &va) != Backing::kRam) {
      walk.ok = false;
      walk.blocked = true;
      break;
    }
    *reinterpret_cast<uint32_t*>(va.in(memory_) + walk.entries[i].where.offset()) |= wanted;
    changed |= 1u << i;
  }
  walk.dirty |= write;
  return changed;
}

// Looks at the ends of each 2 MiB only: slots are far larger.
Cover GuestWalker::cover_of(Gpa from, uint64_t bytes) const {
  constexpr uint64_t kStep = 2u << 20, kApics = 0xfec0'0000, kApicsEnd = 0xfef0'0000;
  for (uint64_t at = from.raw(); at < from.raw() + bytes; at += kStep) {
    if (at < kApicsEnd && at + kStep > kApics) return Cover::kUsed;
    for (uint64_t page = at; page < at + kStep; page += kStep - kPageSize) {
      Hpa hpa;
      GuestPointer va;
      if (memory_.page(Gpa(page), &hpa, &va) != Backing::kDevice) return Cover::kUsed;
    }
  }
  return Cover::kNoRam;
}

template <class Format>
void GuestWalker::scan_tables(Gva from, uint64_t bytes, bool behind, RangeScan* out) const {
  constexpr uint64_t kSpan = uint64_t{1} << Format::kLargeShift;
  const uint64_t end = from.raw() + bytes;
  for (uint64_t at = from.raw(), next; at < end; at = next) {
    next = (at & ~(kSpan - 1)) + kSpan;
    if (next > end) next = end;
    Gpa table;
    if (!directory(static_cast<unsigned>(at >> 30), &table)) continue;
    uint64_t value;
    bool unused;
    const uint64_t index = (at >> Format::kLargeShift) & ((1u << Format::kIndexBits) - 1);
    if (!read(table + index * Format::kEntryBytes, Format::kEntryBytes, &value, &unused)) continue;
    if (!(value & entry::kPresent)) continue;
    if (Format::large(mode_, value)) {
      const uint64_t frame = Format::large_frame(value) | (at & (kSpan - 1));
      out->cover = behind ? cover_of(Gpa(frame), next - at) : Cover::kUsed;
      if (out->cover == Cover::kUsed) return;
      continue;
    }
    const Gpa leaves(Format::frame(value));
    for (uint64_t page = at; page < next; page += kPageSize) {
      out->entries_read++;
      const uint64_t leaf = (page >> kPageShift) & ((1u << Format::kIndexBits) - 1);
      if (!read(leaves + leaf * Format::kEntryBytes, Format::kEntryBytes, &value, &unused)) break;
      if (!(value & entry::kPresent)) continue;
      out->cover = Cover::kUsed;
      return;
    }
    if (out->table_count < RangeScan::kMaxTables) out->tables[out->table_count++] = leaves.page();
  }
}

// Without paging RAM is what is mapped; slots are far larger than the step.
void GuestWalker::scan_identity(Gva from, uint64_t bytes, RangeScan* out) const {
  constexpr uint64_t kStep = 2u << 20;
  for (uint64_t at = from.raw(); at < from.raw() + bytes && out->cover == Cover::kFree; at += kStep) {
    uint64_t value;
    bool in_ram;
    if (read(Gpa(at), 4, &value, &in_ram) && in_ram) out->cover = Cover::kUsed;
  }
}

RangeScan GuestWalker::scan(Gva from, uint64_t bytes, bool behind) const {
  RangeScan out;
  if (!mode_.paging)
    scan_identity(from, bytes, &out);
  else if (mode_.pae)
    scan_tables<PaeFormat>(from, bytes, behind, &out);
  else
    scan_tables<LegacyFormat>(from, bytes, behind, &out);
  return out;
}

}  // namespace ring1::paging
