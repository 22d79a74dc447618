// SPDX-License-Identifier: GPL-2.0-only
// KVM's requests of variable length: a header with a count, then the entries. <linux/kvm.h> declares them with
// an empty structure before the entries, which in C++ has a size: there both the ioctl numbers and the offsets
// come out wrong. So they are spelled out here.
#pragma once

#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <cstdint>
#include <cstring>
#include <vector>

namespace ring1::vmm {

struct VariableHeader {
  uint32_t count;
  uint32_t flags;  // or padding
};
static_assert(sizeof(VariableHeader) == 8);

inline constexpr unsigned long kGetSupportedCpuid = _IOWR(KVMIO, 0x05, VariableHeader);
inline constexpr unsigned long kGetMsrs = _IOWR(KVMIO, 0x88, VariableHeader);
inline constexpr unsigned long kGetCpuid2 = _IOWR(KVMIO, 0x91, VariableHeader);
inline constexpr unsigned long kGetMsrIndexList = _IOWR(KVMIO, 0x02, uint32_t);
inline constexpr unsigned long kSetMsrs = _IOW(KVMIO, 0x89, VariableHeader);
inline constexpr unsigned long kSetCpuid2 = _IOW(KVMIO, 0x90, VariableHeader);
inline constexpr unsigned long kSetGsiRouting = _IOW(KVMIO, 0x6a, VariableHeader);

// The entries go in and come back; returns what the ioctl does.
template <class Entry>
int variable_ioctl(int fd, unsigned long request, std::vector<Entry>& entries) {
  std::vector<uint8_t> buffer(sizeof(VariableHeader) + entries.size() * sizeof(Entry));
  VariableHeader header{static_cast<uint32_t>(entries.size()), 0};
  std::memcpy(buffer.data(), &header, sizeof(header));
  std::memcpy(buffer.data() + sizeof(header), entries.data(), entries.size() * sizeof(Entry));
  const int result = ::ioctl(fd, request, buffer.data());
  if (result < 0) return result;
  std::memcpy(&header, buffer.data(), sizeof(header));
  if (header.count < entries.size()) entries.resize(header.count);
  std::memcpy(entries.data(), buffer.data() + sizeof(header), entries.size() * sizeof(Entry));
  return result;
}

}  // namespace ring1::vmm
