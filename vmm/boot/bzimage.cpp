// SPDX-License-Identifier: GPL-2.0-only
// The 32-bit boot protocol (Documentation/x86/boot.rst of the kernel): the real-mode part is not run; its
// header tells where the rest goes, and the rest is entered in protected mode with ESI at the boot parameters.
#include <fmt/format.h>

#include <algorithm>

#include "vmm/boot/linux_params.h"
#include "vmm/boot/loaders.h"
#include "vmm/boot/memory_map.h"
#include "vmm/failure.h"

namespace ring1::vmm {

namespace {

constexpr size_t kHeaderOffset = 0x1f1;
constexpr size_t kHeaderLengthByte = 0x201;  // the header ends this byte's value after 0x202
constexpr size_t kHeaderVariablePart = 0x202;
constexpr size_t kSector = 512;
constexpr unsigned kDefaultSetupSectors = 4;
constexpr uint16_t kBootFlag = 0xaa55;
constexpr uint32_t kHeaderMagic = 0x53726448;  // "HdrS"
constexpr uint16_t kOldestVersion = 0x0204;    // the first whose syssize has 32 bits
constexpr uint16_t kVersionWithCommandLineSize = 0x0206;
constexpr uint16_t kVersionWithInitSize = 0x020a;
constexpr uint32_t kOldCommandLineLimit = 255;

setup_header read_header(std::span<const uint8_t> file) {
  setup_header header{};
  const size_t end = std::min(kHeaderVariablePart + file[kHeaderLengthByte], file.size());
  std::memcpy(&header, file.data() + kHeaderOffset, std::min(sizeof(header), end - kHeaderOffset));
  return header;
}

// Where the kernel needs memory at most: it unpacks itself at its preferred address.
uint64_t kernel_end(const setup_header& header, uint64_t payload_size) {
  const uint64_t loaded_end = header.code32_start + payload_size;
  if (header.version < kVersionWithInitSize) return loaded_end;
  return std::max<uint64_t>(loaded_end, header.pref_address + header.init_size);
}

}  // namespace

bool is_bzimage(std::span<const uint8_t> file) {
  if (file.size() < kHeaderVariablePart + sizeof(uint32_t)) return false;
  uint16_t flag;
  uint32_t magic;
  std::memcpy(&flag, file.data() + 0x1fe, sizeof(flag));
  std::memcpy(&magic, file.data() + 0x202, sizeof(magic));
  return flag == kBootFlag && magic == kHeaderMagic;
}

StartState load_bzimage(GuestMemory& memory, const BootInputs& inputs) {
  const std::span<const uint8_t> file = inputs.kernel;
  if (file.size() < kHeaderOffset + sizeof(setup_header)) throw usage_failure("the bzImage is truncated");
  const setup_header header = read_header(file);
  if (header.version < kOldestVersion)
    throw usage_failure(fmt::format("boot protocol {}.{:02} is too old", header.version >> 8, header.version & 0xff));
  if (!(header.loadflags & LOADED_HIGH)) throw usage_failure("a zImage, which loads below 1 MiB; a bzImage is needed");
  // Boot loaders and tools in this format have their own start in the real-mode part.
  if (header.code32_start == 0)
    throw usage_failure("a bzImage that must be started in real mode: it has no 32-bit entry (code32_start is 0)");

  const size_t sectors = header.setup_sects != 0 ? header.setup_sects : kDefaultSetupSectors;
  const size_t payload_at = (sectors + 1) * kSector;
  const uint64_t expected = uint64_t{header.syssize} * 16;
  // syssize is rounded up to 16 bytes.
  if (file.size() <= payload_at || file.size() - payload_at + 15 < expected)
    throw usage_failure("the bzImage is truncated");
  const auto payload = file.subspan(payload_at, std::min<uint64_t>(expected, file.size() - payload_at));

  const uint64_t end = kernel_end(header, payload.size());
  if (!is_loadable(memory.size(), header.code32_start, payload.size()) || end > memory.size())
    throw usage_failure(fmt::format("needs at least {} MiB of memory, the guest has {} (see --mem)",
                                    (end + (1 << 20) - 1) >> 20, memory.size() >> 20));
  memory.write(Gpa(header.code32_start), payload);

  boot_params params = make_boot_params(memory.size(), inputs.rsdp);
  params.hdr = header;
  const bool knows_size = header.version >= kVersionWithCommandLineSize && header.cmdline_size != 0;
  finish_boot_params(memory, inputs, {end, knows_size ? header.cmdline_size : kOldCommandLineLimit}, params);
  return {.eip = header.code32_start, .esi = static_cast<uint32_t>(kLinuxBootParams.raw())};
}

}  // namespace ring1::vmm
