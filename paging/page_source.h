// SPDX-License-Identifier: GPL-2.0-only
// Where page tables come from.
#pragma once

#include "base/address.h"

namespace ring1::paging {

// A page of the monitor's memory, usable as a page table.
struct Page {
  Hpa hpa;
  void* va = nullptr;
};

class PageSource {
 public:
  virtual bool allocate(Page* page) = 0;  // zeroed; false: out of memory
  virtual void release(Page page) = 0;

 protected:
  ~PageSource() = default;
};

}  // namespace ring1::paging
