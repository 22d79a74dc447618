/* SPDX-License-Identifier: GPL-2.0-only */
/* What entry.S needs to know. Included by assembly for the offsets. */
#ifndef RING1_MONITOR_SVM_ENTRY_H
#define RING1_MONITOR_SVM_ENTRY_H

#define SVM_GUEST 0
#define SVM_HOST 8
#define SVM_GPR 16
#define SVM_SWITCH 24

#ifndef __ASSEMBLY__
#include <cstddef>
#include <cstdint>

struct ring1_switch;

namespace ring1::monitor {

struct SvmEntry {
  uint64_t guest;           // physical address of the guest's VMCB
  uint64_t host;            // of a page for the monitor's own FS, GS, TR, LDTR and system call registers
  unsigned long long* gpr;  // ring1_cpu_state.gpr; RAX and RSP are in the VMCB
  ring1_switch* switch_page;
};

static_assert(offsetof(SvmEntry, host) == SVM_HOST && offsetof(SvmEntry, gpr) == SVM_GPR);
static_assert(offsetof(SvmEntry, switch_page) == SVM_SWITCH);

// Runs the guest until its next exit. False: it did not run, an NMI or machine check is pending.
extern "C" bool ring1_svm_run(const SvmEntry* entry);

}  // namespace ring1::monitor
#endif
#endif
