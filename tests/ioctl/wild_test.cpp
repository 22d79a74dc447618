// SPDX-License-Identifier: GPL-2.0-only
// Any instruction may run at ring 1, with any registers (docs/races.md): the virtual machine may die of it, the host may
// not. Whether the host lives is seen by who started this program. Engine bt only: others have rings of their own.
#include <unistd.h>

#include <cstring>

#include "check.h"
#include "include/ring1/api.h"
#include "wild_guest.h"

using namespace ring1::ioctl_test;

namespace {

void needs_ring1() {
  SKIP_UNLESS(options.guest, "no guest code wanted");
  SKIP_UNLESS(sysconf(_SC_NPROCESSORS_ONLN) > 1, "the bytes are written from another processor");
  SKIP_UNLESS(options.machine_type == RING1_VM_TYPE(RING1_ENGINE_BT), "another engine");
}

using Bytes = std::initializer_list<uint8_t>;

constexpr uint8_t low(uint16_t value) { return static_cast<uint8_t>(value); }
constexpr uint8_t high(uint16_t value) { return static_cast<uint8_t>(value >> 8); }

// What a ring other than 0 may not execute, or the monitor's world has turned off, or tells of it, or comes in unasked.
const Bytes kOdd[] = {
    {0xf1},                                      // INT1: takes no notice of its gate's DPL
    {0xcc},                                      // INT3
    {0xb0, 0x7f, 0xfe, 0xc0, 0xce},              // INTO, OF being set
    {0x0f, 0x05},                                // SYSCALL
    {0x0f, 0x07},                                // SYSRET
    {0x0f, 0x34},                                // SYSENTER
    {0x0f, 0x35},                                // SYSEXIT
    {0x0f, 0xaa},                                // RSM
    {0x0f, 0x37},                                // GETSEC
    {0x0f, 0x01, 0xc1},                          // VMCALL
    {0x0f, 0x01, 0xc2},                          // VMLAUNCH
    {0x0f, 0x01, 0xd4},                          // VMFUNC
    {0xf3, 0x0f, 0xc7, 0x35, 0, 0, 4, 0},        // VMXON
    {0x0f, 0x01, 0xd9},                          // VMMCALL
    {0x0f, 0x01, 0xd8},                          // VMRUN
    {0x0f, 0x01, 0xdc},                          // STGI
    {0x0f, 0x01, 0xdd},                          // CLGI
    {0x0f, 0x01, 0xde},                          // SKINIT
    {0x0f, 0x01, 0xdf},                          // INVLPGA
    {0x0f, 0x01, 0xc8},                          // MONITOR
    {0x0f, 0x01, 0xc9},                          // MWAIT
    {0x0f, 0x01, 0xd1},                          // XSETBV
    {0x0f, 0x01, 0xd0},                          // XGETBV
    {0x0f, 0x01, 0xcb},                          // STAC
    {0x0f, 0x01, 0xcf},                          // ENCLS
    {0x0f, 0x01, 0xd7},                          // ENCLU
    {0x0f, 0x01, 0xf8},                          // SWAPGS, in 64-bit code
    {0x0f, 0x01, 0xf9},                          // RDTSCP
    {0x0f, 0x33},                                // RDPMC
    {0x0f, 0x32},                                // RDMSR
    {0x0f, 0x30},                                // WRMSR
    {0x0f, 0x08},                                // INVD
    {0x0f, 0x09},                                // WBINVD
    {0x0f, 0x01, 0x38},                          // INVLPG
    {0x0f, 0x06},                                // CLTS
    {0x0f, 0x01, 0xf0},                          // LMSW
    {0x0f, 0x00, 0xd0},                          // LLDT
    {0x0f, 0x00, 0xd8},                          // LTR
    {0x0f, 0x01, 0x15, 0, 0, 4, 0},              // LGDT
    {0x0f, 0x01, 0x1d, 0, 0, 4, 0},              // LIDT
    {0x0f, 0x22, 0xc0},                          // MOV CR0
    {0x0f, 0x22, 0xd8},                          // MOV CR3
    {0x0f, 0x22, 0xe0},                          // MOV CR4
    {0xf0, 0x0f, 0x22, 0xc0},                    // MOV CR8, on AMD's
    {0x0f, 0x23, 0xf8},                          // MOV DR7
    {0xf4},                                      // HLT
    {0xfa},                                      // CLI
    {0xfb},                                      // STI
    {0xe6, 0x64},                                // OUT
    {0xec},                                      // IN
    {0x6e},                                      // OUTS
    {0x8e, 0xd0},                                // MOV SS
    {0x8e, 0xe8, 0xcd, 0x17},                    // MOV GS and a callout
    {0xfd, 0xcd, 0x17},                          // STD and callouts
    {0xfd, 0xcd, 0x19},                          //
    {0x6a, 0xff, 0x9d, 0xcd, 0x16},              // POPF of everything and callouts
    {0x6a, 0xff, 0x9d, 0xcd, 0x17},              //
    {0x6a, 0xff, 0x9d, 0xcd, 0x18},              //
    {0x6a, 0xff, 0x9d, 0xcd, 0x1a},              //
    {0x6a, 0xff, 0x9d, 0xcd, 0x80},              //
    {0x6a, 0xff, 0x9d, 0xf1},                    //
    {0x31, 0xe4, 0xcd, 0x16},                    // ESP 0
    {0x31, 0xe4, 0x60},                          //
    {0x6a, 0xff, 0x0e, 0x68, 0, 0, 2, 0, 0xcf},  // IRET with everything in EFLAGS
    {0xea, 0xfe, 0xff, 0xff, 0xff, 8, 0},        // the end of the 4 GiB
};

bool execute_all(WildGuest& guest, Bytes bytes) {
  if (guest.execute(bytes)) return true;
  CHECK(!"the bytes were executed");
  return false;
}

// What LAR finds for each selector, at ring 1; bit 0: looked at.
bool list_descriptors(WildGuest& guest, uint32_t found[65536]) {
  constexpr uint32_t kAtOnce = 4096;
  for (uint32_t first = 0; first < 65536; first += kAtOnce) {
    const uint32_t end = first + kAtOnce;
    std::memset(guest.scratch(), 0, 4 * kAtOnce);
    // mov ecx, first; 1: xor eax, eax; lar eax, ecx; jz 2f; xor eax, eax; 2: or al, 1; mov [edi], eax; add edi, 4;
    // inc ecx; cmp ecx, end; jb 1b
    const Bytes code = {0xb9, low(first), high(first), 0, 0, 0xbf, 0, 0, 4, 0, 0x31, 0xc0, 0x0f, 0x02, 0xc1, 0x74, 2, 0x31,
                        0xc0, 0x0c, 1, 0x89, 0x07, 0x83, 0xc7, 4, 0x41, 0x81, 0xf9, 0, high(end), static_cast<uint8_t>(end >> 16),
                        0, 0x72, 0xe7};
    unsigned attempts = 0;
    do {
      if (++attempts > 50 || !execute_all(guest, code)) return false;
      std::memcpy(found + first, guest.scratch(), 4 * kAtOnce);
    } while (!found[end - 1]);
  }
  return true;
}

}  // namespace

TEST(wild_software_interrupts) {
  needs_ring1();
  WildGuest guest;
  for (unsigned vector = 0; vector < 256; vector++)
    if (!execute_all(guest, {0xcd, static_cast<uint8_t>(vector)})) return;
}

TEST(wild_instructions) {
  needs_ring1();
  WildGuest guest;
  for (const Bytes& bytes : kOdd)
    if (!execute_all(guest, bytes)) return;
}

TEST(wild_descriptors) {
  needs_ring1();
  static uint32_t found[65536];
  WildGuest guest;
  if (!list_descriptors(guest, found)) return CHECK(!"each descriptor was looked at");
  unsigned seen = 0;
  for (unsigned selector = 0; selector < 65536; selector++) {
    const uint32_t access = found[selector];
    CHECK(access & 1);
    if (!(access & ~1u)) continue;
    seen++;
    const bool memory = access >> 12 & 1, code = access >> 11 & 1, is_long = access >> 21 & 1;
    CHECK(memory);                       // no gate, no TSS, no LDT
    CHECK(access >> 13 & 3);             // nothing of ring 0
    CHECK(!(memory && code && is_long));
  }
  CHECK(seen > 3);
}

TEST(wild_far_transfers) {
  needs_ring1();
  WildGuest guest;
  const auto jump_and_call = [&guest](unsigned selector) {
    const auto s = static_cast<uint16_t>(selector);
    return execute_all(guest, {0xea, 0, 0, 2, 0, low(s), high(s)}) && execute_all(guest, {0x9a, 0, 0, 2, 0, low(s), high(s)});
  };
  for (unsigned index = 1; index < WildGuest::kDescriptors / 2; index++)
    if (!jump_and_call(8 * index + (index % 2 ? 1 : 3))) return;
  for (unsigned selector = 0xff80; selector < 0x10000; selector += 8)
    if (!jump_and_call(selector) || !jump_and_call(selector + 1)) return;
  // LDT: there is none.
  if (!jump_and_call(0xf) || !jump_and_call(0xff87)) return;
}

// push selector and flags of all kinds: IRET to rings 1, 2 and 3, with VM, NT, TF, AC, RF, IOPL 3 and IF 0.
TEST(wild_returns) {
  needs_ring1();
  WildGuest guest;
  for (unsigned index = 1; index < WildGuest::kDescriptors / 2; index++) {
    const auto cs = static_cast<uint16_t>(8 * index + index % 4), ss = static_cast<uint16_t>(8 * (guest.random() % 64) + cs % 4);
    const auto flags = static_cast<uint32_t>(guest.random());
    if (!execute_all(guest, {0x68, low(ss), high(ss), 0, 0, 0x68, 0, 0, 5, 0, 0x68, static_cast<uint8_t>(flags),
                             static_cast<uint8_t>(flags >> 8), static_cast<uint8_t>(flags >> 16), static_cast<uint8_t>(flags >> 24),
                             0x68, low(cs), high(cs), 0, 0, 0x68, 0, 0, 2, 0, 0xcf}))
      return;
  }
}

// A breakpoint that MOV SS holds back until the monitor is entered.
TEST(wild_breakpoints) {
  needs_ring1();
  WildGuest guest;
  guest.watch_scratch();
  constexpr uint16_t kStackSelector = WildGuest::kFlatData | 1;
  static const Bytes kNext[] = {{0xf1}, {0xcc}, {0x0f, 0x05}, {0xcd, 1}, {0xcd, 2}, {0xcd, 0x12}, {0xcd, 0x16}, {0xcd, 0x17},
                             {0xcd, 0x18}, {0xcd, 0x19}, {0xcd, 0x1a}, {0xcd, 0x80}, {0xcd, 0xec}};
  for (const Bytes& next : kNext) {
    std::memcpy(guest.scratch(), &kStackSelector, sizeof kStackSelector);
    uint8_t code[16] = {0x8e, 0x15, 0, 0, 4, 0};  // mov ss, [scratch]
    std::memcpy(code + 6, next.begin(), next.size());
    if (!guest.execute(code, static_cast<unsigned>(6 + next.size()))) return CHECK(!"the bytes were executed");
  }
}

TEST(wild_bytes) {
  needs_ring1();
  WildGuest guest;
  for (unsigned i = 0; i < 200; i++) {
    uint8_t code[24];
    for (uint8_t& byte : code) byte = static_cast<uint8_t>(guest.random());
    if (!guest.execute(code, sizeof code)) return CHECK(!"the bytes were executed");
  }
}
