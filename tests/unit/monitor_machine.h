// SPDX-License-Identifier: GPL-2.0-only
// A machine around single accesses: memory, devices, the walker of the guest's tables, and nobody who runs it.
#pragma once

#include "monitor/board/board.h"
#include "monitor/vcpu/machine.h"
#include "monitor_world.h"
#include "x86/registers.h"

namespace ring1::monitor {

class FakeMachine : private shadowmmu::Tlb, private shadowmmu::Listener {
 public:
  FakeMachine() {
    world.shared.config.irqchip = world.shared.config.pit = 1;
    cpu.apic_base = 0xfee00900;
    devices.start();
    devices.apic_base_written();
    mmu_ok = mmu.init();
    machine.paging_changed();
    (void)machine.take_pending();
    (void)devices.take_touched();
  }

  // 32-bit paging with tables at 0x100000 and 0x101000: the first 4 MiB as they are.
  static constexpr uint32_t kDirectory = 0x100000, kTable = 0x101000;
  void page(uint32_t linear, uint32_t entry) { world.write<uint32_t>(kTable + 4 * (linear >> 12), entry); }
  void paging_on() {
    world.write<uint32_t>(kDirectory, kTable | 7);
    for (uint32_t at = 0; at < 4u << 20; at += 4096) page(at, at | 7);
    cpu.cr3 = kDirectory;
    cpu.cr0 |= cr0::kPe | cr0::kPg;
    machine.paging_changed();
  }

  FakeWorld world;
  ring1_cpu_state& cpu = world.shared.cpu;
  GuestMemory memory{world.host, world.pool};
  Devices devices{world.host};
  shadowmmu::ShadowMmu mmu{world.pool, memory, *this, *this};
  Machine machine{world.host, memory, mmu, devices};
  bool mmu_ok;
  unsigned flushes = 0;

 private:
  void flush_page(Gva) override { flushes++; }
  void flush_all() override { flushes++; }
};

}  // namespace ring1::monitor
