// SPDX-License-Identifier: GPL-2.0-only
#include "shadowmmu/page_info.h"

namespace ring1::shadowmmu {

static_assert(256 * sizeof(PageInfo) == kPageSize && 256 * sizeof(Page) == kPageSize);

PageInfo* PageInfos::get(uint64_t frame) {
  if (frame >= kMaxFrames) return nullptr;
  Page* node = &top_[frame >> 16];
  if (!fill(node)) return nullptr;
  Page* leaf = static_cast<Page*>(node->va) + (frame >> 8 & 255);
  if (!fill(leaf)) return nullptr;
  return static_cast<PageInfo*>(leaf->va) + (frame & 255);
}

uint64_t PageInfos::next(uint64_t frame) const {
  while (frame < kMaxFrames) {
    const auto* node = static_cast<const Page*>(top_[frame >> 16].va);
    if (!node)
      frame = ((frame >> 16) + 1) << 16;
    else if (!node[frame >> 8 & 255].va)
      frame = ((frame >> 8) + 1) << 8;
    else
      return frame;
  }
  return kMaxFrames;
}

void PageInfos::release() {
  for (Page& node : top_) {
    if (!node.va) continue;
    for (unsigned i = 0; i < 256; ++i) {
      const Page leaf = static_cast<Page*>(node.va)[i];
      if (leaf.va) source_.release(leaf);
    }
    source_.release(node);
    node = {};
  }
}

}  // namespace ring1::shadowmmu
