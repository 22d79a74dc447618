// SPDX-License-Identifier: GPL-2.0-only
// Accesses of an emulated instruction: memory in pieces, devices, faults that leave nothing behind, breakpoints, CPUID,
// MSRs, and what a changed control register means.
#include "monitor_machine.h"

#include <gtest/gtest.h>

#include <cstring>

#include "x86/breakpoints.h"

namespace ring1::monitor {
namespace {

using emulator::MemoryStatus;
using emulator::Privilege;
using emulator::Purpose;

struct Stores final : StoreWatcher {
  void stored(Gpa where, unsigned size) override { all.push_back({where.raw(), size}); }
  std::vector<std::pair<uint64_t, unsigned>> all;
};

class MachineTest : public ::testing::Test, protected FakeMachine {
 protected:
  void SetUp() override { ASSERT_TRUE(mmu_ok); }

  template <class T>
  MemoryStatus get(uint64_t address, T* value, Privilege privilege = Privilege::kSupervisor,
                   Purpose purpose = Purpose::kData) {
    return machine.read(Gva(address), value, sizeof *value, privilege, purpose, &fault);
  }
  template <class T>
  MemoryStatus put(uint64_t address, T value, Privilege privilege = Privilege::kSupervisor) {
    return machine.write(Gva(address), &value, sizeof value, privilege, Purpose::kData, &fault);
  }
  void leaf(uint32_t function, uint32_t a, uint32_t b = 0, uint32_t c = 0, uint32_t d = 0, int index = -1) {
    kvm_cpuid_entry2& entry = world.shared.cpuid[world.shared.cpuid_count++];
    entry = {.function = function,
             .index = index < 0 ? 0 : static_cast<uint32_t>(index),
             .flags = index < 0 ? 0u : KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
             .eax = a,
             .ebx = b,
             .ecx = c,
             .edx = d};
  }
  // DR0 at `address`: kind and length as in DR7.
  void breakpoint_at(uint32_t address, unsigned kind, unsigned length) {
    cpu.dr[0] = address;
    cpu.dr[7] = 0x400 | 1 | kind << 16 | length << 18;
  }

  Fault fault{};
  uint32_t word = 0;
};

TEST_F(MachineTest, ReadsAndWritesMemory) {
  ASSERT_EQ(put<uint32_t>(0x5000, 0xdeadbeef), MemoryStatus::kOk);
  EXPECT_EQ(world.read<uint32_t>(0x5000), 0xdeadbeefu);
  ASSERT_EQ(get(0x5000, &word), MemoryStatus::kOk);
  EXPECT_EQ(word, 0xdeadbeefu);
}

TEST_F(MachineTest, CrossesAPage) {
  ASSERT_EQ(put<uint32_t>(0x5ffe, 0x44332211), MemoryStatus::kOk);
  EXPECT_EQ(world.read<uint16_t>(0x5ffe), 0x2211);
  EXPECT_EQ(world.read<uint16_t>(0x6000), 0x4433);
  ASSERT_EQ(get(0x5ffe, &word), MemoryStatus::kOk);
  EXPECT_EQ(word, 0x44332211u);
}

TEST_F(MachineTest, GoesOnAtZeroBehindFourGiB) {
  world.answer = [](ring1_exit& exit) {
    EXPECT_EQ(exit.mmio.gpa, 0xfffffffeu);
    EXPECT_EQ(exit.mmio.size, 2u);
    exit.mmio.data[0] = 0x11, exit.mmio.data[1] = 0x22;
  };
  world.write<uint16_t>(0, 0x4433);
  ASSERT_EQ(get(0xfffffffe, &word), MemoryStatus::kOk);
  EXPECT_EQ(word, 0x44332211u);
}

TEST_F(MachineTest, DevicesAreUserSpaces) {
  world.answer = [](ring1_exit& exit) {
    EXPECT_EQ(exit.reason, uint32_t{KVM_EXIT_MMIO});
    EXPECT_EQ(exit.mmio.is_write, 0u);
    std::memcpy(exit.mmio.data, "abcd", 4);
  };
  ASSERT_EQ(get(0xd0000000, &word), MemoryStatus::kOk);
  EXPECT_EQ(std::memcmp(&word, "abcd", 4), 0);
}

TEST_F(MachineTest, AWriteToADeviceBringsItsBytes) {
  ring1_exit seen{};
  world.answer = [&](ring1_exit& exit) { seen = exit; };
  ASSERT_EQ(put<uint16_t>(0xd0000004, 0xabcd), MemoryStatus::kOk);
  EXPECT_EQ(seen.mmio.gpa, 0xd0000004u);
  EXPECT_EQ(seen.mmio.size, 2u);
  EXPECT_EQ(seen.mmio.is_write, 1u);
  EXPECT_EQ(seen.mmio.data[0], 0xcd);
  EXPECT_EQ(seen.mmio.data[2], 0);
}

TEST_F(MachineTest, WideAccessesToDevicesComeInPieces) {
  std::vector<uint64_t> where;
  world.answer = [&](ring1_exit& exit) {
    where.push_back(exit.mmio.gpa);
    EXPECT_EQ(exit.mmio.size, 8u);
  };
  uint8_t bytes[16];
  ASSERT_EQ(machine.read(Gva(0xd0000000), bytes, 16, Privilege::kSupervisor, Purpose::kData, &fault),
            MemoryStatus::kOk);
  EXPECT_EQ(where, (std::vector<uint64_t>{0xd0000000, 0xd0000008}));
}

TEST_F(MachineTest, AWriteToRomIsADeviceAccess) {
  world.backing[5] = RING1_BACKING_READONLY;
  world.write<uint32_t>(0x5000, 7);
  bool told = false;
  world.answer = [&](ring1_exit& exit) { told = exit.reason == KVM_EXIT_MMIO && exit.mmio.gpa == 0x5000; };
  ASSERT_EQ(put<uint32_t>(0x5000, 9), MemoryStatus::kOk);
  EXPECT_TRUE(told);
  EXPECT_EQ(world.read<uint32_t>(0x5000), 7u);
}

TEST_F(MachineTest, TroubleOfTheHostBlocksTheAccess) {
  world.backing[5] = RING1_BACKING_ERROR;
  EXPECT_EQ(get(0x5000, &word), MemoryStatus::kBlocked);
  EXPECT_EQ(put<uint32_t>(0x5000, 1), MemoryStatus::kBlocked);
}

TEST_F(MachineTest, FaultsWhereNothingIsMapped) {
  paging_on();
  page(0x5000, 0);
  ASSERT_EQ(get(0x5004, &word), MemoryStatus::kFault);
  EXPECT_EQ(fault.vector, Vector::kPf);
  EXPECT_EQ(fault.error_code, 0u);
  EXPECT_EQ(fault.cr2, 0x5004u);
}

TEST_F(MachineTest, UserMayNotTouchASupervisorsPage) {
  paging_on();
  page(0x5000, 0x5003);
  ASSERT_EQ(put<uint32_t>(0x5000, 1, Privilege::kUser), MemoryStatus::kFault);
  EXPECT_EQ(fault.error_code, page_fault::kPresent | page_fault::kWrite | page_fault::kUser);
  EXPECT_EQ(put<uint32_t>(0x5000, 1), MemoryStatus::kOk);
}

TEST_F(MachineTest, DescriptorTablesAreTheSupervisorsWhoeverAsks) {
  paging_on();
  page(0x5000, 0x5003);
  EXPECT_EQ(get(0x5000, &word, Privilege::kUser, Purpose::kSystem), MemoryStatus::kOk);
}

TEST_F(MachineTest, AWriteThatFaultsOnItsSecondPageChangesNothing) {
  paging_on();
  page(0x6000, 0);
  world.write<uint32_t>(0x5ffc, 0x55555555);
  ASSERT_EQ(put<uint32_t>(0x5ffe, 0xffffffff), MemoryStatus::kFault);
  EXPECT_EQ(fault.cr2, 0x6000u);
  EXPECT_EQ(world.read<uint32_t>(0x5ffc), 0x55555555u);
}

TEST_F(MachineTest, SetsAccessedAndDirty) {
  paging_on();
  ASSERT_EQ(get(0x5000, &word), MemoryStatus::kOk);
  EXPECT_EQ(world.read<uint32_t>(kTable + 4 * 5) & 0x60, 0x20u);
  ASSERT_EQ(put<uint32_t>(0x5000, 1), MemoryStatus::kOk);
  EXPECT_EQ(world.read<uint32_t>(kTable + 4 * 5) & 0x60, 0x60u);
}

TEST_F(MachineTest, ProbesBothPages) {
  paging_on();
  EXPECT_EQ(machine.probe_write(Gva(0x5ffe), 4, Privilege::kSupervisor, &fault), MemoryStatus::kOk);
  page(0x6000, 0);
  EXPECT_EQ(machine.probe_write(Gva(0x5ffe), 4, Privilege::kSupervisor, &fault), MemoryStatus::kFault);
  EXPECT_EQ(machine.probe_write(Gva(0x5ffc), 4, Privilege::kSupervisor, &fault), MemoryStatus::kOk);
}

TEST_F(MachineTest, OneInstructionFindsAPageOnce) {
  paging_on();
  Machine::Instruction instruction(machine);
  ASSERT_EQ(get(0x5000, &word), MemoryStatus::kOk);
  page(0x5000, 0);  // a processor's TLB would not know either
  EXPECT_EQ(get(0x5004, &word), MemoryStatus::kOk);
}

TEST_F(MachineTest, TheNextInstructionLooksAgain) {
  paging_on();
  {
    Machine::Instruction instruction(machine);
    ASSERT_EQ(get(0x5000, &word), MemoryStatus::kOk);
  }
  page(0x5000, 0);
  Machine::Instruction instruction(machine);
  EXPECT_EQ(get(0x5000, &word), MemoryStatus::kFault);
}

TEST_F(MachineTest, InvlpgWithinAnInstructionIsObeyed) {
  paging_on();
  Machine::Instruction instruction(machine);
  ASSERT_EQ(get(0x5000, &word), MemoryStatus::kOk);
  page(0x5000, 0);
  machine.invlpg(Gva(0x5000));
  EXPECT_EQ(get(0x5000, &word), MemoryStatus::kFault);
  EXPECT_EQ(world.shared.stats.invlpgs, 1u);
}

// A page was read; then the log makes it clean, or it goes: the write that follows must not use what was found.
TEST_F(MachineTest, WhatWentInTheMiddleIsLookedUpAgain) {
  Machine::Instruction instruction(machine);
  ASSERT_EQ(put<uint32_t>(0x5000, 1), MemoryStatus::kOk);
  memory.log_dirty(5, 1);
  machine.forget_pages();
  world.backing[5] = RING1_BACKING_CLEAN;
  ASSERT_EQ(put<uint32_t>(0x5004, 2), MemoryStatus::kOk);
  EXPECT_EQ(world.backing[5], RING1_BACKING_RAM);  // it was asked for
}

TEST_F(MachineTest, EachStoreIsTold) {
  Stores stores;
  machine.set_store_watcher(&stores);
  (void)put<uint32_t>(0x5ffe, 1);
  (void)put<uint8_t>(0x7000, 1);
  EXPECT_EQ(stores.all, (std::vector<std::pair<uint64_t, unsigned>>{{0x5ffe, 2}, {0x6000, 2}, {0x7000, 1}}));
  machine.set_store_watcher(nullptr);
  (void)put<uint8_t>(0x7000, 1);
  EXPECT_EQ(stores.all.size(), 3u);
}

TEST_F(MachineTest, DataBreakpoints) {
  breakpoint_at(0x5004, 1, 3);  // writes, four bytes
  (void)get(0x5004, &word);
  EXPECT_EQ(machine.take_breakpoints_met(), 0u);
  (void)put<uint16_t>(0x5006, 1);
  EXPECT_EQ(machine.take_breakpoints_met(), 1u);
  EXPECT_EQ(machine.take_breakpoints_met(), 0u);
  breakpoint_at(0x5004, 3, 3);  // reads and writes
  (void)get(0x5001, &word);
  EXPECT_EQ(machine.take_breakpoints_met(), 1u);
  (void)get(0x5008, &word);
  EXPECT_EQ(machine.take_breakpoints_met(), 0u);
}

TEST_F(MachineTest, FetchesAndSystemAccessesMeetNoDataBreakpoint) {
  breakpoint_at(0x5000, 3, 3);
  (void)get(0x5000, &word, Privilege::kSupervisor, Purpose::kFetch);
  (void)get(0x5000, &word, Privilege::kSupervisor, Purpose::kSystem);
  EXPECT_EQ(machine.take_breakpoints_met(), 0u);
}

TEST_F(MachineTest, AnAccessThatFaultsMeetsNoBreakpoint) {
  paging_on();
  page(0x5000, 0);
  breakpoint_at(0x5000, 3, 3);
  (void)get(0x5000, &word);
  EXPECT_EQ(machine.take_breakpoints_met(), 0u);
}

TEST_F(MachineTest, PortBreakpointsNeedCr4De) {
  breakpoint_at(0x3f8, 2, 0);
  (void)machine.port_out(0x3f8, 1, 0);
  EXPECT_EQ(machine.take_breakpoints_met(), 0u);
  cpu.cr4 |= cr4::kDe;
  (void)machine.port_out(0x3f8, 1, 0);
  EXPECT_EQ(machine.take_breakpoints_met(), 1u);
}

TEST_F(MachineTest, CpuidBySubleaf) {
  leaf(4, 1, 0, 0, 0, 0), leaf(4, 2, 0, 0, 0, 1), leaf(6, 3);
  uint32_t out[4];
  machine.cpuid(4, 1, out);
  EXPECT_EQ(out[0], 2u);
  machine.cpuid(6, 77, out);
  EXPECT_EQ(out[0], 3u);
  machine.cpuid(4, 2, out);
  EXPECT_EQ(out[0] | out[1] | out[2] | out[3], 0u);
}

TEST_F(MachineTest, CpuidBeyondTheHighestBasicLeafGivesThatOnes) {
  leaf(0, 2), leaf(2, 0x22), leaf(0x40000000, 5), leaf(0x80000000, 0x80000000);
  uint32_t out[4];
  machine.cpuid(9, 0, out);
  EXPECT_EQ(out[0], 0x22u);
  machine.cpuid(1, 0, out);
  EXPECT_EQ(out[0], 0u);
  machine.cpuid(0x80000001, 0, out);
  EXPECT_EQ(out[0], 0u);
}

TEST_F(MachineTest, CpuidFollowsCr4AndTheApic) {
  constexpr uint32_t kOsxsave = 1u << 27, kApic = 1u << 9;
  leaf(1, 0, 0, 0, kApic);
  uint32_t out[4];
  machine.cpuid(1, 0, out);
  EXPECT_EQ(out[2] & kOsxsave, 0u);
  EXPECT_EQ(out[3] & kApic, kApic);
  cpu.cr4 |= cr4::kOsxsave;
  cpu.apic_base &= ~uint64_t{0x800};
  machine.cpuid(1, 0, out);
  EXPECT_EQ(out[2] & kOsxsave, kOsxsave);
  EXPECT_EQ(out[3] & kApic, 0u);
}

TEST_F(MachineTest, HypercallsAreKvms) {
  EXPECT_FALSE(machine.takes_hypercalls());
  leaf(0x40000000, 0x40000001, 0x7263694d, 0x666f736f, 0x76482074);  // somebody else
  EXPECT_FALSE(machine.takes_hypercalls());
  leaf(0x40000100, 0x40000101, 0x4b4d564b, 0x564b4d56, 0x4d);
  EXPECT_TRUE(machine.takes_hypercalls());
}

TEST_F(MachineTest, MsrsHaveRules) {
  uint64_t value;
  EXPECT_TRUE(machine.write_msr(0x174, 0x60));
  ASSERT_TRUE(machine.read_msr(0x174, &value));
  EXPECT_EQ(value, 0x60u);
  EXPECT_FALSE(machine.write_msr(0x277, 0x0202020202020202));
  EXPECT_FALSE(machine.read_msr(0x12345678, &value));
  EXPECT_FALSE(machine.write_msr(0x12345678, 0));
  EXPECT_FALSE(machine.read_msr(0x4b564d01, &value));  // no such leaf in this CPUID
}

TEST_F(MachineTest, AmdsOldCountersAreQuiet) {
  for (uint32_t index = 0xc0010000; index < 0xc0010008; index++) {
    uint64_t value = 1;
    EXPECT_TRUE(machine.write_msr(index, 0x430076));
    ASSERT_TRUE(machine.read_msr(index, &value));
    EXPECT_EQ(value, 0u);
  }
  uint64_t value;
  EXPECT_FALSE(machine.read_msr(0xc0010008, &value));
  EXPECT_FALSE(machine.read_msr(0xc000ffff, &value));
}

TEST_F(MachineTest, MtrrMasksAreAsWideAsPhysicalAddresses) {
  EXPECT_FALSE(machine.write_msr(0x201, uint64_t{1} << 36 | 0x800));
  world.shared.config.physical_bits = 40;
  EXPECT_TRUE(machine.write_msr(0x201, uint64_t{1} << 39 | 0x800));
  EXPECT_FALSE(machine.write_msr(0x201, uint64_t{1} << 40 | 0x800));
}

TEST_F(MachineTest, TheTscIsTheProcessorsWithAnOffset) {
  uint64_t before, after;
  ASSERT_TRUE(machine.write_msr(0x10, 1'000'000));
  ASSERT_TRUE(machine.read_msr(0x10, &before));
  ASSERT_TRUE(machine.read_msr(0x10, &after));
  EXPECT_GE(before, 1'000'000u);
  EXPECT_GE(after, before);
  EXPECT_LT(after, 1'000'000u + (uint64_t{1} << 36));
}

TEST_F(MachineTest, TscAdjustMovesTheTscAlong) {
  uint64_t before, after;
  ASSERT_TRUE(machine.read_msr(0x10, &before));
  ASSERT_TRUE(machine.write_msr(0x3b, uint64_t{1} << 50));
  ASSERT_TRUE(machine.read_msr(0x10, &after));
  EXPECT_GE(after - before, uint64_t{1} << 50);
  EXPECT_LT(after - before, (uint64_t{1} << 50) + (uint64_t{1} << 40));
}

TEST_F(MachineTest, TheApicMovesWithItsBase) {
  ASSERT_TRUE(machine.write_msr(0x1b, 0xd0000900));
  ASSERT_EQ(get(0xd0000030, &word), MemoryStatus::kOk);  // version
  EXPECT_EQ(world.requests(RING1_REQUEST_EXIT), 0u);
  EXPECT_NE(word, 0u);
  ASSERT_EQ(get(0xfee00030, &word), MemoryStatus::kOk);
  EXPECT_EQ(world.requests(RING1_REQUEST_EXIT), 1u);
}

TEST_F(MachineTest, PagingOnAsksForEverythingAnew) {
  paging_on();
  const Machine::Pending pending = machine.take_pending();
  EXPECT_TRUE(pending.address_space && pending.mode && pending.tables && pending.real_registers);
  const Machine::Pending again = machine.take_pending();
  EXPECT_FALSE(again.address_space || again.mode || again.tables || again.real_registers || again.breakpoints);
}

TEST_F(MachineTest, TaskSwitchedAloneChangesNoMapping) {
  cpu.cr0 |= cr0::kTs;
  machine.cr0_written(cpu.cr0 & ~cr0::kTs);
  const Machine::Pending pending = machine.take_pending();
  EXPECT_TRUE(pending.real_registers);
  EXPECT_FALSE(pending.address_space || pending.mode || pending.tables);
}

TEST_F(MachineTest, ProtectedModeReadsTheTablesAgain) {
  cpu.cr0 |= cr0::kPe;
  machine.cr0_written(cpu.cr0 & ~cr0::kPe);
  EXPECT_TRUE(machine.take_pending().tables);
}

TEST_F(MachineTest, GlobalPagesToggledKeepTheMode) {
  paging_on();
  (void)machine.take_pending();
  cpu.cr4 |= cr4::kPge;
  machine.cr4_written(0);
  const Machine::Pending pending = machine.take_pending();
  EXPECT_TRUE(pending.address_space);
  EXPECT_FALSE(pending.mode || pending.tables);
}

TEST_F(MachineTest, OtherTablesAreAnotherMode) {
  paging_on();
  (void)machine.take_pending();
  cpu.cr4 |= cr4::kPse;
  machine.cr4_written(0);
  EXPECT_TRUE(machine.take_pending().mode);
}

TEST_F(MachineTest, Cr3IsAnotherAddressSpace) {
  paging_on();
  (void)machine.take_pending();
  machine.cr3_written();
  EXPECT_TRUE(machine.take_pending().address_space);
  EXPECT_EQ(world.shared.stats.cr3_writes, 1u);
  EXPECT_EQ(machine.failure(), nullptr);
}

TEST_F(MachineTest, ReservedBitsOfPaePointersAreTold) {
  world.write<uint64_t>(0x102000, 0x103000 | 3);  // bit 1 is reserved
  EXPECT_EQ(machine.check_paging(cr0::kPe | cr0::kPg, 0x102000, cr4::kPae), MemoryStatus::kFault);
  world.write<uint64_t>(0x102000, 0x103000 | 1);
  EXPECT_EQ(machine.check_paging(cr0::kPe | cr0::kPg, 0x102000, cr4::kPae), MemoryStatus::kOk);
}

// User space may set what no load would accept: the VM ends, and lives on once it is right.
TEST_F(MachineTest, ABadAddressSpaceIsAFailureUntilAnotherIsLoaded) {
  world.write<uint64_t>(0x102000, 0x103000 | 3);
  cpu.cr0 |= cr0::kPe | cr0::kPg, cpu.cr4 |= cr4::kPae, cpu.cr3 = 0x102000;
  machine.paging_changed();
  EXPECT_NE(machine.failure(), nullptr);
  world.write<uint64_t>(0x102000, 0x103000 | 1);
  machine.paging_changed();
  EXPECT_EQ(machine.failure(), nullptr);
}

TEST_F(MachineTest, SystemReadsHaveNoSideEffects) {
  paging_on();
  world.write<uint64_t>(0x5ffc, 0x1122334455667788);
  uint64_t value = 0;
  Gpa where;
  ASSERT_TRUE(machine.read_system(Gva(0x5ffc), &value, 8, &where));
  EXPECT_EQ(value, 0x1122334455667788u);
  EXPECT_EQ(where.raw(), 0x5000u);
  EXPECT_EQ(world.read<uint32_t>(kTable + 4 * 5) & 0x20, 0u);
  page(0x6000, 0);
  EXPECT_FALSE(machine.read_system(Gva(0x5ffc), &value, 8, &where));
  page(0x6000, 0xd0000000 | 7);
  EXPECT_FALSE(machine.read_system(Gva(0x5ffc), &value, 8, &where));
  EXPECT_EQ(world.requests(RING1_REQUEST_EXIT), 0u);
}

TEST_F(MachineTest, DescriptorPagesAreTraced) {
  machine.trace_descriptors(Gpa(0x5000), true);
  EXPECT_EQ(mmu.reasons(Gpa(0x5000)), shadowmmu::kTraceDescriptorTable);
  machine.trace_descriptors(Gpa(0x5000), false);
  EXPECT_EQ(mmu.reasons(Gpa(0x5000)), 0);
}

TEST_F(MachineTest, Cr8IsTheTaskPriority) {
  machine.write_cr8(5);
  EXPECT_EQ(machine.read_cr8(), 5u);
  ASSERT_EQ(get(0xfee00080, &word), MemoryStatus::kOk);
  EXPECT_EQ(word, 0x50u);
}

}  // namespace
}  // namespace ring1::monitor
