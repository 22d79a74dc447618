// SPDX-License-Identifier: GPL-2.0-only
// The attempt to run code in a 32-bit or 16-bit segment.
#include <asm/ldt.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include "oracle.h"

namespace ring1::test {
namespace {

constexpr uint32_t kPage = 0x2f000000, kBack = 0x20;  // the page's 64-bit code lies at kBack
constexpr uint16_t kUserCode32 = 0x23, kUserCode64 = 0x33, kLdtCode = 0 << 3 | 7;
constexpr unsigned kSeconds = 10;

struct FarPointer {
  uint32_t offset;
  uint16_t selector;
};

uint8_t* put(uint8_t* to, std::initializer_list<uint8_t> bytes) {
  for (const uint8_t byte : bytes) *to++ = byte;
  return to;
}

// In the segment: a far jump back into 64-bit code, which ends the process with status 0.
bool write_code(bool small) {
  void* const wanted = reinterpret_cast<void*>(uintptr_t{kPage});
  void* const page =
      mmap(wanted, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (page != wanted) return false;
  auto* code = static_cast<uint8_t*>(page);
  if (small) code = put(code, {0x66});  // a 32-bit offset
  code = put(code, {0xea});
  const uint32_t back = kPage + kBack;
  memcpy(code, &back, sizeof back);
  memcpy(code + sizeof back, &kUserCode64, sizeof kUserCode64);
  put(static_cast<uint8_t*>(page) + kBack, {0x31, 0xff, 0xb8, SYS_exit_group, 0, 0, 0, 0x0f, 0x05});
  return true;
}

bool set_ldt(bool small) {
  user_desc descriptor{};
  descriptor.base_addr = small ? kPage : 0;
  descriptor.limit = small ? 0xffff : 0xfffff;
  descriptor.limit_in_pages = !small;
  descriptor.seg_32bit = !small;
  descriptor.contents = MODIFY_LDT_CONTENTS_CODE;
  return syscall(SYS_modify_ldt, 0x11, &descriptor, sizeof descriptor) == 0;
}

[[noreturn]] void enter(UserSegment segment) {
  const bool small = segment == UserSegment::kLdt16;
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  alarm(kSeconds);
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  if (!write_code(small)) _exit(1);
  if (segment != UserSegment::kFlat32 && !set_ldt(small)) _exit(1);
  const FarPointer entry{small ? 0 : kPage, segment == UserSegment::kFlat32 ? kUserCode32 : kLdtCode};
  asm volatile("ljmpl *%0" : : "m"(entry) : "memory");
  __builtin_unreachable();
}

bool attempt(UserSegment segment) {
  if (getenv("RING1_NO_USER_SEGMENTS")) return false;
  fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) enter(segment);
  int status = -1;
  return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

bool offers(UserSegment segment) {
  static const char* const names[] = {"32-bit user segments", "32-bit LDT segments", "16-bit LDT segments"};
  static int known[3];  // 0: not tried
  int& state = known[static_cast<int>(segment)];
  if (state == 0) {
    state = attempt(segment) ? 1 : -1;
    if (state < 0)
      fprintf(stderr, "no %s here: tests/system/oracle.sh compares on the emulated host\n",
              names[static_cast<int>(segment)]);
  }
  return state > 0;
}

}  // namespace ring1::test
