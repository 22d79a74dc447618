// SPDX-License-Identifier: GPL-2.0-only
// KVM_GET_STATS_FD: the format of the file.
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "check.h"
#include "include/ring1/exits.h"
#include "machine.h"

using namespace ring1::ioctl_test;

namespace {

void check_file(int fd) {
  kvm_stats_header header;
  CHECK_EQ(read(fd, &header, sizeof header), sizeof header);
  CHECK_EQ(header.flags, 0);
  CHECK(header.name_size > 0 && header.num_desc > 3 && header.num_desc < 1000);
  CHECK_EQ(header.id_offset % 8, 0);
  char id[256] = {};
  CHECK_EQ(pread(fd, id, header.name_size, header.id_offset), header.name_size);
  CHECK(std::strlen(id) > 0 && std::strlen(id) < header.name_size);
  const size_t size = kStatsDescSize + header.name_size;
  std::vector<char> descriptors(size * header.num_desc);
  CHECK_EQ(pread(fd, descriptors.data(), descriptors.size(), header.desc_offset), descriptors.size());
  uint32_t end = 0;
  for (uint32_t i = 0; i < header.num_desc; i++) {
    kvm_stats_desc desc;
    std::memcpy(&desc, descriptors.data() + i * size, kStatsDescSize);
    const char* name = descriptors.data() + i * size + kStatsDescSize;
    CHECK(name[0] && strnlen(name, header.name_size) < header.name_size);
    CHECK((desc.flags & KVM_STATS_TYPE_MASK) <= KVM_STATS_TYPE_MAX);
    CHECK((desc.flags & KVM_STATS_UNIT_MASK) <= KVM_STATS_UNIT_MAX);
    CHECK(desc.size >= 1);
    end = desc.offset + desc.size * 8 > end ? desc.offset + desc.size * 8 : end;
  }
  std::vector<char> values(end + 1);
  CHECK_EQ(pread(fd, values.data(), end, header.data_offset), end);
  CHECK_EQ(pread(fd, values.data(), end + 1, header.data_offset), end);
  CHECK_EQ(pread(fd, values.data(), 8, header.data_offset + end), 0);
  CHECK(write(fd, "x", 1) < 0);
}

}  // namespace

TEST(stats_of_vcpu) {
  Vm vm;
  Vcpu vcpu(vm);
  Fd fd(static_cast<int>(vcpu.call(KVM_GET_STATS_FD)));
  CHECK(fd.get() >= 0);
  check_file(fd.get());
}

TEST(stats_of_vm) {
  Vm vm;
  Fd fd(static_cast<int>(vm.call(KVM_GET_STATS_FD)));
  CHECK(fd.get() >= 0);
  check_file(fd.get());
}

TEST(stats_outlive_the_vm) {
  Fd fd;
  {
    Vm vm;
    Vcpu vcpu(vm);
    fd.adopt(vcpu.call(KVM_GET_STATS_FD));
    SKIP_UNLESS(vm.device.is_ring1(), "not safe on every KVM 6.1");
  }
  check_file(fd.get());
}

namespace {

uint64_t value_of(int fd, const char* wanted) {
  kvm_stats_header header;
  CHECK_EQ(pread(fd, &header, sizeof header, 0), sizeof header);
  const size_t size = kStatsDescSize + header.name_size;
  std::vector<char> entry(size);
  for (uint32_t i = 0; i < header.num_desc; i++) {
    CHECK_EQ(pread(fd, entry.data(), size, header.desc_offset + i * size), size);
    if (std::strcmp(entry.data() + kStatsDescSize, wanted) != 0) continue;
    kvm_stats_desc desc;
    std::memcpy(&desc, entry.data(), kStatsDescSize);
    uint64_t value = 0;
    CHECK_EQ(pread(fd, &value, sizeof value, header.data_offset + desc.offset), sizeof value);
    return value;
  }
  return ~uint64_t{0};
}

}  // namespace

// Each stay in the guest ended for exactly one reason, and the reasons' times are all the time there was.
TEST(stats_of_exits) {
  SKIP_UNLESS(options.guest, "no guest code wanted");
  RealMode machine({0xe6, 0x10, 0xe6, 0x10, 0x0f, 0xa2, 0xf4});  // OUT 0x10 twice, CPUID, HLT
  SKIP_UNLESS(machine.vm.device.is_ring1(), "KVM counts in its own way");
  machine.enter_protected_mode();
  do CHECK_EQ(machine.vcpu.run(), 0);
  while (machine.vcpu.shared->exit_reason == KVM_EXIT_IO);
  CHECK_EQ(machine.vcpu.shared->exit_reason, KVM_EXIT_HLT);
  Fd fd(static_cast<int>(machine.vcpu.call(KVM_GET_STATS_FD)));
  static const char* const kNames[] = {
#define NAME(X, upper, lower, text) "exits_" #lower,
      RING1_EXITS(NAME, )
#undef NAME
  };
  uint64_t exits = 0, cycles = 0;
  for (const char* name : kNames) {
    exits += value_of(fd.get(), name);
    cycles += value_of(fd.get(), (std::string(name) + "_cycles").c_str());
  }
  CHECK_EQ(exits, value_of(fd.get(), "guest_entries"));
  CHECK(exits > 0);
  CHECK(cycles >= value_of(fd.get(), "tsc_in_monitor"));
}
