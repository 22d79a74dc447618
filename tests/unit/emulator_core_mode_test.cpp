// SPDX-License-Identifier: GPL-2.0-only
// 16-bit code: real mode, virtual-8086 mode and 16-bit protected segments.
#include "emulator/decode_cache.h"
#include "emulator_core_fixture.h"

namespace ring1::emulator::test {
namespace {

class Mode : public CoreTest {};

// Every 16-bit addressing form, with the segment it takes (SDM 2A table 2-1).
TEST_F(Mode, SixteenBitAddresses) {
  const uint32_t ds = 0x2000, ss = 0x3000;
  const struct {
    uint8_t modrm;
    uint32_t linear;  // with BX=100 BP=200 SI=10 DI=20
  } cases[] = {
      {0x00, ds + 0x110}, {0x01, ds + 0x120}, {0x02, ss + 0x210},  {0x03, ss + 0x220},
      {0x04, ds + 0x10},  {0x05, ds + 0x20},  {0x06, ds + 0x5678}, {0x07, ds + 0x100},
      {0x40, ds + 0x10e}, {0x42, ss + 0x20e}, {0x46, ss + 0x1fe},  {0x86, ss + 0x5878},
  };
  for (const auto& entry : cases) {
    ring1_cpu_state state = real(kSegment);
    state.seg[kDs].base = ds;
    state.seg[kSs].base = ss;
    state.gpr[kRbx] = 0x100, state.gpr[kRbp] = 0x200, state.gpr[kRsi] = 0x10, state.gpr[kRdi] = 0x20;
    std::vector<uint8_t> code{0x8a, entry.modrm};  // mov al, [...]
    const uint8_t mod = entry.modrm >> 6;
    if (mod == 1) code.push_back(0xfe);
    if (mod == 2 || entry.modrm == 6) code.insert(code.end(), {0x78, 0x56});
    start(state, code);
    machine.set<uint8_t>(entry.linear, 0x5a);
    ok();
    EXPECT_EQ(cpu.gpr[kRax], 0x5au) << std::hex << int(entry.modrm);
    EXPECT_EQ(cpu.rip, kCodeOffset + code.size());
    machine.set<uint8_t>(entry.linear, 0);
  }
}

TEST_F(Mode, AddressesWrapAt64K) {
  ring1_cpu_state state = real(kSegment);
  state.gpr[kRbx] = 0xffff, state.gpr[kRsi] = 0x12;
  start(state, {0x8a, 0x00});
  machine.set<uint8_t>(kSegment + 0x11, 0x77);
  ok();
  EXPECT_EQ(cpu.gpr[kRax], 0x77u);
}

TEST_F(Mode, WordAtTheEndOfTheSegmentFaults) {
  ring1_cpu_state state = real(kSegment);
  state.gpr[kRbx] = 0xffff;
  start(state, {0x8b, 0x07});  // mov ax, [bx]
  faults(Vector::kGp);
  start(state, {0x36, 0x8b, 0x07});  // mov ax, ss:[bx]
  faults(Vector::kSs);
}

TEST_F(Mode, ThirtyTwoBitOperandsAndAddressesInRealMode) {
  ring1_cpu_state state = real(kSegment);
  state.gpr[kRcx] = 0x300;
  start(state, {0x66, 0x67, 0x8b, 0x41, 0x04});  // mov eax, [ecx+4]
  machine.set<uint32_t>(kSegment + 0x304, 0xdeadbeef);
  ok();
  EXPECT_EQ(cpu.gpr[kRax], 0xdeadbeefu);
  cpu.gpr[kRcx] = 0x12345678;  // beyond the 64 KiB limit
  cpu.rip = kCodeOffset;
  faults(Vector::kGp);
}

// A loop that sums an array, with a subroutine: 16-bit stack, SP wraps within SS.
TEST_F(Mode, ProgramInRealMode) {
  ring1_cpu_state state = real(kSegment);
  state.gpr[kRsp] = 0xabcd0000;  // the first push goes to FFFE, the upper half stays
  start(state, {
                   0xb9, 0x04, 0x00,              // mov cx, 4
                   0xbe, 0x00, 0x02,              // mov si, 0x200
                   0x31, 0xc0,                    // xor ax, ax
                   0xe8, 0x03, 0x00,              // again: call add
                   0xe2, 0xfb,                    // loop again
                   0xf4,                          // hlt
                   0x03, 0x04, 0x46, 0x46, 0xc3,  // add: add ax, [si]; inc si; inc si; ret
               });
  for (uint16_t i = 0; i < 4; ++i) machine.set<uint16_t>(kSegment + 0x200 + 2 * i, 100 + i);
  Outcome outcome;
  unsigned steps = 0;
  while ((outcome = go()) == Outcome::kDone && ++steps < 100) {}
  EXPECT_EQ(outcome, Outcome::kHalt);
  EXPECT_EQ(cpu.gpr[kRax], 406u);
  EXPECT_EQ(cpu.gpr[kRsp], 0xabcd0000u);
  EXPECT_EQ(cpu.rip, kCodeOffset + 14u);
  EXPECT_EQ(machine.get<uint16_t>(kSegment + 0xfffe), kCodeOffset + 11);
}

TEST_F(Mode, InterruptAndReturnInRealMode) {
  ring1_cpu_state state = real(kSegment);
  state.gpr[kRsp] = 0x800;
  state.rflags |= eflags::kIf | eflags::kCf;
  start(state, {0xcd, 0x21});
  machine.set<uint32_t>(0x21 * 4, 0x02000040);  // 0200:0040
  machine.put(0x2040, {0xcf});                  // iret
  ok();
  EXPECT_EQ(cpu.rip, 0x40u);
  EXPECT_EQ(cpu.seg[kCs].base, 0x2000u);
  EXPECT_FALSE(cpu.rflags & eflags::kIf);
  EXPECT_EQ(machine.get<uint16_t>(kSegment + 0x7fa), kCodeOffset + 2);
  ok();
  EXPECT_EQ(cpu.rip, kCodeOffset + 2u);
  EXPECT_EQ(cpu.rflags, state.rflags);
  EXPECT_EQ(cpu.gpr[kRsp], 0x800u);
}

TEST_F(Mode, FarJumpAndSegmentLoadInRealMode) {
  start(real(kSegment), {0xb8, 0x34, 0x02, 0x8e, 0xd8, 0xea, 0x10, 0x00, 0x00, 0x02});
  ok();
  ok();
  EXPECT_EQ(cpu.seg[kDs].base, 0x2340u);
  ok();
  EXPECT_EQ(cpu.seg[kCs].base, 0x2000u);
  EXPECT_EQ(cpu.rip, 0x10u);
}

TEST_F(Mode, ProtectedInstructionsAreUndefinedOutsideProtectedMode) {
  const std::vector<std::vector<uint8_t>> all{{0x0f, 0x00, 0xd0}, {0x0f, 0x00, 0xc0}, {0x0f, 0x02, 0xc0}, {0x63, 0xc0}};
  for (const auto& code : all) {
    start(real(kSegment), code);  // lldt, sldt, lar, arpl
    faults(Vector::kUd);
    start(vm86(kSegment, 3), code);
    faults(Vector::kUd);
  }
}

// SDM 3B 20.2.7: CLI STI PUSHF POPF INT n IRET need IOPL 3; everything else privileged faults whatever IOPL
// is.
TEST_F(Mode, Virtual8086Iopl) {
  const std::vector<std::vector<uint8_t>> sensitive{{0xfa}, {0xfb}, {0x9c}, {0x9d}, {0xcd, 0x21}, {0xcf}};
  for (const auto& code : sensitive) {
    start(vm86(kSegment, 2), code);
    cpu.gpr[kRsp] = 0x800;
    faults(Vector::kGp);
  }
  for (unsigned iopl : {0, 3}) {
    start(vm86(kSegment, iopl), {0xf4});
    faults(Vector::kGp);
    start(vm86(kSegment, iopl), {0x0f, 0x01, 0x17});  // lgdt [bx]
    faults(Vector::kGp);
  }
}

TEST_F(Mode, Virtual8086WithIopl3) {
  start(vm86(kSegment, 3), {0xfb, 0x9c, 0x58, 0xfa, 0x50, 0x9d});
  cpu.gpr[kRsp] = 0x800;
  ok();
  EXPECT_TRUE(cpu.rflags & eflags::kIf);
  EXPECT_EQ(cpu.shadow, RING1_SHADOW_STI);
  ok();
  EXPECT_EQ(cpu.shadow, 0);
  ok();
  EXPECT_EQ(cpu.gpr[kRax], 0x3202u);
  ok();
  EXPECT_FALSE(cpu.rflags & eflags::kIf);
  cpu.gpr[kRax] = 0x0ed7;  // IOPL 0 in the image
  ok();
  ok();
  EXPECT_EQ(cpu.rflags, 0x0ed7u | 3u << eflags::kIoplShift | eflags::kVm);
}

TEST_F(Mode, SegmentLoadInVirtual8086Mode) {
  start(vm86(kSegment, 0), {0x8e, 0xd8});
  cpu.gpr[kRax] = 0x1234;
  ok();
  EXPECT_EQ(cpu.seg[kDs].base, 0x12340u);
  EXPECT_EQ(cpu.seg[kDs].limit, 0xffffu);
}

TEST_F(Mode, OperandSizePrefixIn16BitProtectedMode) {
  start(protected16(kSegment), {0x66, 0xb8, 0x78, 0x56, 0x34, 0x12, 0x66, 0x50, 0x59});
  cpu.gpr[kRsp] = 0x800;
  ok();
  EXPECT_EQ(cpu.gpr[kRax], 0x12345678u);
  ok();
  EXPECT_EQ(cpu.gpr[kRsp], 0x7fcu);
  ok();
  EXPECT_EQ(cpu.gpr[kRcx], 0x5678u);
}

// The cache believes bytes, not addresses, and keeps the modes apart.
TEST_F(Mode, DecodeCache) {
  DecodeCache cache;
  const auto run = [&](const ring1_cpu_state& state, const std::vector<uint8_t>& code) {
    start(state, code);
    EXPECT_EQ(step(cpu, machine, &fault, 1, &cache), Outcome::kDone);
    return cpu.gpr[kRax];
  };
  const std::vector<uint8_t> immediate{0xb8, 1, 2, 3, 4}, other{0xb8, 5, 6, 7, 8}, prefixed{0x66, 0xb8, 1, 2, 3, 4};
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(run(protected32(), immediate), 0x04030201u);
    EXPECT_EQ(run(protected32(), immediate), 0x04030201u);
    EXPECT_EQ(run(protected32(), other), 0x08070605u);
    EXPECT_EQ(run(protected16(0), other), 0x0605u);
    EXPECT_EQ(run(real(0), prefixed), 0x04030201u);
    EXPECT_EQ(run(protected32(), prefixed), 0x0201u);
  }
  start(protected32(), immediate);
  EXPECT_EQ(step(cpu, machine, &fault, 1, &cache), Outcome::kDone);
  cpu.rip = kCodeOffset;
  cpu.seg[kCs].limit = kCodeOffset + 3;
  EXPECT_EQ(step(cpu, machine, &fault, 1, &cache), Outcome::kFault);
  EXPECT_EQ(fault.vector, Vector::kGp);
}

// The moment after CR0.PE is set: CS is still a 16-bit real-mode segment.
TEST_F(Mode, EnteringProtectedMode) {
  start(real(kSegment), {0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0, 0x90});
  for (int i = 0; i < 4; ++i) ok();
  EXPECT_TRUE(cpu.cr0 & cr0::kPe);
}

TEST_F(Mode, NearBranchesCutTheTargetTo16Bits) {
  start(real(kSegment), {0x66, 0xff, 0xe0});  // jmp eax
  cpu.gpr[kRax] = 0x10200;
  faults(Vector::kGp);
  cpu.gpr[kRax] = 0x200;
  ok();
  EXPECT_EQ(cpu.rip, 0x200u);
  start(real(kSegment), {0xe9, 0x00, 0xf0});  // backwards across 0
  ok();
  EXPECT_EQ(cpu.rip, 0xf103u);
}

}  // namespace
}  // namespace ring1::emulator::test
