// SPDX-License-Identifier: GPL-2.0-only
// An array of fixed size made of single pages: one page of pointers over pages of elements.
#pragma once

#include <cstddef>

#include "base/address.h"
#include "base/assert.h"
#include "tcache/environment.h"

namespace ring1::tcache {

template <class T>
class PageArray {
 public:
  static constexpr size_t kPerPage = kPageSize / sizeof(T);
  static constexpr size_t kMaxPages = kPageSize / sizeof(T*);

  PageArray() = default;
  PageArray(const PageArray&) = delete;
  PageArray& operator=(const PageArray&) = delete;
  ~PageArray() {
    if (!root_) return;
    for (size_t i = 0; i < kMaxPages && root_[i]; ++i) allocator_->release_page(root_[i]);
    allocator_->release_page(root_);
  }

  [[nodiscard]] bool init(Allocator& allocator, size_t count) {
    RING1_ASSERT(!root_ && count <= kMaxPages * kPerPage);
    allocator_ = &allocator;
    root_ = static_cast<T**>(allocator.allocate_page());
    if (!root_) return false;
    for (size_t i = 0; i * kPerPage < count; ++i) {
      root_[i] = static_cast<T*>(allocator.allocate_page());
      if (!root_[i]) return false;
    }
    count_ = count;
    return true;
  }

  size_t size() const { return count_; }
  T& operator[](size_t i) const {
    RING1_ASSERT(i < count_);
    return root_[i / kPerPage][i % kPerPage];
  }

 private:
  Allocator* allocator_ = nullptr;
  T** root_ = nullptr;
  size_t count_ = 0;
};

}  // namespace ring1::tcache
