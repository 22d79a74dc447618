// SPDX-License-Identifier: GPL-2.0-only
// Translations as text, for golden files and failure messages.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "translator/translation.h"

namespace ring1::translator::test {

std::string disassemble_guest(const std::vector<uint8_t>& bytes, uint32_t eip, bool code32, unsigned size);
std::string describe(const MapEntry& entry, const Translation& unit, uint32_t first_eip);
const MapEntry* map_entry_at(const Translation& unit, unsigned code_offset);
// Each translated instruction from an offset on with the state in front of it, then the tables.
std::string describe(const Translation& unit, uint32_t first_eip, unsigned from = 0);

}  // namespace ring1::translator::test
