// SPDX-License-Identifier: GPL-2.0-only
// The part of an ELF executable that a loader needs, for x86 of both widths. The constructor checks that
// everything lies inside the file.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "vmm/memory/guest_memory.h"

namespace ring1::vmm {

struct ElfSegment {
  uint64_t physical;
  uint64_t virtual_address;
  uint64_t memory_size;
  std::span<const uint8_t> bytes;
};

class ElfFile {
 public:
  explicit ElfFile(std::span<const uint8_t> file);

  bool is_64bit() const { return is_64bit_; }
  uint64_t entry() const { return entry_; }
  const std::vector<ElfSegment>& segments() const { return segments_; }
  std::optional<uint32_t> pvh_entry() const { return pvh_entry_; }

  // Copies the loadable segments to their physical addresses; the address after the last.
  Gpa load(GuestMemory& memory) const;

 private:
  template <class Header, class ProgramHeader>
  void parse();
  std::span<const uint8_t> part(uint64_t offset, uint64_t size) const;
  void parse_notes(std::span<const uint8_t> notes);

  std::span<const uint8_t> file_;
  bool is_64bit_ = false;
  uint64_t entry_ = 0;
  std::vector<ElfSegment> segments_;
  std::optional<uint32_t> pvh_entry_;
};

}  // namespace ring1::vmm
