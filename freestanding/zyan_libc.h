// SPDX-License-Identifier: GPL-2.0-only
#ifndef RING1_FREESTANDING_ZYAN_LIBC_H
#define RING1_FREESTANDING_ZYAN_LIBC_H

// What the decoder of Zydis asks of a C library (ZYAN_CUSTOM_LIBC); included before every file by the compiler's
// command line. The builtins become a few moves where the size is known: Zydis' own fallback for systems without
// a library clears its large structures byte by byte through a volatile pointer.
#define ZYAN_MEMSET __builtin_memset
#define ZYAN_MEMCPY __builtin_memcpy

#endif
