// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/kvm/system.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "vmm/failure.h"
#include "vmm/kvm/variable_request.h"

namespace ring1::vmm {

namespace {

struct Needed {
  long capability;
  const char* name;
};
constexpr Needed kNeeded[] = {
    {KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY"},
    {KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP"},
    {KVM_CAP_PIT2, "KVM_CAP_PIT2"},
    {KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID"},
    {KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"},
};

}  // namespace

KvmSystem::KvmSystem(const std::string& path) : path_(path) {
  fd_ = UniqueFd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd_) {
    const char* hint = errno == ENOENT || errno == ENXIO || errno == ENODEV
                           ? "; is the module loaded? ('ring1 check' tells)"
                       : errno == EACCES || errno == EPERM ? "; you need to be root"
                                                           : "";
    throw Failure(kExitEnvironment, fmt::format("cannot open {}: {}{}", path, std::strerror(errno), hint));
  }
  const int version = ::ioctl(fd_.get(), KVM_GET_API_VERSION, 0);
  if (version < 0) throw Failure(kExitEnvironment, path + " does not speak the KVM API");
  if (version != KVM_API_VERSION)
    throw Failure(kExitEnvironment,
                  fmt::format("{} speaks version {} of the KVM API, not {}", path, version, KVM_API_VERSION));
  for (const Needed& needed : kNeeded)
    if (capability(needed.capability) <= 0)
      throw Failure(kExitEnvironment, fmt::format("{} lacks {}", path, needed.name));
}

int KvmSystem::capability(long number) const { return ::ioctl(fd_.get(), KVM_CHECK_EXTENSION, number); }

std::optional<ring1_engine_info> KvmSystem::engine_info(ring1_engine engine) const {
  ring1_engine_info info{};
  info.engine = engine;
  if (::ioctl(fd_.get(), RING1_GET_ENGINE_INFO, &info) != 0) return std::nullopt;
  return info;
}

UniqueFd KvmSystem::create_vm(const std::string& engine, bool active_time) const {
  const auto* chosen = std::find_if(std::begin(kEngineNames), std::end(kEngineNames),
                                    [&](const EngineName& name) { return engine == name.name; });
  const bool any = chosen == std::end(kEngineNames);
  if (!any) {
    const auto info = engine_info(chosen->engine);
    if (!info) throw Failure(kExitEnvironment, path_ + " leaves no choice of an engine");
    if (info->status != 0)
      throw Failure(kExitEnvironment,
                    fmt::format("engine {}: {}{}{}", engine, info->why, *info->remedy ? ": " : "", info->remedy));
  }
  unsigned long type = any ? 0 : chosen->type;
  if (active_time) type = (any ? RING1_VM_TYPE(RING1_VM_DEFAULT_ENGINE) : type) | RING1_VM_ACTIVE_TIME;
  UniqueFd vm(::ioctl(fd_.get(), KVM_CREATE_VM, type));
  if (!vm && active_time && errno == EINVAL)
    throw Failure(kExitEnvironment, path_ + " knows no virtual time that stands (--time active)");
  if (!vm && !any && errno == EBUSY)
    throw Failure(kExitEnvironment, fmt::format("engine {}: another hypervisor holds the processor's virtualisation; "
                                                "end its guests and unload it",
                                                engine));
  if (!vm) throw system_failure(path_ + ": cannot create a VM");
  return vm;
}

size_t KvmSystem::vcpu_mapping_size() const {
  const int size = ::ioctl(fd_.get(), KVM_GET_VCPU_MMAP_SIZE, 0);
  if (size < static_cast<int>(sizeof(kvm_run))) throw system_failure(path_ + ": KVM_GET_VCPU_MMAP_SIZE");
  return static_cast<size_t>(size);
}

std::vector<kvm_cpuid_entry2> KvmSystem::supported_cpuid(int vm) const {
  // The number of entries is found by trying: E2BIG asks for more.
  for (uint32_t count = 64; count <= 1024; count *= 2) {
    std::vector<kvm_cpuid_entry2> entries(count);
    if (variable_ioctl(vm, kGetSupportedCpuid, entries) == 0) return entries;
    if (errno == ENOTTY && variable_ioctl(fd_.get(), kGetSupportedCpuid, entries) == 0) return entries;
    if (errno != E2BIG) break;
  }
  throw system_failure(path_ + ": KVM_GET_SUPPORTED_CPUID");
}

std::vector<uint32_t> KvmSystem::msr_indices() const {
  // A count, then the indices; too small a count is answered with the right one.
  std::vector<uint32_t> list(1, 0);
  for (;;) {
    if (::ioctl(fd_.get(), kGetMsrIndexList, list.data()) == 0) break;
    if (errno != E2BIG || list[0] < list.size()) throw system_failure(path_ + ": KVM_GET_MSR_INDEX_LIST");
    list.resize(list[0] + size_t{1});
  }
  list.resize(list[0] + size_t{1});
  list.erase(list.begin());
  return list;
}

}  // namespace ring1::vmm
