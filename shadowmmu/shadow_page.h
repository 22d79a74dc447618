// SPDX-License-Identifier: GPL-2.0-only
// One of our page tables and what it stands for.
#pragma once

#include "shadowmmu/shadow_entry.h"
#include "shadowmmu/paging_names.h"

namespace ring1::shadowmmu {

inline constexpr unsigned kEntries = 512;

enum class Kind : uint8_t {
  kDirectory,          // level 2, from a guest page directory
  kIdentityDirectory,  // level 2, paging is off
  kEmptyDirectory,     // level 2, the guest has no page directory there (PAE)
  kTable,              // level 1, from a guest page table
  kSplit,              // level 1, a piece of a guest large page or of the identity mapping: no guest table behind it
};

// Together with a guest frame the key under which a shadow page is found again. The frame is that of the guest's
// table; of the first page mapped (kSplit, kIdentityDirectory); the slot's number (kEmptyDirectory).
struct Role {
  // The rights that hold for everything below: those of the guest's directory entry. Shadow directory entries
  // grant everything, so that CR0.WP=0 can be honoured leaf by leaf.
  static constexpr uint8_t kWrite = 1, kUser = 2, kExecute = 4, kDirty = 8;  // kDirty: kSplit only
  static constexpr uint8_t kPae = 1, kPse = 2, kNxe = 4, kWp = 8;

  Kind kind;
  uint8_t quadrant = 0;  // level 2: which GiB of the address space; level 1: which half of a 32-bit page table
  uint8_t access = 0;
  uint8_t mode = 0;
  bool operator==(const Role&) const = default;

  bool is_directory() const { return kind <= Kind::kEmptyDirectory; }
  bool has_guest_table() const { return kind == Kind::kDirectory || kind == Kind::kTable; }
  unsigned guest_entry_bytes() const { return mode & kPae ? 8 : 4; }
};

// A shadow entry as a number: index of its page * 512 + position. 0 is none, as no page has index 0.
using Handle = uint32_t;

// Each shadow entry has a link in the page's companion page: present leaves are chained by the guest page they map,
// directory entries by the shadow table they point to. The first one's prev names the owner of the chain.
struct Link {
  static constexpr uint32_t kOwner = 1u << 31;  // | guest frame or index of the shadow page
  uint32_t next = 0;
  uint32_t prev = 0;
};

struct ShadowPage {
  uint64_t* entries = nullptr;
  Link* links = nullptr;
  Hpa hpa, links_hpa;
  GuestPointer guest;  // the guest's table, if has_guest_table(); see ShadowMmu::guest_entry()
  uint32_t frame = 0;
  Role role{};
  Handle parents = 0;       // level 1: first directory entry that points here
  uint32_t hole_epoch = 0;  // level 2: when the guest's mappings under the hole were last looked at
  uint16_t next_same_frame = 0;
  uint16_t older = 0, newer = 0;
  uint16_t present = 0;  // entries, without those of the hole
  uint8_t roots = 0;     // how often it is in use as one of the four active directories
  bool live = false;
  bool hole_collides = false;

  uint64_t entry_of(const uint8_t* table, unsigned index) const;  // the guest's entry behind a shadow entry
};

inline constexpr unsigned index_of(Handle handle) { return handle / kEntries; }
inline constexpr unsigned position_of(Handle handle) { return handle % kEntries; }

}  // namespace ring1::shadowmmu
