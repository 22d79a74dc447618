// SPDX-License-Identifier: GPL-2.0-only
// A machine for tests of the emulator: a few linear ranges of memory without paging, ports that remember, and
// a processor state in each of the modes.
#pragma once

#include <cstring>
#include <map>
#include <vector>

#include "emulator/emulator.h"
#include "x86/registers.h"

namespace ring1::emulator::test {

class FlatMachine : public Machine {
 public:
  struct Range {
    uint64_t base;
    std::vector<uint8_t> bytes;
    bool writable = true;
  };

  Range& add(uint64_t base, uint32_t size, bool writable = true) {
    ranges_.push_back(Range{base, std::vector<uint8_t>(size), writable});
    return ranges_.back();
  }
  // The bytes at an address that some range holds.
  uint8_t* at(uint64_t address) { return find(address); }
  void put(uint64_t address, const std::vector<uint8_t>& bytes) {
    for (size_t i = 0; i < bytes.size(); ++i) *find(address + i) = bytes[i];
  }
  template <class T>
  T get(uint64_t address) {
    T value;
    for (size_t i = 0; i < sizeof value; ++i) reinterpret_cast<uint8_t*>(&value)[i] = *find(address + i);
    return value;
  }
  template <class T>
  void set(uint64_t address, T value) {
    for (size_t i = 0; i < sizeof value; ++i) *find(address + i) = reinterpret_cast<uint8_t*>(&value)[i];
  }

  MemoryStatus read(Gva address, void* to, unsigned size, Privilege privilege, Purpose purpose, Fault* fault) override {
    for (unsigned i = 0; i < size; ++i) {
      const uint8_t* byte = find(address.raw() + i);
      if (!byte)
        return page_fault(address.raw() + i, purpose == Purpose::kFetch ? page_fault::kFetch : 0, privilege, fault);
      static_cast<uint8_t*>(to)[i] = *byte;
    }
    if (purpose == Purpose::kFetch) fetched = address.raw() + size;
    return MemoryStatus::kOk;
  }
  MemoryStatus write(Gva address, const void* from, unsigned size, Privilege privilege, Purpose,
                     Fault* fault) override {
    if (MemoryStatus status = probe_write(address, size, privilege, fault); status != MemoryStatus::kOk) return status;
    for (unsigned i = 0; i < size; ++i) *find(address.raw() + i) = static_cast<const uint8_t*>(from)[i];
    ++writes;
    return MemoryStatus::kOk;
  }
  MemoryStatus probe_write(Gva address, unsigned size, Privilege privilege, Fault* fault) override {
    for (unsigned i = 0; i < size; ++i) {
      const Range* range = range_of(address.raw() + i);
      if (!range) return page_fault(address.raw() + i, page_fault::kWrite, privilege, fault);
      if (!range->writable)
        return page_fault(address.raw() + i, page_fault::kWrite | page_fault::kPresent, privilege, fault);
    }
    return MemoryStatus::kOk;
  }

  MemoryStatus port_in(uint16_t port, unsigned size, uint32_t* value) override {
    if (port == blocked_port) return MemoryStatus::kBlocked;
    *value = ports.count(port) ? ports[port] : size_mask(size);
    return MemoryStatus::kOk;
  }
  MemoryStatus port_out(uint16_t port, unsigned size, uint32_t value) override {
    if (port == blocked_port) return MemoryStatus::kBlocked;
    ports[port] = value;
    outs.push_back({port, size, value});
    return MemoryStatus::kOk;
  }
  bool read_msr(uint32_t index, uint64_t* value) override { return *value = msrs[index], true; }
  bool write_msr(uint32_t index, uint64_t value) override { return msrs[index] = value, true; }
  void cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4]) override {
    out[0] = leaf + 1, out[1] = subleaf + 2, out[2] = 3, out[3] = 4;
    if (leaf == 1) out[2] = rdrand ? 1u << 30 : 0;
    if (leaf == 7) out[1] = bmi1 ? 1u << 3 : 0;
    if (leaf == 0x80000001u) out[2] = abm ? 1u << 5 : 0;
  }
  uint64_t read_tsc() override { return tsc; }
  bool takes_hypercalls() override { return hypercalls; }
  void cr0_written(uint64_t) override {}
  void cr3_written() override {}
  void cr4_written(uint64_t) override {}
  void invlpg(Gva) override {}

  struct PortWrite {
    uint16_t port;
    unsigned size;
    uint32_t value;
  };
  std::map<uint16_t, uint32_t> ports;
  std::vector<PortWrite> outs;
  std::map<uint32_t, uint64_t> msrs;
  int blocked_port = -1;
  bool hypercalls = false;
  uint64_t tsc = 0x123456789abcdef0;
  uint64_t fetched = 0;  // end of the last fetch
  unsigned writes = 0;
  bool bmi1 = false, abm = false, rdrand = false;

 private:
  static uint32_t size_mask(unsigned size) { return size == 4 ? ~0u : (1u << 8 * size) - 1; }
  static MemoryStatus page_fault(uint64_t address, uint32_t code, Privilege privilege, Fault* fault) {
    *fault = Fault{Vector::kPf, code | (privilege == Privilege::kUser ? page_fault::kUser : 0), address};
    return MemoryStatus::kFault;
  }
  Range* range_of(uint64_t address) {
    for (Range& range : ranges_)
      if (address >= range.base && address - range.base < range.bytes.size()) return &range;
    return nullptr;
  }
  uint8_t* find(uint64_t address) {
    Range* range = range_of(address);
    return range ? &range->bytes[address - range->base] : nullptr;
  }

  std::vector<Range> ranges_;
};

inline constexpr uint32_t kCode32 = RING1_AR_P | RING1_AR_S | RING1_AR_DB | RING1_AR_G | 0xb;
inline constexpr uint32_t kData32 = RING1_AR_P | RING1_AR_S | RING1_AR_DB | RING1_AR_G | 0x3;
inline constexpr uint32_t kCode16 = RING1_AR_P | RING1_AR_S | 0xb;
inline constexpr uint32_t kData16 = RING1_AR_P | RING1_AR_S | 0x3;

inline uint32_t at_dpl(uint32_t access, unsigned dpl) { return access | dpl << RING1_AR_DPL_SHIFT; }

// Flat 32-bit protected mode.
inline ring1_cpu_state protected32(unsigned cpl = 0) {
  ring1_cpu_state cpu{};
  cpu.cr0 = cr0::kPe;
  cpu.rflags = eflags::kFixed1;
  for (auto& segment : cpu.seg) segment = {0, 0xffffffffu, at_dpl(kData32, cpl), static_cast<__u16>(0x10 | cpl), {}};
  cpu.seg[kCs] = {0, 0xffffffffu, at_dpl(kCode32, cpl), static_cast<__u16>(0x08 | cpl), {}};
  return cpu;
}

// 64-bit code under paging, all addresses 64 bits wide.
inline ring1_cpu_state long64(unsigned cpl = 0) {
  ring1_cpu_state cpu = protected32(cpl);
  cpu.cr0 = cr0::kPe | cr0::kPg;
  cpu.cr4 = cr4::kPae;
  cpu.efer = efer::kLme | efer::kLma;
  cpu.seg[kCs].access = (cpu.seg[kCs].access & ~RING1_AR_DB) | RING1_AR_L;
  return cpu;
}

// Real mode, every segment at `base`.
inline ring1_cpu_state real(uint32_t base) {
  ring1_cpu_state cpu{};
  cpu.rflags = eflags::kFixed1;
  for (auto& segment : cpu.seg) segment = {base, 0xffff, kData16, static_cast<__u16>(base >> 4), {}};
  cpu.seg[kCs].access = kCode16;
  cpu.idtr.limit = 0x3ff;
  return cpu;
}

inline ring1_cpu_state vm86(uint32_t base, unsigned iopl) {
  ring1_cpu_state cpu = real(base);
  cpu.cr0 = cr0::kPe;
  cpu.rflags |= eflags::kVm | iopl << eflags::kIoplShift;
  for (auto& segment : cpu.seg) segment.access = at_dpl(kData16, 3);
  return cpu;
}

// 16-bit segments in protected mode.
inline ring1_cpu_state protected16(uint32_t base) {
  ring1_cpu_state cpu = real(base);
  cpu.cr0 = cr0::kPe;
  return cpu;
}

}  // namespace ring1::emulator::test
