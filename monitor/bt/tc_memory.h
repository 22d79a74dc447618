// SPDX-License-Identifier: GPL-2.0-only
// The memory that translated code lives in, and how it is mapped into the hole of the guest's address space:
//   hole + 0         the shared page     supervisor, writable
//   hole + 4 KiB     the return table    supervisor, read-only
//   hole + 2 MiB     the cache's code    supervisor, read-only, executable
// The monitor writes all of it through its own mapping.
#pragma once

#include "base/address.h"
#include "monitor/world/page_pool.h"
#include "tcache/environment.h"
#include "translator/shared_page.h"

namespace ring1::monitor {

class TcMemory final : public tcache::Allocator {
 public:
  static constexpr uint64_t kLargePage = 2u << 20;
  static constexpr unsigned kMaxTables = 1 + (256u << 20) / kLargePage;

  explicit TcMemory(PagePool& pool) : pool_(pool) {}

  [[nodiscard]] bool init(uint32_t tc_bytes);

  uint32_t hole_bytes() const { return static_cast<uint32_t>(table_count_ * kLargePage); }
  const Hpa* tables() const { return tables_; }
  unsigned table_count() const { return table_count_; }

  // Where things lie once the hole is at `base`.
  static constexpr uint32_t shared_base(uint32_t base) { return base; }
  static constexpr uint32_t code_base(uint32_t base) { return base + static_cast<uint32_t>(kLargePage); }

  translator::SharedPage& shared() const { return *shared_; }

  // The cache's own records: not in the hole.
  void* allocate_page() override { return pool_.allocate_page(); }
  void release_page(void* page) override { pool_.release_page(page); }

  bool code_page(unsigned index, void** writable);
  bool return_table_page(unsigned index, void** writable);
  bool test_and_clear_accessed(unsigned index);

 private:
  bool map(unsigned page, uint64_t flags, void** writable);
  uint64_t* entry(unsigned page) { return &entries_[page / 512][page % 512]; }

  PagePool& pool_;
  translator::SharedPage* shared_ = nullptr;
  unsigned table_count_ = 0;
  Hpa tables_[kMaxTables];
  uint64_t* entries_[kMaxTables] = {};
};

}  // namespace ring1::monitor
