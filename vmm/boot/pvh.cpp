// SPDX-License-Identifier: GPL-2.0-only
// The PVH convention (Xen's docs/misc/pvh.pandoc and public/arch-x86/hvm/start_info.h): EBX points at a
// start-information structure, the entry is given by an ELF note.
#include <fmt/format.h>

#include <algorithm>

#include "vmm/boot/elf_file.h"
#include "vmm/boot/loaders.h"
#include "vmm/boot/memory_map.h"
#include "vmm/failure.h"

namespace ring1::vmm {

namespace {

constexpr uint32_t kStartMagic = 0x336ec578;

struct StartInfo {
  uint32_t magic, version, flags, module_count;
  uint64_t modules, command_line, rsdp, memory_map;
  uint32_t memory_map_entries, reserved;
};
static_assert(sizeof(StartInfo) == 56);

struct ModuleEntry {
  uint64_t start, size, command_line, reserved;
};
static_assert(sizeof(ModuleEntry) == 32);

struct MapEntry {
  uint64_t start, size;
  uint32_t type, reserved;
};
static_assert(sizeof(MapEntry) == 24);

constexpr Gpa kModuleList = kPvhStartInfo + 0x100;
constexpr Gpa kMemoryMap = kPvhStartInfo + 0x200;
constexpr size_t kCommandLineLimit = 4095;

}  // namespace

StartState load_pvh(GuestMemory& memory, const BootInputs& inputs) {
  const ElfFile elf(inputs.kernel);
  const Gpa end = elf.load(memory);
  if (inputs.command_line.size() > kCommandLineLimit)
    throw usage_failure(fmt::format("the command line is longer than {} characters", kCommandLineLimit));
  memory.write_string(kCommandLine, inputs.command_line);

  StartInfo info{.magic = kStartMagic,
                 .version = 1,
                 .command_line = kCommandLine.raw(),
                 .rsdp = inputs.rsdp.raw(),
                 .memory_map = kMemoryMap.raw()};
  for (const MemoryRange& range : memory_map(memory.size()))
    memory.put(kMemoryMap + sizeof(MapEntry) * info.memory_map_entries++,
               MapEntry{range.start, range.size, static_cast<uint32_t>(range.kind), 0});
  if (inputs.initrd) {
    const uint64_t size = inputs.initrd->size();
    if (size > memory.size() || ((memory.size() - size) & kPageMask) < end.raw())
      throw usage_failure(fmt::format("no room for the initrd of {} KiB (see --mem)", size >> 10));
    const Gpa start = Gpa(memory.size() - size).page();
    memory.write(start, *inputs.initrd);
    memory.put(kModuleList, ModuleEntry{start.raw(), size, 0, 0});
    info.module_count = 1;
    info.modules = kModuleList.raw();
  }
  memory.put(kPvhStartInfo, info);
  return {.eip = *elf.pvh_entry(), .ebx = static_cast<uint32_t>(kPvhStartInfo.raw()), .selectors = kOtherSelectors};
}

}  // namespace ring1::vmm
