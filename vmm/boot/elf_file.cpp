// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/boot/elf_file.h"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>

#include "vmm/boot/memory_map.h"
#include "vmm/failure.h"

namespace ring1::vmm {

namespace {

// XEN_ELFNOTE_PHYS32_ENTRY of Xen's public elfnote.h.
constexpr uint32_t kPhys32Entry = 18;
constexpr char kXenName[] = "Xen";

template <class T>
T read(std::span<const uint8_t> bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

size_t align4(size_t n) { return (n + 3) & ~size_t{3}; }

}  // namespace

ElfFile::ElfFile(std::span<const uint8_t> file) : file_(file) {
  const uint8_t* ident = part(0, EI_NIDENT).data();
  if (std::memcmp(ident, ELFMAG, SELFMAG) != 0) throw usage_failure("no ELF file");
  if (ident[EI_DATA] != ELFDATA2LSB) throw usage_failure("a big-endian ELF file");
  is_64bit_ = ident[EI_CLASS] == ELFCLASS64;
  if (is_64bit_)
    parse<Elf64_Ehdr, Elf64_Phdr>();
  else
    parse<Elf32_Ehdr, Elf32_Phdr>();
}

std::span<const uint8_t> ElfFile::part(uint64_t offset, uint64_t size) const {
  if (offset > file_.size() || size > file_.size() - offset) throw usage_failure("the ELF file is truncated");
  return file_.subspan(offset, size);
}

template <class Header, class ProgramHeader>
void ElfFile::parse() {
  const auto header = read<Header>(part(0, sizeof(Header)));
  if (header.e_machine != (is_64bit_ ? EM_X86_64 : EM_386)) throw usage_failure("an ELF file for another processor");
  if (header.e_type != ET_EXEC && header.e_type != ET_DYN) throw usage_failure("an ELF file that is not executable");
  if (header.e_phentsize != sizeof(ProgramHeader)) throw usage_failure("the ELF file has no usable program headers");
  entry_ = header.e_entry;
  for (unsigned i = 0; i < header.e_phnum; i++) {
    const auto segment = read<ProgramHeader>(part(header.e_phoff + i * sizeof(ProgramHeader), sizeof(ProgramHeader)));
    if (segment.p_type == PT_NOTE) parse_notes(part(segment.p_offset, segment.p_filesz));
    if (segment.p_type != PT_LOAD || segment.p_memsz == 0) continue;
    if (segment.p_filesz > segment.p_memsz) throw usage_failure("an ELF segment is larger in the file than in memory");
    segments_.push_back({segment.p_paddr, segment.p_vaddr, segment.p_memsz, part(segment.p_offset, segment.p_filesz)});
  }
  if (segments_.empty()) throw usage_failure("the ELF file has nothing to load");
}

void ElfFile::parse_notes(std::span<const uint8_t> notes) {
  while (notes.size() >= sizeof(Elf32_Nhdr)) {
    const auto header = read<Elf32_Nhdr>(notes);  // the same for both widths
    const uint64_t name_at = sizeof(header);
    const uint64_t value_at = name_at + align4(header.n_namesz);
    const uint64_t end = value_at + align4(header.n_descsz);
    if (end > notes.size()) return;
    if (header.n_type == kPhys32Entry && header.n_namesz == sizeof(kXenName) && header.n_descsz >= 4 &&
        std::memcmp(notes.data() + name_at, kXenName, sizeof(kXenName)) == 0)
      pvh_entry_ = read<uint32_t>(notes.subspan(value_at));
    notes = notes.subspan(end);
  }
}

Gpa ElfFile::load(GuestMemory& memory) const {
  uint64_t end = 0;
  for (const ElfSegment& segment : segments_) {
    if (!is_loadable(memory.size(), segment.physical, segment.memory_size))
      throw usage_failure(fmt::format("wants memory at {:#x} + {:#x}; the guest has {} MiB (see --mem)",
                                      segment.physical, segment.memory_size, memory.size() >> 20));
    memory.zero(Gpa(segment.physical), segment.memory_size);
    memory.write(Gpa(segment.physical), segment.bytes);
    end = std::max(end, segment.physical + segment.memory_size);
  }
  return Gpa(end);
}

}  // namespace ring1::vmm
