// SPDX-License-Identifier: GPL-2.0-only
#include "hostile_code.h"

#include <cstdio>
#include <cstring>

#include "left_out.h"

namespace ring1::fuzz {
namespace {

using Layout = HostileLayout;

// What an operand byte of a pattern stands for.
enum : uint16_t {
  kByte = 0x100,  // any byte
  kData32,        // an address in the data, or of something that is looked at by the processor
  kCode32,        // an address in the code
  kNear8,         // a short distance
  kNear32,        // a distance within the code
  kSelector16,    // a selector
  kFlags32,       // something for EFLAGS
  kControl32,     // something for a control register
  kAny32,
  kEnd,
};

struct Pattern {
  uint16_t items[14];
};

constexpr Pattern kPatterns[] = {
    {{kByte, kByte, kByte, kByte, kEnd}},                              // anything
    {{0x0f, kByte, kByte, kByte, kEnd}},                               //
    {{0x66, kByte, kByte, kEnd}},                                      //
    {{0xf0, kByte, kByte, kEnd}},                                      //
    {{0x64, kByte, kByte, kEnd}},                                      //
    {{0xa1, kData32, kEnd}},                                           // mov eax, [data]
    {{0xa3, kData32, kEnd}},                                           // mov [data], eax
    {{0xc7, 0x05, kData32, kAny32, kEnd}},                             // mov dword [data], any
    {{0xc7, 0x05, kCode32, kAny32, kEnd}},                             // code that writes code
    {{0xf0, 0x01, 0x05, kData32, kEnd}},                               // lock add
    {{0xbe, kData32, 0xbf, kData32, 0xb9, kByte, kByte, 0, 0, 0xf3, 0xa5, kEnd}},  // rep movsd
    {{0xbf, kCode32, 0xb9, kByte, 0, 0, 0, 0xf3, 0xaa, kEnd}},         // rep stosb into code
    {{0xbc, kData32, kEnd}},                                           // mov esp, data
    {{0x68, kAny32, kEnd}},                                            // push
    {{0x60, kEnd}},                                                    // pusha
    {{0x61, kEnd}},                                                    // popa
    {{0xc8, kByte, 0, kByte, kEnd}},                                   // enter
    {{0xc9, kEnd}},                                                    // leave
    {{0xe8, kNear32, kEnd}},                                           // call
    {{0xe9, kNear32, kEnd}},                                           // jmp
    {{0xeb, kNear8, kEnd}},                                            // jmp short
    {{0x74, kNear8, kEnd}},                                            // jz
    {{0xe2, kNear8, kEnd}},                                            // loop
    {{0xc3, kEnd}},                                                    // ret
    {{0xc2, kByte, 0, kEnd}},                                          // ret n
    {{0x68, kCode32, 0xc3, kEnd}},                                     // push, ret
    {{0xb8, kCode32, 0xff, 0xe0, kEnd}},                               // jmp eax
    {{0xb8, kCode32, 0xff, 0xd0, kEnd}},                               // call eax
    {{0xea, kCode32, kSelector16, kEnd}},                              // far jump
    {{0x9a, kCode32, kSelector16, kEnd}},                              // far call
    {{0x68, kSelector16, 0, 0, 0x68, kCode32, 0xcb, kEnd}},            // far ret
    {{0x68, kFlags32, 0x68, kSelector16, 0, 0, 0x68, kCode32, 0xcf, kEnd}},  // iret
    {{0x68, kFlags32, 0x9d, kEnd}},                                    // popf
    {{0x9c, kEnd}},                                                    // pushf
    {{0xfa, kEnd}},                                                    // cli
    {{0xfb, kEnd}},                                                    // sti
    {{0xfb, 0xf4, kEnd}},                                              // sti, hlt
    {{0xf4, kEnd}},                                                    // hlt
    {{0xcd, kByte, kEnd}},                                             // int n
    {{0xcc, kEnd}},                                                    // int3
    {{0xf1, kEnd}},                                                    // int1
    {{0xb8, kSelector16, 0, 0, 0x8e, 0xd8, kEnd}},                     // mov ds
    {{0xb8, kSelector16, 0, 0, 0x8e, 0xc0, kEnd}},                     // mov es
    {{0xb8, kSelector16, 0, 0, 0x8e, 0xe0, kEnd}},                     // mov fs
    {{0xb8, kSelector16, 0, 0, 0x8e, 0xe8, kEnd}},                     // mov gs
    {{0xb8, kSelector16, 0, 0, 0x8e, 0xd0, kEnd}},                     // mov ss
    {{0x0f, 0xb2, 0x25, kData32, kEnd}},                               // lss esp
    {{0xb8, kSelector16, 0, 0, 0x0f, 0x00, 0xd0, kEnd}},               // lldt
    {{0xb8, kSelector16, 0, 0, 0x0f, 0x00, 0xd8, kEnd}},               // ltr
    {{0x0f, 0x01, 0x15, kData32, kEnd}},                               // lgdt
    {{0x0f, 0x01, 0x1d, kData32, kEnd}},                               // lidt
    {{0x0f, 0x01, 0x05, kData32, kEnd}},                               // sgdt
    {{0x0f, 0x01, 0x0d, kData32, kEnd}},                               // sidt
    {{0xb8, kSelector16, 0, 0, 0x0f, 0x02, 0xc0, kEnd}},               // lar
    {{0xb8, kControl32, 0x0f, 0x22, 0xc0, kEnd}},                      // mov cr0
    {{0xb8, kControl32, 0x0f, 0x22, 0xe0, kEnd}},                      // mov cr4
    {{0xb8, 0, 0x40, 2, 0, 0x0f, 0x22, 0xd8, kEnd}},                   // mov cr3, the directory
    {{0xb8, 0, 0x60, 2, 0, 0x0f, 0x22, 0xd8, kEnd}},                   // mov cr3, the directory pointers
    {{0xb8, kData32, 0x0f, 0x22, 0xd8, kEnd}},                         // mov cr3
    {{0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8, kEnd}},                      // mov cr3, cr3
    {{0x0f, 0x01, 0x3d, kData32, kEnd}},                               // invlpg
    {{0x0f, 0x06, kEnd}},                                              // clts
    {{0x0f, 0x09, kEnd}},                                              // wbinvd
    {{0xb8, kData32, 0x0f, 0x23, 0xc0, kEnd}},                         // mov dr0
    {{0xb8, kAny32, 0x0f, 0x23, 0xf8, kEnd}},                          // mov dr7
    {{0xb9, 0x80, 0, 0, 0xc0, 0xb8, kControl32, 0x31, 0xd2, 0x0f, 0x30, kEnd}},  // wrmsr EFER
    {{0xb9, 0x74, 1, 0, 0, 0xb8, kAny32, 0x0f, 0x30, kEnd}},           // wrmsr SYSENTER_CS
    {{0xb9, kByte, kByte, 0, 0, 0x0f, 0x32, kEnd}},                    // rdmsr
    {{0x0f, 0x34, kEnd}},                                              // sysenter
    {{0x0f, 0x35, kEnd}},                                              // sysexit
    {{0x0f, 0x05, kEnd}},                                              // syscall
    {{0x0f, 0xa2, kEnd}},                                              // cpuid
    {{0x0f, 0x31, kEnd}},                                              // rdtsc
    {{0xe6, kByte, kEnd}},                                             // out
    {{0xe4, kByte, kEnd}},                                             // in
    {{0xbe, kData32, 0xb9, 4, 0, 0, 0, 0xf3, 0x6e, kEnd}},             // rep outsb
    {{0xa1, 0x20, 0, 0xe0, 0xfe, kEnd}},                               // local APIC
    {{0xc7, 0x05, 0x80, 3, 0xe0, 0xfe, kAny32, kEnd}},                 // its timer
    {{0xc7, 0x05, 0, 3, 0xe0, 0xfe, kAny32, kEnd}},                    // its interrupt command
    {{0xdb, 0xe3, 0xd9, 0xe8, 0xdd, 0x1d, kData32, kEnd}},             // fninit, fld1, fstp
    {{0x0f, 0xae, 0x05, kData32, kEnd}},                               // fxsave
    {{0x0f, 0xae, 0x0d, kData32, kEnd}},                               // fxrstor
    {{0x0f, 0x58, 0x05, kData32, kEnd}},                               // addps
};

constexpr unsigned kPatternCount = sizeof kPatterns / sizeof kPatterns[0];
constexpr uint8_t kNop = 0x90;

constexpr uint32_t kLookedAt[] = {Layout::kGdt,       Layout::kIdt,   Layout::kTss,  Layout::kLdt,
                                  Layout::kDirectory, Layout::kTable, Layout::kPaeDirectory, Layout::kDirectoryPointers};

uint32_t below(Random& random, uint32_t end) { return static_cast<uint32_t>(random.below(end)); }

uint32_t an_address(Random& random) {
  switch (random.below(8)) {
    case 0: return random.of(kLookedAt) + below(random, 256);
    case 1: return static_cast<uint32_t>(random.odd_number());
    case 2: return 0xfd000000 + below(random, 0x3000000);  // about where the monitor's hole is
    case 3: return Layout::kMemory - 8 + below(random, 16);
    default: return Layout::kData + below(random, Layout::kDataSize - 64);
  }
}

uint32_t code_address(Random& random) { return Layout::kCode + below(random, Layout::kCodeSize - 64); }

uint16_t a_selector(Random& random) {
  return static_cast<uint16_t>(random.one_in(16) ? random.next() : random.below(8 * Layout::kDescriptors));
}

uint32_t value_of(Random& random, uint16_t item, uint32_t place) {
  switch (item) {
    case kData32: return an_address(random);
    case kCode32: return code_address(random);
    case kNear8: return below(random, 64) - 32;
    case kNear32: return code_address(random) - (place + 4);
    case kSelector16: return a_selector(random);
    case kFlags32: return random.one_in(2) ? 2 | below(random, 0x1000) : static_cast<uint32_t>(random.next()) & 0x3fffff;
    // Mostly bits that mean something.
    case kControl32: return random.one_in(4) ? static_cast<uint32_t>(random.next()) : 1u | 1u << below(random, 32) | 1u << below(random, 12);
    default: return static_cast<uint32_t>(random.one_in(2) ? random.odd_number() : random.next());
  }
}

unsigned size_of(uint16_t item) {
  if (item < kByte || item == kByte || item == kNear8) return 1;
  return item == kSelector16 ? 2 : 4;
}

// The bytes of one instruction or a few, at most 40.
uint32_t place_pattern(Random& random, uint8_t* memory, uint32_t place) {
  const unsigned number = below(random, kPatternCount);
  const uint32_t begin = place;
  for (const uint16_t item : kPatterns[number].items) {
    if (item == kEnd) break;
    const uint32_t value = item < kByte ? item : item == kByte ? below(random, 256) : value_of(random, item, place);
    std::memcpy(memory + place, &value, size_of(item));
    place += size_of(item);
  }
  if (left_out(kFirstPattern + number)) std::memset(memory + begin, kNop, place - begin);
  return place;
}

void make_code(Random& random, uint8_t* memory, uint32_t begin, uint32_t end) {
  while (begin + 48 < end) begin = place_pattern(random, memory, begin);
}

// All of these draw their random numbers first, and only then look at what is left out: what comes behind stays the same.

// The first ones are what set_registers() uses and stay so most of the time: flat code and data of rings 0 and 3, TSS, LDT.
uint64_t a_descriptor(Random& random, unsigned index) {
  constexpr uint64_t kFirst[] = {0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00cffb000000ffff, 0x00cff3000000ffff,
                                 0x00008b0220000067, 0x0000820230000fff};
  constexpr unsigned kFirstCount = sizeof kFirst / sizeof kFirst[0];
  const uint64_t flat = index < kFirstCount ? kFirst[index] : 0;
  if (index < kFirstCount && !random.one_in(20)) return flat;
  const uint64_t access = 0x80 | random.below(256), flags = random.below(16);
  const uint64_t base = random.one_in(2) ? 0 : an_address(random), limit = random.one_in(2) ? 0xfffff : random.below(0x100000);
  if (left_out(kDescriptors)) return flat;
  return (limit & 0xffff) | (base & 0xffffff) << 16 | access << 40 | (limit >> 16) << 48 | flags << 52 | (base >> 24) << 56;
}

uint64_t a_gate(Random& random) {
  const uint64_t types[] = {0x8e, 0x8f, 0xee, 0xef, 0x85, 0x86, 0x87, random.below(256)};
  const uint64_t offset = random.one_in(16) ? random.next() & 0xffffffff : code_address(random);
  const uint64_t selector = random.one_in(8) ? a_selector(random) : 8;
  const uint64_t type = types[random.below(random.one_in(4) ? 8 : 4)];
  if (left_out(kGates)) return (Layout::kCode & 0xffff) | 8 << 16 | uint64_t{0x8e} << 40 | uint64_t{Layout::kCode >> 16} << 48;
  return (offset & 0xffff) | selector << 16 | type << 40 | (offset >> 16) << 48;
}

uint32_t an_odd_entry(Random& random, uint32_t identity) {
  switch (random.below(5)) {
    case 0: return 0;
    case 1: return static_cast<uint32_t>(random.next());
    case 2: return (random.of(kLookedAt) & ~0xfffu) | static_cast<uint32_t>(random.below(256));  // tables within themselves
    case 3: return identity | static_cast<uint32_t>(random.below(512));
    default: return (below(random, Layout::kMemory) & ~0xfffu) | 0x7;
  }
}

uint32_t an_entry(Random& random, uint32_t identity) {
  const uint32_t entry = random.one_in(8) ? an_odd_entry(random, identity) : identity | 0x7;
  return left_out(kPageTables) ? identity | 0x7 : entry;
}

void put32(uint8_t* memory, uint32_t at, uint32_t value) { std::memcpy(memory + at, &value, sizeof value); }
void put64(uint8_t* memory, uint32_t at, uint64_t value) { std::memcpy(memory + at, &value, sizeof value); }

// Entry `index` of one of the four kinds of tables.
void put_entry(Random& random, uint8_t* memory, unsigned kind, uint32_t index) {
  switch (kind) {
    case 0: return put32(memory, Layout::kTable + 4 * (index % 1024), an_entry(random, (index % 1024) << 12));
    // Large pages of the first 2 MiB again and again, or the table.
    case 1:
      return put32(memory, Layout::kDirectory + 4 * (index % 1024),
                   an_entry(random, random.one_in(2) || index % 1024 < 4 ? Layout::kTable : 0x80));
    case 2: return put64(memory, Layout::kPaeDirectory + 8 * (index % 512), an_entry(random, 0x80));
    default: {
      const uint64_t bits = random.one_in(30) ? random.next() : 1;
      return put64(memory, Layout::kDirectoryPointers + 8 * (index % 4), Layout::kPaeDirectory | (left_out(kPageTables) ? 1 : bits));
    }
  }
}

void print_pattern(const Pattern& pattern) {
  constexpr const char* kNames[] = {"byte", "data", "code", "near8", "near32", "selector", "flags", "control", "any"};
  std::printf("code");
  for (const uint16_t item : pattern.items) {
    if (item == kEnd) break;
    item < kByte ? std::printf(" %02x", item) : std::printf(" %s", kNames[item - kByte]);
  }
  std::printf("\n");
}

}  // namespace

void print_hostile_items() {
  std::printf("descriptors\ngates\npage tables\nregisters\nevents\nwrites by the VMM\n");
  for (const Pattern& pattern : kPatterns) print_pattern(pattern);
}

void make_hostile(uint64_t seed, uint8_t* memory) {
  Random of_code(derived(seed, 0)), of_tables(derived(seed, 1)), of_gates(derived(seed, 2)), of_pages(derived(seed, 3));
  make_code(of_code, memory, Layout::kCode, Layout::kCode + Layout::kCodeSize);
  for (unsigned i = 0; i < Layout::kDescriptors; i++) {
    put64(memory, Layout::kGdt + 8 * i, a_descriptor(of_tables, i));
    put64(memory, Layout::kLdt + 8 * i, a_descriptor(of_tables, 100));
  }
  for (unsigned i = 0; i < 256; i++) put64(memory, Layout::kIdt + 8 * i, a_gate(of_gates));
  for (uint32_t i = 0; i < 26; i++) put32(memory, Layout::kTss + 4 * i, i % 2 ? Layout::kStackTop - 0x1000 : 0x10);
  for (unsigned kind = 0; kind < 4; kind++)
    for (uint32_t i = 0; i < 1024; i++) put_entry(of_pages, memory, kind, i);
  // Where code and tables are. The others differ from guest to guest; a guest in PAE paging without these would end at once.
  put32(memory, Layout::kDirectory, Layout::kTable | 7);
  put64(memory, Layout::kPaeDirectory, 0x87);
}

void change_hostile(Random& random, uint8_t* memory) {
  const unsigned i = static_cast<unsigned>(random.below(Layout::kDescriptors));
  switch (random.below(6)) {
    case 0: return put64(memory, Layout::kGdt + 8 * i, a_descriptor(random, i));
    case 1: return put64(memory, Layout::kIdt + 8 * static_cast<uint32_t>(random.below(256)), a_gate(random));
    case 2: return put_entry(random, memory, static_cast<unsigned>(i % 4), static_cast<uint32_t>(random.next()));
    case 3: return put32(memory, below(random, Layout::kMemory - 4), static_cast<uint32_t>(random.next()));
    case 4: return put32(memory, Layout::kStackTop - 4 - below(random, 256) * 4, value_of(random, kCode32, 0));
    default: {
      const uint32_t begin = code_address(random);
      return make_code(random, memory, begin, begin + 100 < Layout::kCode + Layout::kCodeSize ? begin + 100 : begin);
    }
  }
}

}  // namespace ring1::fuzz
