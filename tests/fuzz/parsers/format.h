// SPDX-License-Identifier: GPL-2.0-only
// A kind of file that the tool reads.
#pragma once

#include "edits.h"

namespace ring1::fuzz {

struct Format {
  const char* name;
  Bytes (*make)(Random& random);      // a valid one
  bool (*read)(const Bytes& bytes);  // as the tool does; false: it was refused, with a Failure
};

// images.cpp
Bytes make_bzimage_input(Random& random);
Bytes make_elf_input(Random& random);
Bytes make_multiboot_input(Random& random);
bool read_image(const Bytes& bytes);

// saved_machine.cpp: the file as it is; and its sections, in a file whose header and checksum are right
Bytes make_saved_file(Random& random);
bool read_saved_file(const Bytes& bytes);
Bytes make_saved_sections(Random& random);
bool read_saved_sections(const Bytes& bytes);

inline constexpr Format kFormats[] = {
    {"bzimage", make_bzimage_input, read_image},
    {"elf", make_elf_input, read_image},
    {"multiboot", make_multiboot_input, read_image},
    {"saved-file", make_saved_file, read_saved_file},
    {"saved-sections", make_saved_sections, read_saved_sections},
};

}  // namespace ring1::fuzz
