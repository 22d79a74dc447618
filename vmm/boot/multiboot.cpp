// SPDX-License-Identifier: GPL-2.0-only
// Multiboot 0.6.96 ("multiboot 1"): header 3.1, machine state 3.2, boot information 3.3.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "vmm/boot/elf_file.h"
#include "vmm/boot/loaders.h"
#include "vmm/boot/memory_map.h"
#include "vmm/failure.h"

namespace ring1::vmm {

namespace {

constexpr uint32_t kHeaderMagic = 0x1badb002;
constexpr uint32_t kLoadedMagic = 0x2badb002;
constexpr size_t kSearchLimit = 8192;
constexpr size_t kShortHeader = 12, kLongHeader = 32;

constexpr uint32_t kWantPageAligned = 1 << 0, kWantMemory = 1 << 1, kWantVideo = 1 << 2;
constexpr uint32_t kMandatory = 0xffff;
constexpr uint32_t kHasAddresses = 1 << 16;

constexpr uint32_t kInfoMemory = 1 << 0, kInfoCommandLine = 1 << 2, kInfoModules = 1 << 3, kInfoMap = 1 << 6,
                   kInfoLoaderName = 1 << 9;

struct Header {
  uint32_t magic, flags, checksum;
  uint32_t header_address, load_address, load_end, bss_end, entry;
};

struct Info {
  uint32_t flags, memory_lower, memory_upper, boot_device, command_line, module_count, modules, symbols[4], map_length,
      map, drives_length, drives, config_table, loader_name, apm_table, vbe[4];
};
static_assert(sizeof(Info) == 88);

struct Module {
  uint32_t start, end, string, reserved;
};

struct __attribute__((packed)) MapEntry {
  uint32_t size;  // of what follows
  uint64_t start, length;
  uint32_t type;
};
static_assert(sizeof(MapEntry) == 24);

struct FoundHeader {
  size_t offset;
  Header header;
};

std::optional<FoundHeader> find_header(std::span<const uint8_t> file) {
  const size_t limit = std::min(file.size(), kSearchLimit);
  for (size_t offset = 0; offset + kShortHeader <= limit; offset += 4) {
    Header header{};
    std::memcpy(&header, file.data() + offset, std::min(kLongHeader, file.size() - offset));
    if (header.magic == kHeaderMagic && header.magic + header.flags + header.checksum == 0)
      return FoundHeader{offset, header};
  }
  return std::nullopt;
}

struct Loaded {
  uint64_t start, end;
  uint32_t entry;
};

// The header's own addresses, for files that are no ELF (the specification's "a.out kludge").
Loaded load_by_addresses(GuestMemory& memory, std::span<const uint8_t> file, const FoundHeader& found) {
  const Header& header = found.header;
  if (file.size() - found.offset < kLongHeader) throw usage_failure("the multiboot header is truncated");
  const uint64_t before_header = uint64_t{header.header_address} - header.load_address;
  if (header.header_address < header.load_address || before_header > found.offset)
    throw usage_failure("the multiboot header's load address lies outside the file");
  const uint64_t file_start = found.offset - before_header;
  const uint64_t size =
      header.load_end != 0 ? uint64_t{header.load_end} - header.load_address : file.size() - file_start;
  if (header.load_end != 0 && header.load_end < header.load_address)
    throw usage_failure("the multiboot header's addresses contradict each other");
  if (size > file.size() - file_start) throw usage_failure("the file is shorter than its multiboot header says");
  const uint64_t end = std::max<uint64_t>(header.load_address + size, header.bss_end);
  if (!is_loadable(memory.size(), header.load_address, end - header.load_address))
    throw usage_failure(fmt::format("wants memory at {:#x} + {:#x}; the guest has {} MiB (see --mem)",
                                    header.load_address, end - header.load_address, memory.size() >> 20));
  memory.zero(Gpa(header.load_address), end - header.load_address);
  memory.write(Gpa(header.load_address), file.subspan(file_start, size));
  return {header.load_address, end, header.entry};
}

Loaded load_elf(GuestMemory& memory, std::span<const uint8_t> file) {
  const ElfFile elf(file);
  if (elf.is_64bit()) throw usage_failure("a 64-bit multiboot ELF file");
  Loaded loaded{~uint64_t{0}, elf.load(memory).raw(), static_cast<uint32_t>(elf.entry())};
  bool entry_is_physical = false;
  for (const ElfSegment& segment : elf.segments()) {
    loaded.start = std::min(loaded.start, segment.physical);
    entry_is_physical |= elf.entry() - segment.physical < segment.memory_size;
  }
  // A kernel linked high gives a virtual entry; paging is off, so it starts at the physical one.
  for (const ElfSegment& segment : elf.segments())
    if (!entry_is_physical && elf.entry() - segment.virtual_address < segment.memory_size)
      loaded.entry = static_cast<uint32_t>(elf.entry() - segment.virtual_address + segment.physical);
  return loaded;
}

// Hands out guest memory upwards, page by page or byte by byte.
class Cursor {
 public:
  Cursor(GuestMemory& memory, uint64_t start) : memory_(memory), next_(start) {}

  uint32_t take(uint64_t size, uint64_t alignment) {
    next_ = (next_ + alignment - 1) & ~(alignment - 1);
    const uint64_t where = next_;
    memory_.at(Gpa(where), size);
    next_ += size;
    return static_cast<uint32_t>(where);
  }
  uint32_t take_string(const std::string& text) {
    const uint32_t where = take(text.size() + 1, 1);
    memory_.write_string(Gpa(where), text);
    return where;
  }
  uint64_t position() const { return next_; }

 private:
  GuestMemory& memory_;
  uint64_t next_;
};

std::vector<Module> place_modules(GuestMemory& memory, Cursor& cursor, const std::vector<BootModule>& modules) {
  std::vector<Module> placed;
  for (const BootModule& module : modules) {
    const uint32_t start = cursor.take(module.bytes.size(), kPageSize);
    memory.write(Gpa(start), module.bytes);
    placed.push_back({start, static_cast<uint32_t>(start + module.bytes.size()), 0, 0});
  }
  return placed;
}

uint32_t write_info(GuestMemory& memory, Cursor& cursor, const BootInputs& inputs,
                    const std::vector<BootModule>& modules, std::vector<Module> placed) {
  const uint32_t where = cursor.take(sizeof(Info), 16);
  Info info{};
  info.flags = kInfoMemory | kInfoCommandLine | kInfoModules | kInfoMap | kInfoLoaderName;
  info.memory_lower = static_cast<uint32_t>(kLowMemoryEnd.raw() >> 10);
  info.memory_upper = static_cast<uint32_t>((memory.size() - kHighMemory.raw()) >> 10);

  const auto map = memory_map(memory.size());
  info.map_length = static_cast<uint32_t>(map.size() * sizeof(MapEntry));
  info.map = cursor.take(info.map_length, 16);
  for (size_t i = 0; i < map.size(); i++)
    memory.put(Gpa(info.map + i * sizeof(MapEntry)), MapEntry{sizeof(MapEntry) - sizeof(uint32_t), map[i].start,
                                                              map[i].size, static_cast<uint32_t>(map[i].kind)});

  info.module_count = static_cast<uint32_t>(placed.size());
  info.modules = cursor.take(placed.size() * sizeof(Module), 16);
  for (size_t i = 0; i < placed.size(); i++) {
    placed[i].string = cursor.take_string(modules[i].name);
    memory.put(Gpa(info.modules + i * sizeof(Module)), placed[i]);
  }
  // The kernel's own name comes first, as with the common loaders.
  const std::string separator = inputs.command_line.empty() ? "" : " ";
  info.command_line = cursor.take_string(inputs.kernel_name + separator + inputs.command_line);
  info.loader_name = cursor.take_string("ring1");
  memory.put(Gpa(where), info);
  return where;
}

}  // namespace

bool has_multiboot_header(std::span<const uint8_t> file) { return find_header(file).has_value(); }

StartState load_multiboot(GuestMemory& memory, const BootInputs& inputs) {
  const std::span<const uint8_t> file = inputs.kernel;
  const FoundHeader found = *find_header(file);
  const uint32_t unknown = found.header.flags & kMandatory & ~(kWantPageAligned | kWantMemory | kWantVideo);
  if (unknown != 0) throw usage_failure(fmt::format("the multiboot header demands unknown features {:#x}", unknown));

  const Loaded loaded =
      (found.header.flags & kHasAddresses) ? load_by_addresses(memory, file, found) : load_elf(memory, file);
  // An initrd is one more module.
  std::vector<BootModule> modules = inputs.modules;
  if (inputs.initrd) modules.push_back({"initrd", *inputs.initrd});
  Cursor high(memory, std::max(loaded.end, kHighMemory.raw()));
  const std::vector<Module> placed = place_modules(memory, high, modules);

  // Low memory, unless the kernel itself lies there.
  Cursor low(memory, kMultibootInfo.raw());
  const bool low_is_free = loaded.start >= kFirmwareTablesEnd.raw();
  Cursor& cursor = low_is_free ? low : high;
  const uint32_t info = write_info(memory, cursor, inputs, modules, placed);
  if (low_is_free && cursor.position() > kLowMemoryEnd.raw())
    throw usage_failure("the command lines of kernel and modules do not fit into low memory");
  return {.eip = loaded.entry, .eax = kLoadedMagic, .ebx = info, .selectors = kOtherSelectors};
}

}  // namespace ring1::vmm
