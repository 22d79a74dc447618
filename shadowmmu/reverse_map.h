// SPDX-License-Identifier: GPL-2.0-only
// The way back: from a guest page to the leaves that map it, from a shadow table to the directory entries that
// point to it. Doubly linked through the companion pages, so nothing is allocated and removal takes constant time.
#pragma once

#include "shadowmmu/page_info.h"
#include "shadowmmu/shadow_pool.h"

namespace ring1::shadowmmu {

class ReverseMap {
 public:
  ReverseMap(ShadowPool& pool, PageInfos& infos) : pool_(pool), infos_(infos) {}

  void add_leaf(PageInfo& info, uint32_t frame, Handle handle) { add(&info.mappings, frame, handle); }
  void remove_leaf(Handle handle);
  void add_parent(unsigned table, Handle handle) { add(&pool_.at(table).parents, table, handle); }
  void remove_parent(Handle handle);
  Handle next(Handle handle) const { return pool_.link(handle).next; }

 private:
  void add(Handle* head, uint32_t owner, Handle handle);
  void remove(Handle* head, Handle handle);

  ShadowPool& pool_;
  PageInfos& infos_;
};

}  // namespace ring1::shadowmmu
