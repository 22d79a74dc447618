// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/bt/tc_memory.h"

#include "paging/entry.h"

namespace ring1::monitor {

namespace entry = paging::entry;

bool TcMemory::init(uint32_t tc_bytes) {
  table_count_ = static_cast<unsigned>(1 + (tc_bytes + kLargePage - 1) / kLargePage);
  if (table_count_ > kMaxTables) return false;
  for (unsigned i = 0; i < table_count_; i++) {
    paging::Page page;
    if (!pool_.allocate(&page)) return false;
    tables_[i] = page.hpa;
    entries_[i] = static_cast<uint64_t*>(page.va);
  }
  void* shared;
  if (!map(0, entry::kWrite | entry::kDirty | entry::kNoExecute, &shared)) return false;
  shared_ = static_cast<translator::SharedPage*>(shared);
  for (unsigned bits = 0; bits < 256; bits++) shared_->popped_flags[bits] = translator::popped_flags(bits);
  return true;
}

bool TcMemory::map(unsigned page, uint64_t flags, void** writable) {
  paging::Page memory;
  if (!pool_.allocate(&memory)) return false;
  *entry(page) = memory.hpa.raw() | entry::kPresent | entry::kAccessed | flags;
  *writable = memory.va;
  return true;
}

bool TcMemory::code_page(unsigned index, void** writable) {
  return map(static_cast<unsigned>(kLargePage / kPageSize) + index, 0, writable);
}

bool TcMemory::return_table_page(unsigned index, void** writable) {
  return map(translator::kReturnTableOffset / kPageSize + index, entry::kNoExecute, writable);
}

bool TcMemory::test_and_clear_accessed(unsigned index) {
  uint64_t* at = entry(static_cast<unsigned>(kLargePage / kPageSize) + index);
  const bool accessed = *at & entry::kAccessed;
  *at &= ~entry::kAccessed;
  return accessed;
}

}  // namespace ring1::monitor
