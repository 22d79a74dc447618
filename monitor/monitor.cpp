// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/monitor.h"

#include <cerrno>

#include "monitor/hardware.h"
#include "monitor/panic.h"
#include "monitor/tables.h"
#include "x86/registers.h"

namespace ring1::monitor {
namespace {

constexpr unsigned kDumpBytes = 64;

}  // namespace

Monitor::Monitor(ring1_switch& page)
    : shared(*reinterpret_cast<ring1_vcpu_shared*>(page.shared)),
      cpu(shared.cpu),
      host(page, shared),
      log(shared.log),
      pool(host),
      memory(host, pool),
      mmu(pool, memory, *this, *this),
      tc_memory(pool),
      narrow_stack(pool),
      devices(host),
      machine(host, memory, mmu, devices),
      engine_(make_engine()) {
  block.switch_page = &page;
  host.set_command_handler(this);
}

void Monitor::run() {
  build_tables(host.switch_page(), block);
  load_tables(host.switch_page());
  engine().start();
  for (;;) engine().round();
}

// The devices' clock and the guest's TSC are one.
void Monitor::time_stood(uint64_t cycles) {
  devices.time_stood(cycles);
  cpu.tsc_offset -= cycles;
}

// What can be done in the middle of anything: nobody finds the pages any more.
void Monitor::withdrawn(const ring1_withdrawn& pages) {
  for (unsigned i = 0; i < pages.count; i++) {
    memory.forget(pages.range[i].gfn, pages.range[i].count);
    withdrawals.add(pages.range[i].gfn, pages.range[i].count);
  }
  machine.forget_pages();
}

int Monitor::command(ring1_command command) {
  switch (command) {
    case RING1_COMMAND_STATE_WRITTEN:
      // Who asked for pages died, and another process goes on. The shadow tables are half changed, perhaps.
      state_written_late_ = host.asking_for_pages();
      if (!state_written_late_) engine().state_written();
      return 0;
    case RING1_COMMAND_LOG_DIRTY:
      engine().log_dirty(shared.payload.range.gfn, shared.payload.range.count);
      memory.log_dirty(shared.payload.range.gfn, shared.payload.range.count);
      machine.forget_pages();  // an instruction may be waiting for a device's answer
      return 0;
    case RING1_COMMAND_SET_CLOCK: machine.paravirt_clock().changed(); return devices.command(command);
    default: return devices.command(command);
  }
}

void Monitor::flush_page(Gva page) { engine().flush_page(page); }

void Monitor::flush_all() { engine().flush_all(); }

void Monitor::code_written(Gpa where, unsigned size) { engine().note_code_written(where, size); }

void Monitor::code_mapping_changed(Gpa entry) { engine().note_mapping_changed(entry); }

void Monitor::code_table_lost(Gpa page) { engine().note_table_lost(page); }

void Monitor::dump() {
  log.line("guest registers (live in %s):", engine().live_name());
  log.line("  block: eax %08lx ebx %08lx ecx %08lx edx %08lx esi %08lx edi %08lx ebp %08lx esp %08lx", block.rax,
           block.rbx, block.rcx, block.rdx, block.rsi, block.rdi, block.rbp, block.rsp);
  log.line("  block: eip %08lx cs %lx ss %lx ds %x es %x fs %x gs %x eflags %lx vector %lu error %lx cr2 %lx",
           block.rip, block.cs, block.ss, uint32_t{block.ds}, uint32_t{block.es}, uint32_t{block.fs},
           uint32_t{block.gs}, block.rflags, block.vector, block.error, hardware::read_cr2());
  log.line("  state: eax %08llx ebx %08llx ecx %08llx edx %08llx esi %08llx edi %08llx ebp %08llx esp %08llx",
           cpu.gpr[kRax], cpu.gpr[kRbx], cpu.gpr[kRcx], cpu.gpr[kRdx], cpu.gpr[kRsi], cpu.gpr[kRdi], cpu.gpr[kRbp],
           cpu.gpr[kRsp]);
  log.line("  state: eip %08llx eflags %llx cr0 %llx cr2 %llx cr3 %llx cr4 %llx", cpu.rip, cpu.rflags, cpu.cr0, cpu.cr2,
           cpu.cr3, cpu.cr4);
  constexpr unsigned kLinesWork = 20000;  // instructions of what stands above and below, for Host::work()
  host.work(kLinesWork);
  static const char* const names[] = {"es", "cs", "ss", "ds", "fs", "gs"};
  for (unsigned i = 0; i < 6; i++)
    log.line("  %s %04x base %08llx limit %08x access %05x", names[i], uint32_t{cpu.seg[i].selector}, cpu.seg[i].base,
             cpu.seg[i].limit, cpu.seg[i].access);
  host.work(kLinesWork);
  engine().dump();
  host.work(kLinesWork);
  if (!engine().at_architectural_rip()) return;
  uint8_t bytes[kDumpBytes] = {};
  Gpa page;
  const uint32_t at = static_cast<uint32_t>(cpu.seg[kCs].base + cpu.rip);
  if (machine.read_system(Gva(at), bytes, kDumpBytes, &page)) log.bytes("guest code", at, bytes, kDumpBytes);
}

}  // namespace ring1::monitor

// The first C++ of the world: `monitor` lives on the world's stack as long as the world.
extern "C" [[noreturn]] void ring1_monitor_main(ring1_switch* page) {
  ring1::monitor::Monitor monitor(*page);
  ring1::monitor::set_current(&monitor);
  monitor.run();
}
