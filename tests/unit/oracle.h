// SPDX-License-Identifier: GPL-2.0-only
// What the tests that compare with a processor compare with: the one they run on. That is the machine's own, or an
// emulator's when tests/system/oracle.sh runs the same program on the emulated host.
#pragma once

#include <cstdint>

namespace ring1::test {

// The segments that 32-bit and 16-bit user code needs: Linux' own 32-bit code segment in the GDT, and code segments in
// the LDT of modify_ldt(2).
enum class UserSegment { kFlat32, kLdt32, kLdt16 };

// Whether code runs in such a segment. Tried once, in a child process whose first signal is its last: some
// hypervisors offer no compatibility mode, and there the far jump itself faults although CPUID, the kernel's
// configuration and modify_ldt() promise it. What is missing is said once, on stderr. With RING1_NO_USER_SEGMENTS in
// the environment each attempt fails.
bool offers(UserSegment segment);

// Set for the emulated host: its processor is QEMU's TCG, which is known to be wrong in places.
bool oracle_is_qemu();

// The end of a test: how many `what` it compared. A line on stdout, and where RING1_ORACLE_DIR names a directory, a
// file in it, for the summary at the end of `make test`.
void report_compared(const char* test, uint64_t count, const char* what = "instructions");

// A number from the environment, e.g. RING1_FUZZ_ROUNDS.
unsigned long from_environment(const char* name, unsigned long otherwise);

}  // namespace ring1::test
