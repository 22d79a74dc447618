// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/boot/linux_params.h"

#include <fmt/format.h>

#include <algorithm>

#include "vmm/boot/memory_map.h"
#include "vmm/failure.h"

namespace ring1::vmm {

namespace {

constexpr uint8_t kUnknownLoader = 0xff;

void place_initrd(GuestMemory& memory, const Bytes& initrd, uint64_t kernel_end, setup_header& header) {
  const uint32_t limit = header.initrd_addr_max != 0 ? header.initrd_addr_max : kInitrdAddressMax;
  const uint64_t top = std::min<uint64_t>(memory.size(), uint64_t{limit} + 1);
  if (initrd.size() > top || ((top - initrd.size()) & kPageMask) < kernel_end)
    throw usage_failure(
        fmt::format("no room for the initrd of {} KiB beside the kernel in {} MiB of memory (see --mem)",
                    initrd.size() >> 10, memory.size() >> 20));
  const uint64_t start = (top - initrd.size()) & kPageMask;
  memory.write(Gpa(start), initrd);
  header.ramdisk_image = static_cast<uint32_t>(start);
  header.ramdisk_size = static_cast<uint32_t>(initrd.size());
}

}  // namespace

boot_params make_boot_params(uint64_t memory_size, Gpa rsdp) {
  boot_params params{};
  params.acpi_rsdp_addr = rsdp.raw();
  params.alt_mem_k = static_cast<uint32_t>((memory_size - kHighMemory.raw()) >> 10);
  for (const MemoryRange& range : memory_map(memory_size)) {
    boot_e820_entry& entry = params.e820_table[params.e820_entries++];
    entry.addr = range.start;
    entry.size = range.size;
    entry.type = static_cast<uint32_t>(range.kind);
  }
  return params;
}

void finish_boot_params(GuestMemory& memory, const BootInputs& inputs, const LinuxPlacement& placement,
                        boot_params params) {
  if (inputs.command_line.size() > placement.command_line_limit)
    throw usage_failure(fmt::format("the command line has {} characters, the kernel takes {}",
                                    inputs.command_line.size(), placement.command_line_limit));
  memory.write_string(kCommandLine, inputs.command_line);
  params.hdr.cmd_line_ptr = static_cast<uint32_t>(kCommandLine.raw());
  params.hdr.type_of_loader = kUnknownLoader;
  if (inputs.initrd) place_initrd(memory, *inputs.initrd, placement.kernel_end, params.hdr);
  memory.put(kLinuxBootParams, params);
}

}  // namespace ring1::vmm
