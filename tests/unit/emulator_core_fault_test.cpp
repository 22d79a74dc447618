// SPDX-License-Identifier: GPL-2.0-only
// Faults leave the processor as it was; checks of segments, privileges, prefixes and lengths.
#include <Zydis/Zydis.h>

#include <algorithm>

#include "emulator_core_fixture.h"

namespace ring1::emulator::test {
namespace {

class FaultTest : public CoreTest {};

constexpr uint32_t kUnmapped = 0x40000, kReadOnly = 0x30000;

TEST_F(FaultTest, PageFaultTellsReadFromWrite) {
  using namespace page_fault;
  machine.add(kReadOnly, 0x1000, false);
  const struct {
    std::vector<uint8_t> code;
    uint32_t address, error;
  } cases[] = {
      {{0x8b, 0x03}, kUnmapped, 0},                        // mov eax, [ebx]
      {{0x89, 0x03}, kUnmapped, kWrite},                   // mov [ebx], eax
      {{0x01, 0x03}, kUnmapped, kWrite},                   // add [ebx], eax
      {{0x01, 0x03}, kReadOnly, kWrite | kPresent},        // reads, but may not write
      {{0x0f, 0xab, 0x03}, kUnmapped, kWrite},             // bts [ebx], eax
      {{0x0f, 0xa3, 0x03}, kUnmapped, 0},                  // bt [ebx], eax
      {{0xff, 0x33}, kUnmapped, 0},                        // push [ebx]
      {{0x8f, 0x03}, kUnmapped, kWrite},                   // pop [ebx]
      {{0x0f, 0xb1, 0x03}, kReadOnly, kWrite | kPresent},  // cmpxchg [ebx], eax
      {{0x0f, 0xc7, 0x0b}, kUnmapped, kWrite},             // cmpxchg8b [ebx]
      {{0x87, 0x03}, kReadOnly, kWrite | kPresent},        // xchg
      {{0xff, 0x13}, kUnmapped, 0},                        // call [ebx]
  };
  for (unsigned cpl : {0, 3}) {
    for (const auto& entry : cases) {
      start(protected32(cpl), entry.code);
      cpu.gpr[kRbx] = entry.address;
      cpu.gpr[kRsp] = 0x2000;
      faults(Vector::kPf, entry.error | (cpl == 3 ? kUser : 0));
      EXPECT_EQ(fault.cr2, entry.address);
    }
  }
}

TEST_F(FaultTest, StackFaultsLeaveEspAlone) {
  const std::vector<std::vector<uint8_t>> all{
      {0x50}, {0x58}, {0x60}, {0x61}, {0x9c}, {0x9d}, {0xc3}, {0xe8, 0, 0, 0, 0}, {0xc8, 4, 0, 3}};
  for (const auto& code : all) {
    start(protected32(), code);
    cpu.gpr[kRsp] = cpu.gpr[kRbp] = kUnmapped + 8;
    const ring1_cpu_state before = cpu;
    ASSERT_EQ(go(), Outcome::kFault);
    EXPECT_EQ(fault.vector, Vector::kPf);
    EXPECT_EQ(memcmp(&before, &cpu, sizeof cpu), 0) << int(code[0]);
  }
}

// PUSHA across the end of memory writes nothing.
TEST_F(FaultTest, PushaIsAllOrNothing) {
  machine.add(kUnmapped, 0x1000);
  start(protected32(), {0x60});
  cpu.gpr[kRsp] = kUnmapped + 16;
  cpu.gpr[kRax] = 0x11111111;
  faults(Vector::kPf, page_fault::kWrite);
  EXPECT_EQ(machine.writes, 0u);
}

TEST_F(FaultTest, SegmentLimitsAndTypes) {
  ring1_cpu_state state = protected32();
  state.seg[kDs].limit = 0x1fff;
  state.gpr[kRbx] = 0x1ffc;
  start(state, {0x8b, 0x03});
  ok();
  cpu.rip = kCodeOffset;
  cpu.gpr[kRbx] = 0x1ffd;
  faults(Vector::kGp);

  cpu.seg[kDs].access &= ~RING1_AR_WRITABLE;
  cpu.gpr[kRbx] = 0x1000;
  start(cpu, {0x89, 0x03});
  faults(Vector::kGp);
  start(cpu, {0x8b, 0x03});
  ok();

  cpu.seg[kDs].access |= RING1_AR_UNUSABLE;
  start(cpu, {0x8b, 0x03});
  faults(Vector::kGp);

  start(cpu, {0x2e, 0x89, 0x03});  // mov cs:[ebx], eax
  faults(Vector::kGp);
  start(cpu, {0x2e, 0x8b, 0x03});
  ok();
  cpu.seg[kCs].access &= ~RING1_AR_WRITABLE;  // execute-only
  start(cpu, {0x2e, 0x8b, 0x03});
  faults(Vector::kGp);
}

TEST_F(FaultTest, ExpandDownSegments) {
  ring1_cpu_state state = protected32();
  state.seg[kSs].access |= RING1_AR_DOWN;
  state.seg[kSs].limit = 0xfff;
  state.gpr[kRsp] = 0x1004;
  start(state, {0x50, 0x50});
  ok();
  faults(Vector::kSs);
  cpu.seg[kSs].access &= ~RING1_AR_DB;  // the top is FFFF now
  start(cpu, {0x36, 0x8b, 0x03});
  cpu.gpr[kRbx] = 0xfffc;
  ok();
  cpu.rip = kCodeOffset;
  cpu.gpr[kRbx] = 0xfffd;
  faults(Vector::kSs);
}

TEST_F(FaultTest, AlignmentCheck) {
  ring1_cpu_state state = protected32(3);
  state.cr0 |= cr0::kAm;
  state.rflags |= eflags::kAc;
  state.gpr[kRbx] = 0x2001;
  start(state, {0x8b, 0x03});
  faults(Vector::kAc);
  cpu.rflags &= ~uint64_t{eflags::kAc};
  ok();
}

TEST_F(FaultTest, PrivilegedInstructions) {
  const std::vector<std::vector<uint8_t>> all{{0xf4},
                                              {0x0f, 0x06},
                                              {0x0f, 0x09},
                                              {0x0f, 0x30},
                                              {0x0f, 0x32},
                                              {0x0f, 0x01, 0x10},
                                              {0x0f, 0x01, 0x38},
                                              {0x0f, 0x22, 0xc0},
                                              {0x0f, 0x20, 0xc0},
                                              {0x0f, 0x21, 0xc0},
                                              {0xfa},
                                              {0xfb},
                                              {0xe4, 0x60},
                                              {0xee}};
  for (unsigned cpl : {1, 3}) {
    for (const auto& code : all) {
      start(protected32(cpl), code);
      faults(Vector::kGp);
    }
  }
}

TEST_F(FaultTest, LockNeedsAMemoryDestination) {
  const std::vector<std::vector<uint8_t>> bad{
      {0xf0, 0x90},       {0xf0, 0x01, 0xc0},       {0xf0, 0x03, 0x03}, {0xf0, 0x39, 0x03}, {0xf0, 0x8b, 0x03},
      {0xf0, 0x89, 0x03}, {0xf0, 0x0f, 0xa3, 0x03}, {0xf0, 0xfa},       {0xf0, 0x50}};
  for (const auto& code : bad) {
    start(protected32(), code);
    faults(Vector::kUd);
  }
  start(protected32(), {0xf0, 0x01, 0x03});
  cpu.gpr[kRbx] = 0x2000;
  ok();
}

TEST_F(FaultTest, InvalidOpcodes) {
  const std::vector<std::vector<uint8_t>> all{{0x0f, 0x0b},       {0x0f, 0xff, 0xc0}, {0x0f, 0xb9, 0xc0}, {0x8e, 0xc8},
                                              {0x0f, 0x01, 0xc1}, {0xc4, 0xc0},       {0x8d, 0xc0},       {0xff, 0xf8}};
  for (const auto& code : all) {
    start(protected32(), code);
    faults(Vector::kUd);
  }
}

// What the guest's CPUID or its CR4 does not offer is undefined, and never "cannot be emulated".
TEST_F(FaultTest, WhatIsNotOffered) {
  const std::vector<std::vector<uint8_t>> all{
      {0x0f, 0x37},                    // getsec
      {0x0f, 0x01, 0xca},              // clac
      {0x0f, 0x01, 0xcb},              // stac
      {0x0f, 0x01, 0xf9},              // rdtscp
      {0x0f, 0x01, 0xd0},              // xgetbv
      {0x0f, 0x01, 0xd1},              // xsetbv
      {0x0f, 0x01, 0xd4},              // vmfunc
      {0x0f, 0x01, 0xd5},              // xend
      {0x0f, 0x01, 0xd6},              // xtest
      {0x0f, 0x01, 0xde},              // skinit
      {0x0f, 0x01, 0xdf},              // invlpga
      {0x0f, 0x01, 0xee},              // rdpkru
      {0x0f, 0x01, 0xef},              // wrpkru
      {0x0f, 0x01, 0xfa},              // monitorx
      {0x0f, 0x01, 0xfb},              // mwaitx
      {0x0f, 0x01, 0xfc},              // clzero
      {0x0f, 0x01, 0xfd},              // rdpru
      {0x0f, 0x01, 0xc5},              // pconfig
      {0x0f, 0x01, 0xcf},              // encls
      {0x0f, 0x01, 0xd7},              // enclu
      {0x0f, 0x01, 0xc0},              // enclv
      {0x0f, 0xae, 0x20},              // xsave
      {0x0f, 0xae, 0x28},              // xrstor
      {0x0f, 0xae, 0x30},              // xsaveopt
      {0x0f, 0xc7, 0x20},              // xsavec
      {0x0f, 0xc7, 0x28},              // xsaves
      {0x0f, 0xc7, 0x18},              // xrstors
      {0x66, 0x0f, 0x38, 0x80, 0x08},  // invept
      {0x66, 0x0f, 0x38, 0x81, 0x08},  // invvpid
      {0x66, 0x0f, 0x38, 0x82, 0x08},  // invpcid
      {0xf3, 0x0f, 0xc7, 0xf8},        // rdpid
      {0xc6, 0xf8, 0x00},              // xabort
      {0xc7, 0xf8, 0, 0, 0, 0},        // xbegin
  };
  for (const auto& code : all) {
    SCOPED_TRACE(testing::PrintToString(code));
    start(protected32(), code);
    faults(Vector::kUd);
  }
}

// KVM: Documentation/virt/kvm/x86/hypercalls.rst; without KVM in CPUID both are undefined.
TEST_F(FaultTest, Hypercalls) {
  for (const uint8_t last : {uint8_t{0xc1}, uint8_t{0xd9}}) {  // VMCALL, VMMCALL
    const auto answer = [&](uint64_t number, unsigned cpl) {
      start(protected32(cpl), {0x0f, 0x01, last});
      cpu.gpr[kRax] = number;
      ok();
      return cpu.gpr[kRax];
    };
    machine.hypercalls = true;
    EXPECT_EQ(answer(1, 0), 0u);
    EXPECT_EQ(answer(9, 0), static_cast<uint32_t>(-1000));
    EXPECT_EQ(answer(1, 3), static_cast<uint32_t>(-1));
    machine.hypercalls = false;
    start(protected32(), {0x0f, 0x01, last});
    faults(Vector::kUd);
  }
}

TEST_F(FaultTest, CodeSegmentLimitAndLength) {
  start(protected32(), {0xb8, 1, 2, 3, 4});
  cpu.seg[kCs].limit = kCodeOffset + 3;
  faults(Vector::kGp);
  cpu.seg[kCs].limit = kCodeOffset + 4;
  ok();
  faults(Vector::kGp);  // nothing left

  std::vector<uint8_t> prefixes(14, 0x3e);
  prefixes.push_back(0x90);
  start(protected32(), prefixes);
  ok();
  prefixes.insert(prefixes.begin(), 0x3e);
  start(protected32(), prefixes);
  faults(Vector::kGp);
}

// The page behind an instruction is not touched unless the instruction reaches it.
TEST_F(FaultTest, FetchAcrossPages) {
  start(protected32(), {});
  machine.put(kMemory - 3, {0x90, 0x40, 0xb8});
  cpu.rip = kMemory - 3;
  ok();
  ok();
  EXPECT_EQ(cpu.gpr[kRax], 1u);
  faults(Vector::kPf, page_fault::kFetch);
  EXPECT_EQ(fault.cr2, kMemory);
  machine.add(kMemory, 0x1000);
  machine.put(kMemory, {4, 3, 2, 1});
  ok();
  EXPECT_EQ(cpu.gpr[kRax], 0x01020304u);
}

TEST_F(FaultTest, FlatSegmentsWrapAt4G) {
  machine.add(0xfffff000u, 0x1000);
  start(protected32(), {0x89, 0x03, 0x8b, 0x0b});
  cpu.gpr[kRbx] = 0xfffffffeu;
  cpu.gpr[kRax] = 0x12345678;
  ok();
  ok();
  EXPECT_EQ(cpu.gpr[kRcx], 0x12345678u);
  EXPECT_EQ(machine.get<uint16_t>(0), 0x1234);
}

TEST_F(FaultTest, DivisionErrors) {
  const std::vector<std::vector<uint8_t>> all{{0xf7, 0xf3}, {0xf7, 0xfb}, {0xf6, 0xf3}, {0xf6, 0xfb}, {0xd4, 0x00}};
  for (const auto& code : all) {
    start(protected32(), code);
    faults(Vector::kDe);
  }
  start(protected32(), {0xf7, 0xfb});  // the smallest number by -1
  cpu.gpr[kRax] = 0, cpu.gpr[kRdx] = 0x80000000, cpu.gpr[kRbx] = 0xffffffff;
  faults(Vector::kDe);
}

TEST_F(FaultTest, BoundAndOverflow) {
  start(protected32(), {0x62, 0x03});
  cpu.gpr[kRbx] = 0x2000;
  machine.set<int32_t>(0x2000, -5);
  machine.set<int32_t>(0x2004, 5);
  cpu.gpr[kRax] = 5;
  ok();
  cpu.rip = kCodeOffset;
  cpu.gpr[kRax] = 6;
  faults(Vector::kBr);
  start(cpu, {0xce});
  ok();  // OF is clear
}

TEST_F(FaultTest, FloatingPointIsNotExecuted) {
  start(protected32(), {0xd9, 0xe8});  // fld1
  EXPECT_EQ(go(), Outcome::kUnsupported);
  cpu.cr0 |= cr0::kTs;
  faults(Vector::kNm);
  start(cpu, {0x0f, 0x28, 0xc1});  // movaps
  faults(Vector::kNm);
  cpu.cr0 |= cr0::kEm;
  faults(Vector::kUd);
  start(cpu, {0x9b});  // fwait asks for MP and TS
  ok();
  cpu.cr0 |= cr0::kMp;
  cpu.rip = kCodeOffset;
  faults(Vector::kNm);
}

// Whatever a kernel executes is known here, or undefined, but for what only the processor's floating point and vector
// units can do.
TEST_F(FaultTest, NoOtherInstructionIsUnknown) {
  constexpr ZydisISAExt kProcessors[] = {ZYDIS_ISA_EXT_X87,   ZYDIS_ISA_EXT_MMX,      ZYDIS_ISA_EXT_AMD3DNOW,
                                         ZYDIS_ISA_EXT_SSE,   ZYDIS_ISA_EXT_SSE2,     ZYDIS_ISA_EXT_SSE3,
                                         ZYDIS_ISA_EXT_SSSE3, ZYDIS_ISA_EXT_SSE4,     ZYDIS_ISA_EXT_SSE4A,
                                         ZYDIS_ISA_EXT_AES,   ZYDIS_ISA_EXT_PCLMULQDQ};
  const std::vector<uint8_t> prefixes[] = {{}, {0x66}, {0xf2}, {0xf3}};
  const std::vector<uint8_t> maps[] = {{}, {0x0f}, {0x0f, 0x38}, {0x0f, 0x3a}, {0x0f, 0x01}};
  ZydisDecoder decoder;
  ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
  unsigned unsupported = 0;
  for (const auto& prefix : prefixes)
    for (const auto& map : maps)
      for (unsigned bytes = 0; bytes < 0x10000; bytes++) {
        std::vector<uint8_t> code = prefix;
        code.insert(code.end(), map.begin(), map.end());
        code.insert(code.end(), {static_cast<uint8_t>(bytes >> 8), static_cast<uint8_t>(bytes)});
        code.resize(15);
        start(protected32(), code);
        if (go(1) != Outcome::kUnsupported) continue;
        ZydisDecodedInstruction instruction;
        ZydisDecoderContext context;
        ASSERT_TRUE(
            ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, &context, code.data(), code.size(), &instruction)));
        const bool processors = std::find(std::begin(kProcessors), std::end(kProcessors), instruction.meta.isa_ext) !=
                                std::end(kProcessors);
        EXPECT_TRUE(processors) << ZydisMnemonicGetString(instruction.mnemonic);
        unsupported++;
      }
  EXPECT_GT(unsupported, 1000u) << "those of the processor's units";
}

TEST_F(FaultTest, Crc32) {
  start(protected32(), {0xf2, 0x0f, 0x38, 0xf1, 0xc3});  // crc32 eax, ebx
  cpu.gpr[kRax] = ~0u;
  cpu.gpr[kRbx] = 0x34333231;
  ok();
  EXPECT_EQ(~static_cast<uint32_t>(cpu.gpr[kRax]), 0xf63af4eeu) << "of \"1234\"";
  start(protected32(), {0xf2, 0x0f, 0x38, 0xf0, 0xc3});  // crc32 eax, bl
  cpu.gpr[kRax] = ~0u;
  cpu.gpr[kRbx] = 'a';
  ok();
  EXPECT_EQ(~static_cast<uint32_t>(cpu.gpr[kRax]), 0xc1d04330u) << "of \"a\"";
}

TEST_F(FaultTest, Rdrand) {
  start(protected32(), {0x0f, 0xc7, 0xf3});  // rdrand ebx
  faults(Vector::kUd);
  machine.rdrand = true;
  cpu.gpr[kRbx] = 5;
  cpu.rflags |= eflags::kArithmetic;
  ok();
  EXPECT_EQ(cpu.gpr[kRbx], 0u);
  EXPECT_EQ(cpu.rflags & eflags::kArithmetic, 0u) << "there is none";
}

TEST_F(FaultTest, HintsDoNothing) {
  for (const std::vector<uint8_t>& code : {std::vector<uint8_t>{0xf3, 0x0f, 0x1e, 0xc8},  // rdsspd eax
                                           {0x0f, 0x1c, 0x00},                            // cldemote [eax]
                                           {0x0f, 0x1b, 0x04, 0x08}}) {                   // bndstx
    start(protected32(), code);
    const ring1_cpu_state before = cpu;
    ok();
    cpu.rip = before.rip;
    EXPECT_EQ(memcmp(&before, &cpu, sizeof cpu), 0);
  }
}

TEST_F(FaultTest, BlockedMachineAbandonsTheInstruction) {
  machine.blocked_port = 0x60;
  start(protected32(), {0xe4, 0x60});
  const ring1_cpu_state before = cpu;
  EXPECT_EQ(go(), Outcome::kBlocked);
  EXPECT_EQ(memcmp(&before, &cpu, sizeof cpu), 0);
}

}  // namespace
}  // namespace ring1::emulator::test
