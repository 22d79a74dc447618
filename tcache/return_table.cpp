// SPDX-License-Identifier: GPL-2.0-only
#include "tcache/return_table.h"

namespace ring1::tcache {

bool ReturnTable::init(Environment& environment) {
  environment_ = &environment;
  for (unsigned i = 0; i < kPages; ++i) {
    void* page = nullptr;
    if (!environment.return_table_page(i, &page)) return false;
    pages_[i] = static_cast<uint32_t*>(page);
  }
  return true;
}

void ReturnTable::fill(uint32_t miss) {
  miss_ = miss;
  for (uint32_t* page : pages_) {
    for (unsigned i = 0; i < kPerPage; ++i) page[i] = miss;
    environment_->worked(3 * kPerPage);
  }
}

void ReturnTable::move(uint32_t distance) {
  miss_ += distance;
  for (uint32_t* page : pages_) {
    for (unsigned i = 0; i < kPerPage; ++i) page[i] += distance;
    environment_->worked(4 * kPerPage);
  }
}

}  // namespace ring1::tcache
