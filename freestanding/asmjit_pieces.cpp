// SPDX-License-Identifier: GPL-2.0-only
// Stands in for the parts of asmjit that the monitor leaves out.

#include <asmjit/core.h>
#include <asmjit/core/zonehash.h>
#include <asmjit/x86.h>

namespace asmjit {
inline namespace ASMJIT_ABI_NAMESPACE {

// The table of named labels. asmjit's own version sizes it with floating point, which code at ring 0 must not use.
// We name no labels, so one bucket that never grows serves: every element is in its chain.
ZoneHashNode* ZoneHashBase::_insert(ZoneAllocator*, ZoneHashNode* node) noexcept {
  ZoneHashNode*& bucket = _data[_calcMod(node->_hashCode)];
  node->_hashNext = bucket;
  bucket = node;
  _size++;
  return node;
}

ZoneHashNode* ZoneHashBase::_remove(ZoneAllocator*, ZoneHashNode* node) noexcept {
  for (ZoneHashNode** link = &_data[_calcMod(node->_hashCode)]; *link != nullptr; link = &(*link)->_hashNext) {
    if (*link == node) {
      *link = node->_hashNext;
      _size--;
      return node;
    }
  }
  return nullptr;
}

void ZoneHashBase::_rehash(ZoneAllocator*, uint32_t) noexcept {}

namespace x86 {

// Would supply function prologues and epilogues, which translations do not have.
void assignEmitterFuncs(BaseEmitter*);
void assignEmitterFuncs(BaseEmitter*) {}

}  // namespace x86
}  // namespace ASMJIT_ABI_NAMESPACE
}  // namespace asmjit
