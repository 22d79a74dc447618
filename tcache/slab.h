// SPDX-License-Identifier: GPL-2.0-only
// Records of any size up to a page, carved from single pages by size class. A page whose last record is freed
// goes back to the allocator, so that any class can have it again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include "tcache/environment.h"
#include "tcache/list.h"

namespace ring1::tcache {

class Slab {
 public:
  static constexpr size_t kMaxBytes = 4064;

  explicit Slab(Allocator& allocator) : allocator_(allocator) {}
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  void* allocate(size_t bytes);  // not cleared; nullptr: out of memory
  void release(void* record);    // nullptr is fine

  size_t pages() const { return pages_; }

  template <class T>
  T* create() {
    void* memory = allocate(sizeof(T));
    return memory ? new (memory) T() : nullptr;
  }

 private:
  struct Page {
    Link<Page> in_class;
    void* free;
    uint16_t used, size_class;
  };

  static constexpr unsigned kClasses = 18;
  static constexpr uint16_t kBytes[kClasses] = {32,  48,  64,  96,  128, 160,  192,  240,  288,
                                                336, 400, 448, 496, 672, 1008, 1344, 2032, kMaxBytes};

  Page* new_page(unsigned size_class);

  Allocator& allocator_;
  size_t pages_ = 0;
  Page* partial_[kClasses] = {};  // pages of a class with room
};

}  // namespace ring1::tcache
