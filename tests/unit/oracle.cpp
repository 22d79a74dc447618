// SPDX-License-Identifier: GPL-2.0-only
#include "oracle.h"

#include <cstdio>
#include <cstdlib>
#include <string>

namespace ring1::test {

bool oracle_is_qemu() {
  const char* name = getenv("RING1_ORACLE");
  return name && std::string(name) == "qemu";
}

void report_compared(const char* test, uint64_t count, const char* what) {
  char line[160];
  snprintf(line, sizeof line, "oracle: %s: %llu %s compared with %s\n", test, static_cast<unsigned long long>(count),
           what, oracle_is_qemu() ? "the emulated host's processor" : "this machine's processor");
  fputs(line, stdout);
  const char* directory = getenv("RING1_ORACLE_DIR");
  if (!directory) return;
  if (FILE* file = fopen((std::string(directory) + "/" + test).c_str(), "w")) {
    fputs(line, file);
    fclose(file);
  }
}

unsigned long from_environment(const char* name, unsigned long otherwise) {
  const char* text = getenv(name);
  return text ? strtoul(text, nullptr, 0) : otherwise;
}

}  // namespace ring1::test
