// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/vcpu/vcpu.h"

#include <cerrno>

#include "monitor/world/tables.h"
#include "x86/registers.h"

namespace ring1::monitor {
namespace {

constexpr unsigned kDumpBytes = 64;

}  // namespace

Vcpu::Vcpu(World& world, Board& board, MakeEngine* make_engine, void* engine_memory)
    : host(world.host),
      log(world.log),
      pool(world.pool),
      shared(world.shared),
      cpu(shared.cpu),
      memory(board.memory),
      devices(board.devices),
      engine_(make_engine(*this, engine_memory)),
      machine(host, memory, engine_.mmu(), devices) {
  host.set_command_handler(this);
  world.witness = this;
}

void Vcpu::run() {
  build_tables(host.switch_page());
  load_tables(host.switch_page());
  engine_.start();
  for (;;) engine_.round();
}

// The devices' clock and the guest's TSC are one.
void Vcpu::time_stood(uint64_t cycles) {
  devices.time_stood(cycles);
  cpu.tsc_offset -= cycles;
}

// What can be done in the middle of anything: nobody finds the pages any more.
void Vcpu::withdrawn(const ring1_withdrawn& pages) {
  for (unsigned i = 0; i < pages.count; i++) {
    memory.forget(pages.range[i].gfn, pages.range[i].count);
    withdrawals.add(pages.range[i].gfn, pages.range[i].count);
  }
  machine.forget_pages();
}

int Vcpu::command(ring1_command command) {
  switch (command) {
    case RING1_COMMAND_STATE_WRITTEN:
      // Who asked for pages died, and another process goes on. The shadow tables are half changed, perhaps.
      state_written_late_ = host.asking_for_pages();
      if (!state_written_late_) engine_.state_written();
      return 0;
    case RING1_COMMAND_LOG_DIRTY:
      engine_.log_dirty(shared.payload.range.gfn, shared.payload.range.count);
      memory.log_dirty(shared.payload.range.gfn, shared.payload.range.count);
      machine.forget_pages();  // an instruction may be waiting for a device's answer
      return 0;
    case RING1_COMMAND_SET_CLOCK: machine.paravirt_clock().changed(); return devices.command(command);
    default: return devices.command(command);
  }
}

void Vcpu::dump() {
  log.line("guest registers (live in %s):", engine_.live_name());
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
  engine_.dump();
  host.work(kLinesWork);
  if (!engine_.at_architectural_rip()) return;
  uint8_t bytes[kDumpBytes] = {};
  Gpa page;
  const uint32_t at = static_cast<uint32_t>(cpu.seg[kCs].base + cpu.rip);
  if (machine.read_system(Gva(at), bytes, kDumpBytes, &page)) log.bytes("guest code", at, bytes, kDumpBytes);
}

}  // namespace ring1::monitor
