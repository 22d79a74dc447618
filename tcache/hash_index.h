// SPDX-License-Identifier: GPL-2.0-only
// A chained hash index of records that carry their own `hash_next`. The caller compares keys.
#pragma once

#include "tcache/page_array.h"

namespace ring1::tcache {

template <class T>
class HashIndex {
 public:
  [[nodiscard]] bool init(Allocator& allocator, unsigned log2_buckets) {
    shift_ = 64 - log2_buckets;
    return buckets_.init(allocator, size_t{1} << log2_buckets);
  }

  // All records whose keys share the bucket.
  T* first(uint64_t key) const { return bucket(key); }

  void add(T* record, uint64_t key) {
    T*& head = bucket(key);
    record->hash_next = head;
    head = record;
  }

  template <class Step>
  void remove(T* record, uint64_t key, Step step) {
    T** from = &bucket(key);
    while (*from != record) {
      RING1_ASSERT(*from);
      step();
      from = &(*from)->hash_next;
    }
    *from = record->hash_next;
    record->hash_next = nullptr;
  }

  size_t buckets() const { return buckets_.size(); }
  T* at(size_t index) const { return buckets_[index]; }

 private:
  // Fibonacci hashing: the golden ratio spreads keys that differ in low bits only.
  T*& bucket(uint64_t key) const { return buckets_[(key * 0x9e3779b97f4a7c15u) >> shift_]; }

  PageArray<T*> buckets_;
  unsigned shift_ = 63;
};

}  // namespace ring1::tcache
