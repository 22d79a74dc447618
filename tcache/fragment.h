// SPDX-License-Identifier: GPL-2.0-only
// A translation in the cache. Offsets inside it count from its first code byte, as in translator::Translation.
#pragma once

#include <cstdint>

#include "base/address.h"
#include "tcache/list.h"
#include "translator/translation.h"

namespace ring1::tcache {

struct Fragment;
struct Mapping;

struct Exit {
  Fragment* owner;
  Fragment* target;     // nullptr: unlinked, the branch goes to its stub
  Link<Exit> incoming;  // in target's list
  uint32_t target_eip;
  uint16_t patch_offset;
  uint16_t stub_offset : 15;  // units are shorter (Translation::kMaxCode)
  bool is_call : 1;
};
static_assert(translator::Translation::kMaxCode < 1 << 15);
static_assert(sizeof(Exit) == 40);  // there are three or four for each fragment

// The guest bytes a fragment has on one page.
struct Part {
  Fragment* owner;
  Mapping* mapping;
  Link<Part> in_mapping;
  uint16_t offset, size;  // within the page
};

struct Fragment {
  uint32_t eip = 0;  // of the first instruction
  translator::Mode mode;
  uint32_t start = 0;  // of the code, in the cache

  uint16_t code_size = 0, guest_size = 0, instructions = 0;
  uint16_t indirect_entry = 0, call_entry = 0, body = 0;
  uint16_t map_count = 0;
  uint8_t exit_count = 0, return_count = 0, part_count = 0;
  bool published = false;  // the return table may point at indirect_entry

  Exit* exits = nullptr;
  translator::ReturnPoint* returns = nullptr;
  uint8_t* map = nullptr;  // packed: state_map.h
  Part* parts = nullptr;   // one, or two if the guest's bytes go over a page's end

  Exit* incoming = nullptr;       // links of others (and its own) to this fragment
  Fragment* hash_next = nullptr;  // by linear address
  Fragment* page_next = nullptr;  // fragments that start on the same code page, the later first

  uint32_t linear() const { return mode.cs_base + eip; }
  TcOffset position(unsigned offset) const { return TcOffset(start + offset); }
};

// The entry in force at `offset`. false: in front of the first entry.
bool find_map_entry(const Fragment& fragment, unsigned offset, translator::MapEntry* entry);

// Where execution can resume in front of the instruction at guest_offset with exactly the guest's state, for
// example behind an instruction that was emulated. false: nowhere in this fragment.
bool boundary_offset(const Fragment& fragment, unsigned guest_offset, unsigned* offset);

// The exit whose stub starts at `offset`; -1: none.
int find_exit(const Fragment& fragment, unsigned offset);

}  // namespace ring1::tcache
