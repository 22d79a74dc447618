// SPDX-License-Identifier: GPL-2.0-only
#include "emulator/system/task_switch.h"

#include "emulator/system/segment_load.h"
#include "emulator/system/task_image.h"

namespace ring1::emulator {

namespace {

constexpr uint64_t kDr6TaskSwitch = 1u << 15;
// Local breakpoints and LE do not survive a switch (SDM 3B 17.2.4).
constexpr uint64_t kDr7Local = 0x155;

// A descriptor of the type and state the switch wants (SDM 3A table 7-1).
Outcome find_task(Sys& sys, uint16_t selector, TaskSwitch reason, Descriptor* tss) {
  const Vector invalid = reason == TaskSwitch::kReturn ? Vector::kTs : Vector::kGp;
  if (is_local(selector)) return sys.raise_selector(invalid, selector);
  RING1_TRY(read_descriptor(sys, selector, invalid, tss));
  const bool busy = tss->is_system(SystemType::kTss16Busy) || tss->is_system(SystemType::kTss32Busy);
  const bool available = tss->is_system(SystemType::kTss16) || tss->is_system(SystemType::kTss32);
  if (!(reason == TaskSwitch::kReturn ? busy : available)) return sys.raise_selector(invalid, selector);
  if (!tss->present()) return sys.raise_selector(Vector::kNp, selector);
  const uint32_t bytes = is_tss32_type(tss->system_type()) ? tss32::kBytes : tss16::kBytes;
  if (tss->limit() < bytes - 1) return sys.raise_selector(Vector::kTs, selector);
  return Outcome::kDone;
}

Outcome load_ldt(Sys& sys, uint16_t selector) {
  if (is_null(selector)) return Outcome::kDone;
  if (is_local(selector)) return sys.raise_selector(Vector::kTs, selector);
  Descriptor ldt;
  RING1_TRY(read_descriptor(sys, selector, Vector::kTs, &ldt));
  if (!ldt.is_system(SystemType::kLdt) || !ldt.present()) return sys.raise_selector(Vector::kTs, selector);
  sys.cpu.ldtr = segment_of(selector, ldt);
  return Outcome::kDone;
}

Outcome load_code(Sys& sys, uint16_t selector) {
  Descriptor code;
  if (is_null(selector)) return sys.raise(Vector::kTs);
  RING1_TRY(read_descriptor(sys, selector, Vector::kTs, &code));
  const bool level = code.is_conforming() ? code.dpl() <= rpl_of(selector) : code.dpl() == rpl_of(selector);
  if (!code.is_code() || !level) return sys.raise_selector(Vector::kTs, selector);
  if (!code.present()) return sys.raise_selector(Vector::kNp, selector);
  RING1_TRY(mark_accessed(sys, &code));
  sys.cpu.seg[kCs] = segment_of(selector, code);
  return Outcome::kDone;
}

// Every selector without its descriptor: what a fault in the middle of the loads leaves behind.
void set_selectors(ring1_cpu_state& cpu, const TaskImage& image) {
  for (unsigned i = 0; i < kSegmentCount; ++i) cpu.seg[i] = null_segment(image.segment[i]);
  cpu.seg[kSs].access |= rpl_of(image.segment[kCs]) << RING1_AR_DPL_SHIFT;  // CPL
  cpu.ldtr = null_segment(image.ldt);
}

Outcome load_segments(Sys& sys, const TaskImage& image) {
  RING1_TRY(load_ldt(sys, image.ldt));
  if (vm86_of(sys.cpu)) {
    for (unsigned i = 0; i < kSegmentCount; ++i)
      load_vm86_segment(sys.cpu, static_cast<SegmentRegister>(i), image.segment[i]);
    return Outcome::kDone;
  }
  RING1_TRY(load_code(sys, image.segment[kCs]));
  RING1_TRY(load_stack_segment(sys, image.segment[kSs], rpl_of(image.segment[kCs]), Vector::kTs));
  for (SegmentRegister which : kDataSegments)
    RING1_TRY(load_data_segment(sys, which, image.segment[which], Vector::kTs));
  return Outcome::kDone;
}

// The old task's side: nothing is written before everything is known to be writable.
Outcome leave_task(Sys& sys, const Descriptor& tss, TaskSwitch reason) {
  const ring1_segment old = sys.cpu.tr;
  const bool nested = reason == TaskSwitch::kCall || reason == TaskSwitch::kEvent;
  RING1_TRY(probe_task(sys, old));
  if (nested) RING1_TRY(sys.probe(tss.base() + tss32::kLink, 2, Privilege::kSupervisor));
  Descriptor old_tss;
  if (!nested) RING1_TRY(read_descriptor(sys, old.selector, Vector::kTs, &old_tss));

  const auto flags = static_cast<uint32_t>(sys.cpu.rflags);
  RING1_TRY(save_task(sys, old, reason == TaskSwitch::kReturn ? flags & ~eflags::kNt : flags));
  if (nested) return sys.write_system(tss.base() + tss32::kLink, &old.selector, 2);
  return mark_busy(sys, &old_tss, false);
}

}  // namespace

Outcome task_switch(Sys& sys, uint16_t selector, TaskSwitch reason) {
  Descriptor tss;
  RING1_TRY(find_task(sys, selector, reason, &tss));
  const uint32_t old_bytes = is_tss32(sys.cpu.tr) ? tss32::kBytes : tss16::kBytes;
  if ((sys.cpu.tr.access & RING1_AR_UNUSABLE) || sys.cpu.tr.limit < old_bytes - 1)
    return sys.raise_selector(Vector::kTs, sys.cpu.tr.selector);
  TaskImage image;
  image.wide = is_tss32_type(tss.system_type());
  RING1_TRY(image.load(sys, tss.base()));
  const bool new_space = image.wide && (sys.cpu.cr0 & cr0::kPg);
  if (new_space && (sys.cpu.cr4 & cr4::kPae)) {
    const MemoryStatus status = sys.machine.check_paging(sys.cpu.cr0, image.cr3, sys.cpu.cr4);
    if (status == MemoryStatus::kFault) return sys.raise(Vector::kGp);
    RING1_TRY(Sys::of(status));
  }
  RING1_TRY(leave_task(sys, tss, reason));
  if (reason != TaskSwitch::kReturn) RING1_TRY(mark_busy(sys, &tss, true));

  // From here on the new task runs.
  ring1_cpu_state& cpu = sys.cpu;
  const bool nested = reason == TaskSwitch::kCall || reason == TaskSwitch::kEvent;
  const uint64_t old_cr0 = cpu.cr0;
  cpu.tr = segment_of(selector, tss);
  cpu.cr0 |= cr0::kTs;
  cpu.dr[7] &= ~kDr7Local;
  for (unsigned i = 0; i < 8; ++i) cpu.gpr[i] = image.gpr[i];
  cpu.rip = image.eip;
  constexpr uint32_t kReserved = 1u << 3 | 1u << 5 | 1u << 15 | 0xffc00000u;
  cpu.rflags = (image.eflags & ~kReserved) | eflags::kFixed1 | (nested ? eflags::kNt : 0);
  set_selectors(cpu, image);
  if (new_space) cpu.cr3 = image.cr3;
  sys.commit();
  sys.machine.cr0_written(old_cr0);
  if (new_space) sys.machine.cr3_written();
  const Outcome loaded = load_segments(sys, image);
  sys.commit();
  sys.machine.descriptor_table_written();  // the LDT
  RING1_TRY(loaded);
  if (image.eip > cpu.seg[kCs].limit) return sys.raise(Vector::kGp);
  if (!image.trap) return Outcome::kDone;
  cpu.dr[6] |= kDr6TaskSwitch;
  (void)sys.raise(Vector::kDb);
  return Outcome::kTrap;
}

Outcome task_gate(Sys& sys, const Descriptor& gate, TaskSwitch reason) {
  return task_switch(sys, gate.gate_selector(), reason);
}

}  // namespace ring1::emulator
