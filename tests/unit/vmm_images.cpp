// SPDX-License-Identifier: GPL-2.0-only
#include "vmm_images.h"

#include <asm/bootparam.h>
#include <elf.h>

namespace ring1::vmm::test {

namespace {

template <class Header, class ProgramHeader>
Bytes make(const ElfShape& shape, uint8_t elf_class, uint16_t machine) {
  constexpr size_t kPayloadAt = 0x200, kNoteAt = 0x180;
  Header header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = elf_class;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_type = ET_EXEC;
  header.e_machine = shape.machine != 0 ? shape.machine : machine;
  header.e_entry = shape.entry;
  header.e_phoff = sizeof(Header);
  header.e_phentsize = sizeof(ProgramHeader);
  header.e_phnum = shape.pvh_note ? 2 : 1;
  Bytes bytes;
  put(bytes, 0, header);
  ProgramHeader load{};
  load.p_type = PT_LOAD;
  load.p_offset = kPayloadAt;
  load.p_paddr = shape.physical;
  load.p_vaddr = shape.virtual_address;
  load.p_filesz = shape.payload.size();
  load.p_memsz = shape.memory_size;
  put(bytes, sizeof(Header), load);
  if (shape.pvh_note) {
    struct {
      uint32_t name_size = 4, value_size = 4, type = 18;
      char name[4] = "Xen";
      uint32_t value = kPvhEntry;
    } note;
    ProgramHeader notes{};
    notes.p_type = PT_NOTE;
    notes.p_offset = kNoteAt;
    notes.p_filesz = sizeof(note);
    put(bytes, sizeof(Header) + sizeof(load), notes);
    put(bytes, kNoteAt, note);
  }
  bytes.resize(kPayloadAt);
  bytes.insert(bytes.end(), shape.payload.begin(), shape.payload.end());
  return bytes;
}

}  // namespace

Bytes make_elf(const ElfShape& shape) {
  return shape.wide ? make<Elf64_Ehdr, Elf64_Phdr>(shape, ELFCLASS64, EM_X86_64)
                    : make<Elf32_Ehdr, Elf32_Phdr>(shape, ELFCLASS32, EM_386);
}

Bytes make_bzimage(const std::string& payload) {
  setup_header header{};
  header.setup_sects = 1;
  header.syssize = static_cast<uint32_t>((payload.size() + 15) / 16);
  header.boot_flag = 0xaa55;
  header.jump = static_cast<uint16_t>(0xeb | (sizeof(setup_header) - 0x11) << 8);
  header.header = 0x53726448;
  header.version = 0x020f;
  header.loadflags = LOADED_HIGH;
  header.code32_start = 0x100000;
  header.initrd_addr_max = 0x37ffffff;
  header.cmdline_size = 64;
  header.pref_address = 0x1000000;
  header.init_size = 0x100000;
  Bytes bytes(kBzImagePayload);
  put(bytes, 0x1f1, header);
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return bytes;
}

Bytes make_multiboot_header(const MultibootShape& shape) {
  constexpr uint32_t kMagic = 0x1badb002;
  Bytes bytes;
  const uint32_t fields[] = {kMagic,
                             shape.flags,
                             0u - kMagic - shape.flags + shape.checksum_error,
                             shape.header_address,
                             shape.load_address,
                             shape.load_end,
                             shape.bss_end,
                             shape.entry};
  put(bytes, 0, fields);
  return bytes;
}

}  // namespace ring1::vmm::test
