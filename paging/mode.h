// SPDX-License-Identifier: GPL-2.0-only
// The control bits that decide about a walk, and what an access asks of it.
#pragma once

#include <cstdint>

namespace ring1::paging {

struct PagingMode {
  bool paging = false, pse = false, pae = false, nxe = false, wp = false, pge = false;
  // Known to the walker of the guest's tables; shadow tables are made for 32-bit guests without them.
  bool long_mode = false;  // EFER.LMA: four levels of tables, five with LA57
  bool la57 = false, gigabyte_pages = false, smep = false, smap = false;
  uint8_t physical_bits = 36;  // reserved-bit checks
  bool operator==(const PagingMode&) const = default;
};

struct Access {
  bool write = false, user = false, fetch = false;
  bool ac = false;  // an instruction's own access at CPL below 3 with EFLAGS.AC: SMAP does not hold
};

// PAE's page-directory-pointer registers: MOV to CR3 and changes of PG, PAE, PSE and PGE load them from memory,
// changes of WP and NXE do not (SDM 3A 4.4.1).
enum class Pointers : uint8_t { kLoad, kKeep };

}  // namespace ring1::paging
