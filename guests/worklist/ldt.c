// SPDX-License-Identifier: GPL-2.0-only
#include <asm/ldt.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "ldt.h"

int ldt_set(unsigned entry, uint32_t base, uint32_t size, enum ldt_kind kind) {
  struct user_desc segment;
  memset(&segment, 0, sizeof segment);
  segment.entry_number = entry;
  if (kind == kLdtEmpty) {
    segment.read_exec_only = 1;
    segment.seg_not_present = 1;
  } else {
    segment.base_addr = base;
    segment.limit = size - 1;
    segment.seg_32bit = kind != kLdtStack16;
    segment.contents = kind == kLdtCode ? MODIFY_LDT_CONTENTS_CODE : MODIFY_LDT_CONTENTS_DATA;
    segment.useable = 1;
  }
  return syscall(SYS_modify_ldt, 0x11, &segment, sizeof segment) ? errno : 0;
}
