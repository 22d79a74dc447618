// SPDX-License-Identifier: GPL-2.0-only
#pragma once
#include <stdint.h>

enum ldt_kind { kLdtData, kLdtCode, kLdtStack16, kLdtEmpty };

// modify_ldt(2): installs a segment of `size` bytes; returns 0 or an errno.
int ldt_set(unsigned entry, uint32_t base, uint32_t size, enum ldt_kind kind);

static inline uint32_t ldt_selector(unsigned entry) { return entry << 3 | 7; }
