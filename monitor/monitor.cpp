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

void dump_bytes(Log& log, const char* what, uint32_t at, const uint8_t* bytes, unsigned count) {
  log.line("%s at %08x:", what, at);
  for (unsigned i = 0; i + 16 <= count; i += 16)
    log.line("  %08x  %02x%02x%02x%02x %02x%02x%02x%02x %02x%02x%02x%02x %02x%02x%02x%02x", at + i, bytes[i], bytes[i + 1],
             bytes[i + 2], bytes[i + 3], bytes[i + 4], bytes[i + 5], bytes[i + 6], bytes[i + 7], bytes[i + 8],
             bytes[i + 9], bytes[i + 10], bytes[i + 11], bytes[i + 12], bytes[i + 13], bytes[i + 14], bytes[i + 15]);
}

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
      engine(*this) {
  block.switch_page = &page;
  host.set_command_handler(this);
}

void Monitor::run() {
  build_tables(host.switch_page(), block);
  load_tables(host.switch_page());
  engine.start();
  for (;;) engine.round();
}

int Monitor::command(ring1_command command) {
  switch (command) {
    case RING1_COMMAND_STATE_WRITTEN:
      engine.state_written();
      return 0;
    case RING1_COMMAND_FORGET:
      engine.forget(shared.payload.range.gfn, shared.payload.range.count);
      memory.forget(shared.payload.range.gfn, shared.payload.range.count);
      return 0;
    default:
      return devices.command(command);
  }
}

void Monitor::flush_page(Gva page) {
  if (!flush_wanted) hardware::invlpg(page.raw());
}

void Monitor::flush_all() { flush_wanted = true; }

void Monitor::code_written(Gpa where, unsigned size) { engine.note_code_written(where, size); }

void Monitor::code_mapping_changed(Gpa entry) { engine.note_mapping_changed(entry); }

void Monitor::code_table_lost(Gpa page) { engine.note_table_lost(page); }

void Monitor::dump() {
  log.line("guest registers (live in %s):", engine.live_name());
  log.line("  block: eax %08lx ebx %08lx ecx %08lx edx %08lx esi %08lx edi %08lx ebp %08lx esp %08lx", block.rax,
           block.rbx, block.rcx, block.rdx, block.rsi, block.rdi, block.rbp, block.rsp);
  log.line("  block: eip %08lx cs %lx ss %lx ds %x es %x fs %x gs %x eflags %lx vector %lu error %lx cr2 %lx", block.rip,
           block.cs, block.ss, uint32_t{block.ds}, uint32_t{block.es}, uint32_t{block.fs}, uint32_t{block.gs},
           block.rflags, block.vector, block.error, hardware::read_cr2());
  log.line("  state: eax %08llx ebx %08llx ecx %08llx edx %08llx esi %08llx edi %08llx ebp %08llx esp %08llx", cpu.gpr[kRax],
           cpu.gpr[kRbx], cpu.gpr[kRcx], cpu.gpr[kRdx], cpu.gpr[kRsi], cpu.gpr[kRdi], cpu.gpr[kRbp], cpu.gpr[kRsp]);
  log.line("  state: eip %08llx eflags %llx cr0 %llx cr2 %llx cr3 %llx cr4 %llx", cpu.rip, cpu.rflags, cpu.cr0, cpu.cr2,
           cpu.cr3, cpu.cr4);
  static const char* const names[] = {"es", "cs", "ss", "ds", "fs", "gs"};
  for (unsigned i = 0; i < 6; i++)
    log.line("  %s %04x base %08llx limit %08x access %05x", names[i], uint32_t{cpu.seg[i].selector}, cpu.seg[i].base,
             cpu.seg[i].limit, cpu.seg[i].access);
  uint32_t eip;
  tcache::Fragment* fragment;
  uint8_t bytes[kDumpBytes] = {};
  Gpa page;
  if (engine.in_cache(&eip, &fragment)) {
    log.line("stopped in the fragment of eip %08x, %u guest bytes, %u code bytes", fragment->eip,
             uint32_t{fragment->guest_size}, uint32_t{fragment->code_size});
    if (machine.read_system(Gva(fragment->linear()), bytes, kDumpBytes, &page))
      dump_bytes(log, "guest code", fragment->linear(), bytes, kDumpBytes);
    const uint32_t at = engine.cache().exec_address(TcOffset(fragment->start));
    for (unsigned i = 0; i < fragment->code_size; i += kDumpBytes)  // the monitor shares the guest's lower half
      dump_bytes(log, "translated code", at + i, reinterpret_cast<const uint8_t*>(uint64_t{at + i}), kDumpBytes);
  } else {
    const uint32_t at = static_cast<uint32_t>(cpu.seg[kCs].base + cpu.rip);
    if (machine.read_system(Gva(at), bytes, kDumpBytes, &page)) dump_bytes(log, "guest code", at, bytes, kDumpBytes);
  }
}

}  // namespace ring1::monitor

// The first C++ of the world: `monitor` lives on the world's stack as long as the world.
extern "C" [[noreturn]] void ring1_monitor_main(ring1_switch* page) {
  ring1::monitor::Monitor monitor(*page);
  ring1::monitor::set_current(&monitor);
  monitor.run();
}
