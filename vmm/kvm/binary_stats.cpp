// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/kvm/binary_stats.h"

#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <cstring>

#include "vmm/failure.h"
#include "vmm/json.h"
#include "vmm/unique_fd.h"

namespace ring1::vmm {

namespace {

// kvm_stats_desc without its flexible name, whose C declaration has a size in C++.
struct Description {
  uint32_t flags;
  int16_t exponent;
  uint16_t size;  // in values
  uint32_t offset;
  uint32_t bucket_size;
};
static_assert(sizeof(Description) == 16);

std::span<const uint8_t> part(std::span<const uint8_t> file, uint64_t offset, uint64_t size) {
  if (offset > file.size() || size > file.size() - offset)
    throw Failure(kExitEnvironment, "the binary statistics are malformed");
  return file.subspan(offset, size);
}

}  // namespace

Statistics parse_binary_stats(std::span<const uint8_t> file) {
  kvm_stats_header header;
  std::memcpy(&header, part(file, 0, sizeof(header)).data(), sizeof(header));
  const uint64_t step = sizeof(Description) + header.name_size;
  Statistics statistics;
  for (uint64_t i = 0; i < header.num_desc; i++) {
    const auto raw = part(file, header.desc_offset + i * step, step);
    Description description;
    std::memcpy(&description, raw.data(), sizeof(description));
    const auto* name = reinterpret_cast<const char*>(raw.data() + sizeof(description));
    Statistic statistic{std::string(name, ::strnlen(name, header.name_size)), {}};
    const uint64_t size = uint64_t{description.size} * sizeof(uint64_t);
    const auto values = part(file, uint64_t{header.data_offset} + description.offset, size);
    statistic.values.resize(description.size);
    std::memcpy(statistic.values.data(), values.data(), size);
    statistics.push_back(std::move(statistic));
  }
  return statistics;
}

Statistics read_binary_stats(int kvm_fd) {
  UniqueFd fd(::ioctl(kvm_fd, KVM_GET_STATS_FD, 0));
  if (!fd) return {};
  std::vector<uint8_t> file;
  uint8_t buffer[4096];
  for (;;) {
    const ssize_t n = ::pread(fd.get(), buffer, sizeof(buffer), static_cast<off_t>(file.size()));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw system_failure("cannot read the statistics");
    if (n == 0) break;
    file.insert(file.end(), buffer, buffer + n);
  }
  return parse_binary_stats(file);
}

std::string statistics_json(const Statistics& statistics) {
  JsonObject object;
  for (const Statistic& statistic : statistics) {
    if (statistic.values.size() == 1)
      object.number(statistic.name, statistic.values[0]);
    else
      object.numbers(statistic.name, statistic.values);
  }
  return object.text();
}

}  // namespace ring1::vmm
