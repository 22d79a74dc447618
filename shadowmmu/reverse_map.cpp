// SPDX-License-Identifier: GPL-2.0-only
#include "shadowmmu/reverse_map.h"

namespace ring1::shadowmmu {

void ReverseMap::add(Handle* head, uint32_t owner, Handle handle) {
  pool_.link(handle) = {*head, Link::kOwner | owner};
  if (*head) pool_.link(*head).prev = handle;
  *head = handle;
}

void ReverseMap::remove(Handle* head, Handle handle) {
  const Link link = pool_.link(handle);
  if (link.next) pool_.link(link.next).prev = link.prev;
  if (head)
    *head = link.next;
  else
    pool_.link(link.prev).next = link.next;
  pool_.link(handle) = {};
}

void ReverseMap::remove_leaf(Handle handle) {
  const uint32_t prev = pool_.link(handle).prev;
  RING1_ASSERT(prev != 0);
  remove(prev & Link::kOwner ? &infos_.find(prev & ~Link::kOwner)->mappings : nullptr, handle);
}

void ReverseMap::remove_parent(Handle handle) {
  const uint32_t prev = pool_.link(handle).prev;
  RING1_ASSERT(prev != 0);
  remove(prev & Link::kOwner ? &pool_.at(prev & ~Link::kOwner).parents : nullptr, handle);
}

}  // namespace ring1::shadowmmu
