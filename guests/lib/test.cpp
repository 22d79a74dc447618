// SPDX-License-Identifier: GPL-2.0-only
#include "test.h"

#include "cpu.h"
#include "devices.h"
#include "io.h"
#include "print.h"
#include "tables.h"

namespace guest {

namespace {

// QEMU's isa-debug-exit: its exit code is (value << 1) | 1.
constexpr uint16_t kDebugExit = 0xf4;
uint32_t passed, failed;

void describe(const Caught& c) {
  if (c.vector == kNoFault)
    print("no exception");
  else
    print("vector %u error 0x%x at +%d cr2 0x%x", c.vector, c.error, c.offset, c.cr2);
}

bool result(bool ok, const char* name) {
  ++(ok ? passed : failed);
  print("%s: %s", ok ? "PASS" : "FAIL", name);
  return ok;
}

}  // namespace

bool check(bool ok, const char* name, ...) {
  ++(ok ? passed : failed);
  print("%s: ", ok ? "PASS" : "FAIL");
  va_list arguments;
  va_start(arguments, name);
  vprint(name, arguments);
  va_end(arguments);
  print("\n");
  return ok;
}

bool expect_equal(const char* name, uint32_t value, uint32_t expected) {
  const bool ok = result(value == expected, name);
  if (!ok) print(": 0x%x instead of 0x%x", value, expected);
  print("\n");
  return ok;
}

bool expect_fault(const char* name, const Caught& caught, uint32_t vector, uint32_t error, uint32_t offset) {
  const bool ok = result(caught.vector == vector && caught.error == error && caught.offset == offset, name);
  if (!ok) {
    print(": ");
    describe(caught);
    print(" instead of vector %u error 0x%x at +%d", vector, error, offset);
  }
  print("\n");
  return ok;
}

bool expect_none(const char* name, const Caught& caught) {
  const bool ok = result(caught.vector == kNoFault, name);
  if (!ok) {
    print(": ");
    describe(caught);
  }
  print("\n");
  return ok;
}

void skip(const char* name, const char* reason) { print("SKIP: %s: %s\n", name, reason); }

void finish() {
  cli();
  print("%u passed, %u failed\n", passed, failed);
  outl(kDebugExit, failed != 0);
  for (;;) halt();
}

namespace {
const char* command_line = "";

struct MultibootInfo {
  uint32_t flags, mem_lower, mem_upper, boot_device, command_line;
};
constexpr uint32_t kMultibootMagic = 0x2badb002, kHasCommandLine = 1u << 2;
}  // namespace

bool option(const char* word) {
  for (const char* at = command_line; *at; ++at) {
    const char *a = at, *b = word;
    while (*b && *a == *b) ++a, ++b;
    if (!*b && (*a == ' ' || !*a) && (at == command_line || at[-1] == ' ')) return true;
  }
  return false;
}

extern "C" void guest_start(uint32_t magic, const MultibootInfo* info) {
  if (magic == kMultibootMagic && (info->flags & kHasCommandLine))
    command_line = reinterpret_cast<const char*>(info->command_line);
  serial_init();
  tables_init();
  pic_init();  // firmware's timer would arrive as vector 8
  run_tests();
  finish();
}

}  // namespace guest
