// SPDX-License-Identifier: GPL-2.0-only
// Results. Each is one line, PASS, FAIL or SKIP; the last line counts them.
#pragma once

#include "exception.h"

// Every test image defines this; the library prints the final line when it returns.
void run_tests();

namespace guest {

bool check(bool ok, const char* name, ...) __attribute__((format(printf, 2, 3)));
// Values of a register or a word in memory.
bool expect_equal(const char* name, uint32_t value, uint32_t expected);
// An exception with its error code, `offset` bytes behind the start of the attempt.
bool expect_fault(const char* name, const Caught& caught, uint32_t vector, uint32_t error = 0, uint32_t offset = 0);
bool expect_none(const char* name, const Caught& caught);
void skip(const char* name, const char* reason);

// Is this word on the command line? The runner puts engine=NAME there.
bool option(const char* word);

[[noreturn]] void finish();

}  // namespace guest
