// SPDX-License-Identifier: GPL-2.0-only
// The statistics behind KVM_GET_STATS_FD (Documentation/virt/kvm/api.rst of the kernel, 4.133).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ring1::vmm {

struct Statistic {
  std::string name;
  std::vector<uint64_t> values;  // one, or the buckets of a histogram
};
using Statistics = std::vector<Statistic>;

// The whole file at once. Throws a Failure when it contradicts itself.
Statistics parse_binary_stats(std::span<const uint8_t> file);

// Of a VM or a vCPU; empty where the kernel side offers none.
Statistics read_binary_stats(int kvm_fd);

// {"name": value, ...}; histograms are arrays.
std::string statistics_json(const Statistics& statistics);

}  // namespace ring1::vmm
