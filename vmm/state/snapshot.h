// SPDX-License-Identifier: GPL-2.0-only
// A saved machine in a file: its memory as it is, with holes where it is zero, then its state in sections. The header
// is written last, so that a file that was not finished is none. docs/migration.md has the format.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "vmm/memory/guest_memory.h"
#include "vmm/state/archive.h"
#include "vmm/unique_fd.h"

namespace ring1::vmm {

class SnapshotWriter {
 public:
  // Writes FILE.part, which finish() turns into FILE; without that it is removed.
  explicit SnapshotWriter(std::string path);
  ~SnapshotWriter();
  SnapshotWriter(const SnapshotWriter&) = delete;
  SnapshotWriter& operator=(const SnapshotWriter&) = delete;

  // A piece of memory, as often as it changes.
  void put_memory(const GuestMemory& memory, uint64_t offset, uint64_t size);
  // What the file has there, to compare.
  void read_memory(uint64_t offset, std::span<uint8_t> to) const;
  void finish(uint64_t memory_size, const ArchiveWriter& state);

 private:
  std::string path_, partial_;
  UniqueFd fd_;
  bool finished_ = false;
};

class Snapshot {
 public:
  explicit Snapshot(const std::string& path);

  uint64_t memory_size() const { return memory_size_; }
  const Archive& state() const { return state_; }
  // Into memory that is still zero.
  void load_memory(GuestMemory& memory) const;

 private:
  std::string path_;
  UniqueFd fd_;
  uint64_t memory_size_ = 0;
  Archive state_{{}};
};

}  // namespace ring1::vmm
