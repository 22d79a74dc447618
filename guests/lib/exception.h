// SPDX-License-Identifier: GPL-2.0-only
// Interrupts and exceptions: handlers by vector, and attempts, which run an instruction and tell what it raised.
#pragma once

#include <stdint.h>

namespace guest {

enum : uint32_t {
  kDe = 0,
  kDb = 1,
  kNmi = 2,
  kBp = 3,
  kOf = 4,
  kBr = 5,
  kUd = 6,
  kNm = 7,
  kDf = 8,
  kTs = 10,
  kNp = 11,
  kSs = 12,
  kGp = 13,
  kPf = 14,
  kMf = 16,
  kAc = 17,
  kNoFault = 0xffffffff,
};

// What the stubs of vectors.S leave on the stack.
struct Frame {
  uint32_t gs, fs, es, ds;
  uint32_t edi, esi, ebp, esp_of_pusha, ebx, edx, ecx, eax;
  uint32_t vector, error;
  uint32_t eip, cs, eflags;
  uint32_t esp, ss;                             // only from another privilege level
  uint32_t vm86_es, vm86_ds, vm86_fs, vm86_gs;  // only from virtual-8086 mode
};

struct Caught {
  uint32_t vector;
  uint32_t error;
  uint32_t offset;  // of the saved EIP from the start of the attempt
  uint32_t cs, eflags, cr2, esp;
};

using Handler = void (*)(Frame&);
void set_handler(unsigned vector, Handler handler);  // null: the default

extern "C" {
extern volatile uint32_t attempt_start, attempt_resume, attempt_esp;
extern volatile Caught attempt_caught;
}

// Runs `code`; an exception in it ends it there. The rest is what follows an asm statement's template, beginning
// with its first colon. ESP is put back, so `code` may push. SS must be flat again at the end. Works at any CPL.
#define ATTEMPT(code, ...)                           \
  ({                                                 \
    guest::attempt_caught.vector = guest::kNoFault;  \
    asm volatile(                                    \
        "movl $1f, %%ss:attempt_start\n\t"           \
        "movl %%esp, %%ss:attempt_esp\n\t"           \
        "movl $2f, %%ss:attempt_resume\n"            \
        "1:\t" code                                  \
        "\n"                                         \
        "2:\tmovl %%ss:attempt_esp, %%esp\n\t"       \
        "movl $0, %%ss:attempt_resume" __VA_ARGS__); \
    guest::caught();                                 \
  })

inline Caught caught() {
  return Caught{attempt_caught.vector, attempt_caught.error, attempt_caught.offset, attempt_caught.cs,
                attempt_caught.eflags, attempt_caught.cr2,   attempt_caught.esp};
}

}  // namespace guest
