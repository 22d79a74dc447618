// SPDX-License-Identifier: GPL-2.0-only
#include "trail.h"

#include <sys/mman.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

namespace ring1::fuzz {

Trail* trail;

Trail* Trail::create() {
  void* memory = mmap(nullptr, sizeof(Trail), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) std::perror("mmap"), std::exit(2);
  return new (memory) Trail;
}

Step& Trail::begin(unsigned actor, const char* name, uint64_t a, uint64_t b, uint64_t c) {
  Step& step = steps_[next_++ % kKept];
  step = {name, actor, {a, b, c}, kUnderWay};
  return step;
}

void Trail::fail(const char* format, ...) {
  if (claimed_.exchange(true)) return;
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(failure_, sizeof failure_, format, arguments);
  va_end(arguments);
  failed_ = true;
  stop = true;  // last: whoever sees it may end the process, and us
}

void Trail::print() const {
  const uint64_t end = next_;
  for (uint64_t i = end > kKept ? end - kKept : 0; i < end; i++) {
    const Step& step = steps_[i % kKept];
    std::printf("  %u %s(%#llx, %#llx, %#llx)", step.actor, step.name, static_cast<unsigned long long>(step.arguments[0]),
                static_cast<unsigned long long>(step.arguments[1]), static_cast<unsigned long long>(step.arguments[2]));
    step.result == kUnderWay ? std::printf(" ...\n") : std::printf(" = %ld\n", step.result);
  }
}

}  // namespace ring1::fuzz
