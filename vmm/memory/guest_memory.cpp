// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/memory/guest_memory.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include "vmm/failure.h"

namespace ring1::vmm {

GuestMemory::GuestMemory(uint64_t size) : size_(size) {
  void* mapping = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) throw system_failure(fmt::format("cannot reserve {} MiB for the guest", size >> 20));
  base_ = static_cast<uint8_t*>(mapping);
}

GuestMemory::~GuestMemory() { ::munmap(base_, size_); }

uint8_t* GuestMemory::at(Gpa where, uint64_t size) const {
  if (!contains(where, size))
    throw usage_failure(fmt::format("address {:#x} + {:#x} lies outside the guest's {} MiB of memory (see --mem)",
                                    where.raw(), size, size_ >> 20));
  return base_ + where.raw();
}

void GuestMemory::write(Gpa where, std::span<const uint8_t> bytes) {
  uint8_t* target = at(where, bytes.size());
  if (!bytes.empty()) std::memcpy(target, bytes.data(), bytes.size());
}

void GuestMemory::write_string(Gpa where, std::string_view text) {
  uint8_t* target = at(where, text.size() + 1);
  std::memcpy(target, text.data(), text.size());
  target[text.size()] = 0;
}

void GuestMemory::zero(Gpa where, uint64_t size) { std::memset(at(where, size), 0, size); }

}  // namespace ring1::vmm
