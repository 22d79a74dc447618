// SPDX-License-Identifier: GPL-2.0-only
// Saved machines: the file (docs/migration.md), and each section into the object it is of, which is used then.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "format.h"
#include "used_devices.h"
#include "vmm/failure.h"
#include "vmm/file.h"
#include "vmm/kvm/cpuid.h"
#include "vmm/state/snapshot.h"
#include "vmm/state/vcpu_state.h"
#include "vmm/state/vm_state.h"

namespace ring1::fuzz {

namespace {

using vmm::ArchiveWriter, vmm::SectionReader, vmm::SectionWriter;

constexpr uint64_t kMemory = 2 << 20, kMemoryAt = 4096, kHeader = 56;

// In memory, this process's own.
const std::string& path() {
  static const std::string name = "/dev/shm/ring1-fuzz." + std::to_string(::getpid());
  return name;
}

template <class State>
void add(Random& random, ArchiveWriter& archive, const char* name, uint32_t version, const State& state) {
  if (random.one_in(2)) return;  // what is short is hit more often
  SectionWriter section;
  state.save(section);
  archive.add(name, version, section);
}

ArchiveWriter make_archive(Random& random) {
  ArchiveWriter archive;
  UsedDevices devices;
  vmm::VcpuState vcpu;
  vcpu.msrs.resize(3);
  if (random.one_in(4)) vcpu.xsave.emplace(), vcpu.xcrs.emplace();
  vmm::VmState vm;
  if (random.one_in(2)) vm.clock.emplace();
  SectionWriter cpuid;
  cpuid.put_all(vmm::Cpuid(random.below(8)));
  archive.add("cpuid", 1, cpuid);
  add(random, archive, "vm", vmm::VmState::kVersion, vm);
  add(random, archive, "vcpu", vmm::VcpuState::kVersion, vcpu);
  add(random, archive, "serial", vmm::Serial::kVersion, devices.serial);
  add(random, archive, "cmos", vmm::Cmos::kVersion, devices.cmos);
  add(random, archive, "keyboard", vmm::I8042::kVersion, devices.keyboard);
  add(random, archive, "acpi-pm", vmm::AcpiPm::kVersion, devices.acpi_pm);
  return archive;
}

// The file as the tool writes it, with a word of memory that is not zero.
void write_file(const ArchiveWriter& archive) {
  static vmm::GuestMemory memory(kMemory);
  memory.put(Gpa(0x5000), uint64_t{5});
  vmm::SnapshotWriter file(path());
  file.put_memory(memory, 0, kMemory);
  file.finish(kMemory, archive);
}

void overwrite(const uint8_t* bytes, size_t size, uint64_t offset, bool shorten) {
  const int fd = ::open(path().c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0 || ::pwrite(fd, bytes, size, static_cast<off_t>(offset)) != static_cast<ssize_t>(size) ||
      (shorten && ::ftruncate(fd, static_cast<off_t>(offset + size)) != 0))
    throw std::runtime_error("cannot write " + path());
  ::close(fd);
}

// Whatever one section holds, the next is read all the same.
template <class Action>
bool accepted(Action action) {
  try {
    action();
  } catch (const vmm::Failure&) {
    return false;
  }
  return true;
}

template <class State>
bool restores(const vmm::Archive& archive, const char* name) {
  return !archive.has(name) || accepted([&] {
    SectionReader section = archive.section(name, State::kVersion);
    SectionWriter again;
    State::restore(section).save(again);
  });
}

bool restores_cpuid(const vmm::Archive& archive) {
  return accepted([&] {
    vmm::Cpuid cpuid = archive.section("cpuid", 1).get_all<vmm::Cpuid>(), other = cpuid;
    vmm::choose_clock(cpuid, true);
    vmm::level(cpuid, other);
    vmm::missing_features(cpuid, other);
  });
}

bool restore_all(const vmm::Archive& archive) {
  bool all = restores_cpuid(archive);
  all &= restores<vmm::VmState>(archive, "vm");
  all &= restores<vmm::VcpuState>(archive, "vcpu");
  UsedDevices devices;
  all &= !archive.has("serial") || accepted([&] { devices.restore(archive, "serial", devices.serial); });
  all &= !archive.has("cmos") || accepted([&] { devices.restore(archive, "cmos", devices.cmos); });
  all &= !archive.has("keyboard") || accepted([&] { devices.restore(archive, "keyboard", devices.keyboard); });
  all &= !archive.has("acpi-pm") || accepted([&] { devices.restore(archive, "acpi-pm", devices.acpi_pm); });
  devices.use();
  return all;
}

}  // namespace

// Header and state; the memory in between stays as it is.
Bytes make_saved_file(Random& random) {
  const ArchiveWriter archive = make_archive(random);
  write_file(archive);
  const Bytes file = vmm::read_input_file("file", path());
  Bytes bytes(file.begin(), file.begin() + kHeader);
  bytes.insert(bytes.end(), file.begin() + kMemoryAt + kMemory, file.end());
  return bytes;
}

bool read_saved_file(const Bytes& bytes) {
  write_file(ArchiveWriter());
  overwrite(bytes.data(), std::min<size_t>(bytes.size(), kHeader), 0, bytes.size() < kHeader);
  if (bytes.size() > kHeader) overwrite(bytes.data() + kHeader, bytes.size() - kHeader, kMemoryAt + kMemory, true);
  const bool read = accepted([] {
    const vmm::Snapshot snapshot(path());
    vmm::GuestMemory memory(snapshot.memory_size());
    snapshot.load_memory(memory);
    restore_all(snapshot.state());
  });
  ::unlink(path().c_str());
  return read;
}

Bytes make_saved_sections(Random& random) { return make_archive(random).bytes(); }

bool read_saved_sections(const Bytes& bytes) {
  bool all = false;
  return accepted([&] { all = restore_all(vmm::Archive(bytes)); }) && all;
}

}  // namespace ring1::fuzz
