// SPDX-License-Identifier: GPL-2.0-only
// A processor over two megabytes of flat memory with ready descriptor tables.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <initializer_list>
#include <map>
#include <set>
#include <vector>

#include "base/assert.h"
#include "emulator/emulator.h"
#include "x86/registers.h"

namespace ring1::emulator {

inline constexpr uint32_t kMemoryBytes = 2 << 20;

class ArrayMachine : public Machine {
 public:
  MemoryStatus read(Gva a, void* to, unsigned size, Privilege privilege, Purpose purpose, Fault* fault) override {
    if (!check(a, size, privilege, purpose == Purpose::kFetch ? page_fault::kFetch : 0, fault))
      return MemoryStatus::kFault;
    std::memcpy(to, &memory[a.raw()], size);
    return MemoryStatus::kOk;
  }
  MemoryStatus write(Gva a, const void* from, unsigned size, Privilege privilege, Purpose, Fault* fault) override {
    if (!check(a, size, privilege, page_fault::kWrite, fault)) return MemoryStatus::kFault;
    std::memcpy(&memory[a.raw()], from, size);
    return MemoryStatus::kOk;
  }
  MemoryStatus probe_write(Gva a, unsigned size, Privilege privilege, Fault* fault) override {
    return check(a, size, privilege, page_fault::kWrite, fault) ? MemoryStatus::kOk : MemoryStatus::kFault;
  }
  MemoryStatus port_in(uint16_t, unsigned, uint32_t* value) override { return *value = 0, MemoryStatus::kOk; }
  MemoryStatus port_out(uint16_t, unsigned, uint32_t) override { return MemoryStatus::kOk; }
  bool read_msr(uint32_t index, uint64_t* value) override {
    if (!msr.count(index)) return false;
    *value = msr[index];
    return true;
  }
  bool write_msr(uint32_t index, uint64_t value) override {
    if (!msr.count(index)) return false;
    msr[index] = value;
    return true;
  }
  void cpuid(uint32_t leaf, uint32_t, uint32_t out[4]) override {
    out[0] = leaf == 0 ? 7 : 0;
    out[1] = out[2] = 0;
    out[3] = leaf == 1 ? 1u << 2 | 1u << 3 | 1u << 4 | 1u << 6 | 1u << 13 | 1u << 24 | 1u << 25 : 0;
  }
  uint64_t read_tsc() override { return 0; }
  MemoryStatus check_paging(uint64_t, uint64_t cr3, uint64_t) override {
    return cr3 == bad_cr3 ? MemoryStatus::kFault : cr3 == blocked_cr3 ? MemoryStatus::kBlocked : MemoryStatus::kOk;
  }
  void cr0_written(uint64_t) override { ++cr0_writes; }
  void cr3_written() override { ++cr3_writes; }
  void cr4_written(uint64_t) override { ++cr4_writes; }
  void invlpg(Gva address) override { invalidated.push_back(address.raw()); }

  std::vector<uint8_t> memory = std::vector<uint8_t>(kMemoryBytes);
  std::set<uint64_t> absent;  // pages
  std::map<uint32_t, uint64_t> msr;
  std::vector<uint64_t> invalidated;
  uint64_t bad_cr3 = ~uint64_t{0}, blocked_cr3 = ~uint64_t{0};  // for check_paging()
  int cr0_writes = 0, cr3_writes = 0, cr4_writes = 0;

 private:
  bool check(Gva a, unsigned size, Privilege privilege, uint32_t code, Fault* fault) {
    for (uint64_t at : {a.raw(), a.raw() + size - 1}) {
      if (at < kMemoryBytes && !absent.count(at >> kPageShift)) continue;
      *fault = Fault{Vector::kPf, code | (privilege == Privilege::kUser ? page_fault::kUser : 0), at};
      return false;
    }
    return true;
  }
};

// Selectors of the fixture's GDT.
enum : uint16_t {
  kCode0 = 0x08,
  kData0 = 0x10,
  kCode3 = 0x18 | 3,
  kData3 = 0x20 | 3,
  kTssSelector = 0x28,
  kTss2Selector = 0x30,
  kConforming = 0x38,
  kAbsentData = 0x40,
  kCode16 = 0x48,
  kData16 = 0x50,
  kGate = 0x58,
  kLdtSelector = 0x60,
  kReadOnly = 0x68,
  kCode1 = 0x70 | 1,
  kData1 = 0x78 | 1,
  kAbsentCode = 0x80,
  kTaskGateSelector = 0x88,
  kTss16Selector = 0x90,
  kGdtEnd = 0x98,
};

inline constexpr uint32_t kGdt = 0x1000, kIdt = 0x2000, kTss = 0x3000, kTss2 = 0x3800, kLdt = 0x4000;
inline constexpr uint32_t kStack0 = 0x7000, kText = 0x8000, kHandlers = 0x9000, kStack3 = 0xa800, kStack2nd = 0xb800;
inline constexpr uint32_t kUserText = 0xc000, kStack1 = 0xd800;

class SystemTest : public testing::Test {
 protected:
  SystemTest() {
    descriptor(kCode0, 0, 0xfffff, 0xc09b);
    descriptor(kData0, 0, 0xfffff, 0xc093);
    descriptor(kCode3, 0, 0xfffff, 0xc0fb);
    descriptor(kData3, 0, 0xfffff, 0xc0f3);
    descriptor(kTssSelector, kTss, 0x67, 0x0089);
    descriptor(kTss2Selector, kTss2, 0x67, 0x0089);
    descriptor(kConforming, 0, 0xfffff, 0xc09f);
    descriptor(kAbsentData, 0, 0xfffff, 0xc013);
    descriptor(kCode16, kText, 0xffff, 0x009b);
    descriptor(kData16, 0, 0xffff, 0x0093);
    descriptor(kLdtSelector, kLdt, 0x0f, 0x0082);
    descriptor(kReadOnly, 0, 0xfffff, 0xc0f1);
    descriptor(kCode1, 0, 0xfffff, 0xc0bb);
    descriptor(kData1, 0, 0xfffff, 0xc0b3);
    descriptor(kAbsentCode, 0, 0xfffff, 0xc01b);
    descriptor(kTss16Selector, 0x3c00, 0x2b, 0x0081);
    put32(kTss + 4, kStack0 - 0x800);
    put32(kTss + 8, kData0);
    put32(kTss + 12, kStack1);
    put32(kTss + 16, kData1);
    for (unsigned i = 0; i < 32; ++i) gate(i, kCode0, kHandlers + 16 * i, 0x8e);
    protected_mode();
  }

  // access: bits 0-7 as in byte 5, bits 12-15 as in the upper half of byte 6.
  void descriptor(uint16_t selector, uint32_t base, uint32_t limit, uint32_t access) {
    put_descriptor(kGdt + (selector & ~7u), base, limit, access);
  }
  void put_descriptor(uint32_t where, uint32_t base, uint32_t limit, uint32_t access) {
    put32(where, (limit & 0xffff) | base << 16);
    put32(where + 4, ((base >> 16) & 0xff) | (access & 0xff) << 8 | (limit & 0xf0000) | (access & 0xf000) << 8 |
                         (base & 0xff000000));
  }
  void put_gate(uint32_t where, uint16_t selector, uint32_t offset, uint8_t type, unsigned parameters = 0) {
    put32(where, uint32_t{selector} << 16 | (offset & 0xffff));
    put32(where + 4, (offset & 0xffff0000) | uint32_t{type} << 8 | parameters);
  }
  void gate(unsigned vector, uint16_t selector, uint32_t offset, uint8_t type) {
    put_gate(kIdt + 8 * vector, selector, offset, type);
  }

  ring1_segment flat(uint16_t selector, bool code) {
    ring1_segment s{};
    s.selector = selector;
    s.limit = 0xffffffff;
    s.access = (code ? 0xc09bu : 0xc093u) | (selector & 3u) << RING1_AR_DPL_SHIFT;
    return s;
  }
  // Ring 0 of flat protected mode with the fixture's tables.
  void protected_mode() {
    cpu.cr0 = cr0::kPe | cr0::kEt;
    cpu.gdtr = {kGdt, kGdtEnd - 1, {}};
    cpu.idtr = {kIdt, 32 * 8 - 1, {}};
    cpu.tr = {kTss, 0x67, 0x8b, kTssSelector, {}};
    put8(kGdt + kTssSelector + 5, 0x8b);
    cpu.ldtr.access = RING1_AR_UNUSABLE;
    cpu.rflags = eflags::kFixed1;
    for (auto& s : cpu.seg) s = flat(kData0, false);
    cpu.seg[kCs] = flat(kCode0, true);
    cpu.gpr[kRsp] = kStack0;
    cpu.rip = kText;
  }
  void user_mode() {
    for (auto& s : cpu.seg) s = flat(kData3, false);
    cpu.seg[kCs] = flat(kCode3, true);
    cpu.gpr[kRsp] = kStack3;
    cpu.rip = kUserText;
    cpu.rflags = eflags::kFixed1 | eflags::kIf;
  }
  void real_mode() {
    cpu.cr0 = cr0::kEt;
    cpu.idtr = {0, 0x3ff, {}};
    cpu.rflags = eflags::kFixed1;
    for (auto& s : cpu.seg) s = {0, 0xffff, 0x93, 0, {}};
    cpu.rip = kText;
    cpu.gpr[kRsp] = kStack0;
  }
  void vm86_mode() {
    for (auto& s : cpu.seg) s = {0, 0xffff, 0xf3, 0, {}};
    cpu.rip = kText;
    cpu.gpr[kRsp] = kStack3;
    cpu.rflags = eflags::kFixed1 | eflags::kVm | eflags::kIf;
  }

  void put8(uint32_t at, uint8_t v) { machine.memory[at] = v; }
  void put32(uint32_t at, uint32_t v) { std::memcpy(&machine.memory[at], &v, 4); }
  void put16(uint32_t at, uint16_t v) { std::memcpy(&machine.memory[at], &v, 2); }
  uint8_t get8(uint32_t at) { return machine.memory[at]; }
  uint32_t get32(uint32_t at) {
    uint32_t v;
    std::memcpy(&v, &machine.memory[at], 4);
    return v;
  }
  uint16_t get16(uint32_t at) {
    uint16_t v;
    std::memcpy(&v, &machine.memory[at], 2);
    return v;
  }
  uint32_t pushed(unsigned index) { return get32(static_cast<uint32_t>(cpu.gpr[kRsp]) + 4 * index); }

  void text(std::initializer_list<uint8_t> bytes) { text_at(cpu.seg[kCs].base + cpu.rip, bytes); }
  void text_at(uint64_t at, std::initializer_list<uint8_t> bytes) {
    for (uint8_t b : bytes) machine.memory[at++] = b;
  }
  Outcome step_once() { return step(cpu, machine, &fault); }
  Outcome run(std::initializer_list<uint8_t> bytes) {
    text(bytes);
    return step_once();
  }
  Outcome event(uint8_t vector) { return deliver(cpu, machine, Event{vector}); }
  Outcome exception(Vector v, uint32_t code = 0, uint64_t cr2 = 0) {
    return deliver(cpu, machine, event_of(Fault{v, code, cr2}));
  }
  unsigned cpl() const { return (cpu.seg[kSs].access & RING1_AR_DPL_MASK) >> RING1_AR_DPL_SHIFT; }
  testing::AssertionResult faults(std::initializer_list<uint8_t> bytes, Vector vector, uint32_t code) {
    const ring1_cpu_state before = cpu;
    const Outcome outcome = run(bytes);
    if (outcome != Outcome::kFault) return testing::AssertionFailure() << "outcome " << int(outcome);
    if (fault.vector != vector || fault.error_code != code)
      return testing::AssertionFailure() << "vector " << int(fault.vector) << " code " << fault.error_code;
    if (std::memcmp(&before, &cpu, sizeof cpu) != 0) return testing::AssertionFailure() << "state changed";
    return testing::AssertionSuccess();
  }

  ring1_cpu_state cpu{};
  ArrayMachine machine;
  Fault fault{};
};

}  // namespace ring1::emulator
