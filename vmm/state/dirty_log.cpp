// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/state/dirty_log.h"

#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "base/address.h"
#include "vmm/failure.h"

namespace ring1::vmm {

DirtyLog::DirtyLog(const KvmVm& vm, const GuestMemory& memory) : vm_(vm), memory_(memory) {
  vm_.set_memory(memory_, KVM_MEM_LOG_DIRTY_PAGES);
}

DirtyLog::~DirtyLog() {
  try {
    vm_.set_memory(memory_, 0);
  } catch (const Failure&) {  // it only costs time then
  }
}

std::vector<DirtyLog::Run> DirtyLog::take() {
  const uint64_t pages = memory_.size() / kPageSize;
  std::vector<uint64_t> bitmap((pages + 63) / 64);
  kvm_dirty_log log{};
  log.dirty_bitmap = bitmap.data();
  if (::ioctl(vm_.fd(), KVM_GET_DIRTY_LOG, &log) != 0) throw system_failure("KVM_GET_DIRTY_LOG");
  std::vector<Run> runs;
  for (uint64_t page = 0; page < pages; page++) {
    if (!(bitmap[page / 64] >> page % 64 & 1)) continue;
    const uint64_t offset = page * kPageSize;
    if (!runs.empty() && runs.back().offset + runs.back().size == offset)
      runs.back().size += kPageSize;
    else
      runs.push_back({offset, kPageSize});
  }
  return runs;
}

}  // namespace ring1::vmm
