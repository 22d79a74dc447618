// SPDX-License-Identifier: GPL-2.0-only
// 64-bit code where the processor of the test cannot be asked: bases, canonical addresses, faults, ports, control
// registers, and what is not known there.
#include "emulator/alu.h"
#include "emulator_core_fixture.h"

namespace ring1::emulator::test {
namespace {

class LongCode : public CoreTest {
 protected:
  static constexpr uint64_t kHigh = 0xffff888000000000, kFar = 0x00007ffffffff000;

  LongCode() {
    machine.add(kHigh, 0x2000);
    machine.add(kFar, 0x1000);
  }
  void start64(const std::vector<uint8_t>& code, unsigned cpl = 0) {
    start(long64(cpl), code);
    cpu.gpr[kRsp] = kMemory / 2;
  }
};

TEST_F(LongCode, BasesOfFsAndGsAlone) {
  start64({0x64, 0x48, 0x8b, 0x04, 0x25, 0x10, 0,    0,    0,     // mov rax, fs:[0x10]
           0x65, 0x48, 0x8b, 0x0c, 0x25, 0xf8, 0xff, 0xff, 0xff,  // mov rcx, gs:[-8]
           0x3e, 0x48, 0x8b, 0x14, 0x25, 0,    0x20, 0,    0});   // mov rdx, ds:[0x2000]
  cpu.seg[kFs].base = kHigh;
  cpu.seg[kGs].base = kHigh + 0x1000;
  cpu.seg[kDs].base = 0x1000, cpu.seg[kDs].limit = 0, cpu.seg[kDs].access |= RING1_AR_UNUSABLE;
  machine.set<uint64_t>(kHigh + 0x10, 0x1122334455667788);
  machine.set<uint64_t>(kHigh + 0xff8, 0x99aabbccddeeff00);
  machine.set<uint64_t>(0x2000, 0x0102030405060708);
  ok(), ok(), ok();
  EXPECT_EQ(cpu.gpr[kRax], 0x1122334455667788u);
  EXPECT_EQ(cpu.gpr[kRcx], 0x99aabbccddeeff00u);
  EXPECT_EQ(cpu.gpr[kRdx], 0x0102030405060708u);
}

TEST_F(LongCode, CodeAtHighAddresses) {
  start64({});
  machine.put(kHigh + 0xffd, {0x48, 0x8b, 0x05, 0x00, 0x01, 0x00, 0x00});  // mov rax, [rip+0x100], across a page
  machine.set<uint64_t>(kHigh + 0x1104, 0x1234567890);
  cpu.rip = kHigh + 0xffd;
  cpu.seg[kCs].limit = 0;  // means nothing
  ok();
  EXPECT_EQ(cpu.gpr[kRax], 0x1234567890u);
  EXPECT_EQ(cpu.rip, kHigh + 0x1004);
}

TEST_F(LongCode, AddressesThatAreNotCanonical) {
  for (uint64_t address :
       {uint64_t{0x0000800000000000}, uint64_t{0x00007ffffffffffc}, uint64_t{0xffff7fffffffffff}, ~uint64_t{0} - 2}) {
    start64({0x48, 0x89, 0x03});  // mov [rbx], rax
    cpu.gpr[kRbx] = address;
    faults(Vector::kGp);
    start64({0x48, 0x89, 0x45, 0x00});  // mov [rbp], rax: the stack segment's
    cpu.gpr[kRbp] = address;
    faults(Vector::kSs);
    start64({0x48, 0xff, 0xe3});  // jmp rbx
    cpu.gpr[kRbx] = address;
    if (address != 0x00007ffffffffffc && address != ~uint64_t{0} - 2) faults(Vector::kGp);
  }
  start64({0x50});  // push rax
  cpu.gpr[kRsp] = 0x0000800000000008;
  faults(Vector::kSs);
  cpu.cr4 |= cr4::kLa57;
  ASSERT_EQ(go(), Outcome::kFault);
  EXPECT_EQ(fault.vector, Vector::kPf);
}

TEST_F(LongCode, PageFaultsTellAll64Bits) {
  start64({0x48, 0x01, 0x03}, 3);  // add [rbx], rax
  cpu.gpr[kRbx] = kHigh + 0x5000;
  faults(Vector::kPf, page_fault::kWrite | page_fault::kUser);
  EXPECT_EQ(fault.cr2, kHigh + 0x5000);
}

TEST_F(LongCode, StackMovesByEightBytes) {
  start64({0x41, 0x57, 0x66, 0x50, 0x6a, 0xff, 0x41, 0x58, 0x9c});  // push r15; push ax; push -1; pop r8; pushfq
  cpu.gpr[kRsp] = kHigh + 0x800;
  cpu.seg[kSs].access &= ~RING1_AR_DB;
  cpu.gpr[15] = 0xfedcba9876543210;
  ok(), ok();
  EXPECT_EQ(cpu.gpr[kRsp], kHigh + 0x800 - 10);
  EXPECT_EQ(machine.get<uint64_t>(kHigh + 0x7f8), 0xfedcba9876543210u);
  ok(), ok();
  EXPECT_EQ(cpu.gpr[8], ~uint64_t{0});
  ok();
  EXPECT_EQ(machine.get<uint64_t>(cpu.gpr[kRsp]), cpu.rflags);
}

TEST_F(LongCode, StringsKeepTheirProgressAtAFault) {
  start64({0xf3, 0x48, 0xab});  // rep stosq
  cpu.gpr[kRdi] = kHigh + 0x1ff0;
  cpu.gpr[kRcx] = 4;
  cpu.gpr[kRax] = 0x8877665544332211;
  ASSERT_EQ(go(), Outcome::kFault);
  EXPECT_EQ(fault.cr2, kHigh + 0x2000);
  EXPECT_EQ(cpu.gpr[kRcx], 2u);
  EXPECT_EQ(cpu.gpr[kRdi], kHigh + 0x2000);
  EXPECT_EQ(machine.get<uint64_t>(kHigh + 0x1ff8), 0x8877665544332211u);
}

TEST_F(LongCode, PortsHaveFourBytesAtMost) {
  start64({0x48, 0xed, 0x48, 0x6f, 0x48, 0xe7, 0x10});  // in rax, dx; outsq (both of a doubleword); out 0x10, rax
  cpu.gpr[kRdx] = 0x60;
  cpu.gpr[kRax] = ~uint64_t{0};
  cpu.gpr[kRsi] = kHigh;
  machine.ports[0x60] = 0x12345678;
  machine.set<uint64_t>(kHigh, 0xaaaaaaaabbbbbbbb);
  ok();
  EXPECT_EQ(cpu.gpr[kRax], 0x12345678u);
  ok();
  EXPECT_EQ(cpu.gpr[kRsi], kHigh + 4);
  ok();
  ASSERT_EQ(machine.outs.size(), 2u);
  EXPECT_EQ(machine.outs[0].size, 4u);
  EXPECT_EQ(machine.outs[0].value, 0xbbbbbbbbu);
  EXPECT_EQ(machine.outs[1].size, 4u);
}

TEST_F(LongCode, PortsAskTheTssAboveFourGigabytes) {
  start64({0xe4, 0x21, 0xe4, 0x22}, 3);  // in al, 0x21; in al, 0x22
  cpu.tr = {kHigh, 0x200, RING1_AR_P | 0xb, 0x28, {}};
  machine.set<uint16_t>(kHigh + 0x66, 0x68);
  machine.set<uint16_t>(kHigh + 0x68 + 4, 1 << 2);
  ok();
  faults(Vector::kGp);
}

TEST_F(LongCode, SystemRegisters) {
  start64({0x0f, 0x22, 0xd0, 0x0f, 0x20, 0xd3, 0x44, 0x0f, 0x22, 0xc0, 0x0f, 0x23, 0xc8, 0x0f, 0x21, 0xc9});
  cpu.gpr[kRax] = 0x0000123456789000;  // mov cr2, rax; mov rbx, cr2; mov cr8, rax; mov dr1, rax; mov rcx, dr1
  ok(), ok();
  EXPECT_EQ(cpu.cr2, 0x0000123456789000u);
  EXPECT_EQ(cpu.gpr[kRbx], 0x0000123456789000u);
  faults(Vector::kGp);  // CR8 has four bits
  cpu.gpr[kRax] = 9;
  ok();
  EXPECT_EQ(cpu.cr8, 9u);
  cpu.gpr[kRax] = kHigh;
  ok(), ok();
  EXPECT_EQ(cpu.gpr[kRcx], kHigh);
  start64({0x0f, 0x23, 0xf8});  // mov dr7, rax
  cpu.gpr[kRax] = uint64_t{1} << 32 | 0x400;
  faults(Vector::kGp);
}

TEST_F(LongCode, LongModeStaysWhilePagingDoes) {
  start64({0x0f, 0x22, 0xc0});  // mov cr0, rax
  cpu.gpr[kRax] = cpu.cr0 & ~cr0::kPg;
  faults(Vector::kGp);
  cpu.gpr[kRax] = cpu.cr0 | uint64_t{1} << 32;
  faults(Vector::kGp);
  cpu.gpr[kRax] = cpu.cr0 | cr0::kWp;
  ok();
  EXPECT_TRUE(cpu.cr0 & cr0::kWp);
  start64({0x0f, 0x22, 0xe0});  // mov cr4, rax
  cpu.gpr[kRax] = 0;
  faults(Vector::kGp);
}

TEST_F(LongCode, PagingSwitchesLongModeFromCompatibilityMode) {
  start(protected32(), {0x0f, 0x22, 0xc0, 0x0f, 0x22, 0xc1});  // mov cr0, eax; mov cr0, ecx
  cpu.efer = efer::kLme;
  cpu.cr4 = cr4::kPae;
  cpu.gpr[kRax] = cpu.cr0 | cr0::kPg;
  cpu.gpr[kRcx] = cpu.cr0;
  ok();
  EXPECT_TRUE(cpu.efer & efer::kLma);
  ok();
  EXPECT_FALSE(cpu.efer & efer::kLma);
  cpu.rip = kCodeOffset;
  cpu.cr4 = 0;
  faults(Vector::kGp);
  cpu.cr4 = cr4::kPae;
  cpu.seg[kCs].access |= RING1_AR_L;
  faults(Vector::kGp);
}

TEST_F(LongCode, CompatibilityModeHas32BitAddresses) {
  start(protected32(), {0x89, 0x03});  // mov [ebx], eax
  cpu.cr0 |= cr0::kPg;
  cpu.efer = efer::kLme | efer::kLma;
  cpu.seg[kDs].base = 0xffffff00;
  cpu.gpr[kRbx] = 0x1100;
  cpu.gpr[kRax] = 0x5a5a5a5a;
  ok();
  EXPECT_EQ(machine.get<uint32_t>(0x1000), 0x5a5a5a5au);
}

// Descriptors of long mode are not known: rather nothing than something wrong.
TEST_F(LongCode, UnknownInLongMode) {
  const std::vector<std::vector<uint8_t>> codes = {{0xcd, 0x80},
                                                   {0xcc},
                                                   {0x48, 0xcf},
                                                   {0x0f, 0x05},
                                                   {0x48, 0x0f, 0x07},
                                                   {0x0f, 0x34},
                                                   {0x0f, 0x35},
                                                   {0xcb},
                                                   {0xff, 0x2b},
                                                   {0xff, 0x1b},
                                                   {0x8e, 0xd8},
                                                   {0x0f, 0xa1},
                                                   {0x0f, 0xb2, 0x03},
                                                   {0x0f, 0x01, 0x13},
                                                   {0x0f, 0x01, 0x1b},
                                                   {0x0f, 0x01, 0x03},
                                                   {0x0f, 0x00, 0xd0},
                                                   {0x0f, 0x00, 0xd8},
                                                   {0x0f, 0x00, 0xc0},
                                                   {0x0f, 0x02, 0xc1},
                                                   {0x0f, 0x01, 0xf8},
                                                   {0xc8, 0, 0, 0},
                                                   {0x48, 0x0f, 0xc7, 0x0b},
                                                   {0x0f, 0x28, 0x03}};
  for (const std::vector<uint8_t>& code : codes) {
    start64(code);
    cpu.gpr[kRbx] = 0x2000;
    const ring1_cpu_state before = cpu;
    EXPECT_EQ(go(), Outcome::kUnsupported) << std::hex << int(code[0]) << " " << int(code.size() > 1 ? code[1] : 0);
    EXPECT_EQ(memcmp(&before, &cpu, sizeof cpu), 0);
  }
  cpu = long64();
  EXPECT_EQ(deliver(cpu, machine, Event{3}), Outcome::kUnsupported);
}

TEST_F(LongCode, NoLongerInstructions) {
  for (uint8_t opcode : {0x06, 0x27, 0x37, 0x60, 0x61, 0x62, 0x9a, 0xce, 0xd4, 0xd6, 0xea}) {
    start64({opcode, 0, 0, 0, 0, 0, 0});
    faults(Vector::kUd);
  }
}

TEST_F(LongCode, MsrAndInvlpg) {
  start64({0x0f, 0x30, 0x0f, 0x32, 0x0f, 0x01, 0x3b});  // wrmsr; rdmsr; invlpg [rbx]
  cpu.gpr[kRcx] = 0xffffffff00000000 | 0xc0000100;
  cpu.gpr[kRax] = 0xffffffff12345678;
  cpu.gpr[kRdx] = 0xffffffff00007fff;
  cpu.gpr[kRbx] = 0x0000900000000000;
  ok(), ok(), ok();
  EXPECT_EQ(machine.msrs[0xc0000100], 0x00007fff12345678u);
  EXPECT_EQ(cpu.gpr[kRax], 0x12345678u);
  EXPECT_EQ(cpu.gpr[kRdx], 0x7fffu);
}

TEST(LongAlu, CarriesOfTheTopBit) {
  constexpr uint64_t kTop = uint64_t{1} << 63, kAllOnes = ~uint64_t{0};
  EXPECT_EQ(add(kAllOnes, 0, 1, 8).flags & (eflags::kCf | eflags::kZf | eflags::kOf), eflags::kCf | eflags::kZf);
  EXPECT_EQ(add(kAllOnes, kAllOnes, 1, 8).value, kAllOnes);
  EXPECT_EQ(add(kTop, kTop, 0, 8).flags & (eflags::kCf | eflags::kOf), eflags::kCf | eflags::kOf);
  EXPECT_EQ(subtract(0, kAllOnes, 1, 8).flags & (eflags::kCf | eflags::kZf), eflags::kCf | eflags::kZf);
  EXPECT_EQ(subtract(kTop, 1, 0, 8).flags & (eflags::kCf | eflags::kOf), eflags::kOf);
}

}  // namespace
}  // namespace ring1::emulator::test
