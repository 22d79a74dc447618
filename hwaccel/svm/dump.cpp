// SPDX-License-Identifier: GPL-2.0-only
#include "hwaccel/svm/dump.h"

namespace ring1::hwaccel::svm {

unsigned dump_rows(const Vmcb& vmcb, VmcbRow rows[kVmcbRows]) {
  const VmcbControl& c = vmcb.control;
  const VmcbState& s = vmcb.state;
  const VmcbRow all[] = {
      {"exit code", c.exit_code},
      {"exit info 1", c.exit_info1},
      {"exit info 2", c.exit_info2},
      {"exit interrupt info", c.exit_interrupt_info},
      {"event injection", c.event_injection},
      {"virtual interrupt", c.virtual_interrupt},
      {"interrupt shadow", c.interrupt_shadow},
      {"intercepted exceptions", c.intercept_exceptions},
      {"intercepted events", c.intercept_events},
      {"intercepted instructions", c.intercept_instructions},
      {"intercepted CR reads", c.intercept_cr_reads},
      {"intercepted CR writes", c.intercept_cr_writes},
      {"I/O bitmap", c.io_bitmap},
      {"MSR bitmap", c.msr_bitmap},
      {"ASID", c.asid},
      {"TLB control", c.tlb_control},
      {"nested paging", c.nested_paging},
      {"nested CR3", c.nested_cr3},
      {"EFER", s.efer},
      {"CR0", s.cr0},
      {"CR2", s.cr2},
      {"CR3", s.cr3},
      {"CR4", s.cr4},
      {"DR6", s.dr6},
      {"DR7", s.dr7},
      {"RFLAGS", s.rflags},
      {"RIP", s.rip},
      {"RSP", s.rsp},
      {"RAX", s.rax},
      {"CPL", s.cpl},
      {"CS attributes", s.cs.attributes},
      {"SS attributes", s.ss.attributes},
      {"TR attributes", s.tr.attributes},
      {"LDTR attributes", s.ldtr.attributes},
      {"PAT", s.pat},
  };
  constexpr unsigned kCount = sizeof all / sizeof all[0];
  static_assert(kCount <= kVmcbRows);
  for (unsigned i = 0; i < kCount; i++) rows[i] = all[i];
  return kCount;
}

}  // namespace ring1::hwaccel::svm
