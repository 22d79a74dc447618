// SPDX-License-Identifier: GPL-2.0-only
// The virtual machine control block: what VMRUN reads and #VMEXIT writes (APM 2 appendix B). One page.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ring1::hwaccel::svm {

// attributes: bits 7:0 as bits 55:48 of a descriptor less the limit, bits 11:8 AVL, L, D/B, G.
struct VmcbSegment {
  uint16_t selector, attributes;
  uint32_t limit;
  uint64_t base;
};

struct VmcbControl {
  uint16_t intercept_cr_reads, intercept_cr_writes, intercept_dr_reads, intercept_dr_writes;
  uint32_t intercept_exceptions;
  uint32_t intercept_events;        // bit n: exit code 0x60 + n
  uint32_t intercept_instructions;  // bit n: exit code 0x80 + n
  uint8_t reserved1[0x3c - 0x14];
  uint16_t pause_filter_threshold, pause_filter_count;
  uint64_t io_bitmap, msr_bitmap;  // physical addresses
  uint64_t tsc_offset;
  uint32_t asid;
  uint8_t tlb_control, reserved2[3];
  uint32_t virtual_interrupt;  // vintr:: below
  uint32_t virtual_vector;
  uint64_t interrupt_shadow;  // bit 0
  uint64_t exit_code, exit_info1, exit_info2;
  uint64_t exit_interrupt_info;  // an event whose delivery the exit cut short, format of event_injection
  uint64_t nested_paging;        // bit 0
  uint8_t reserved3[0xa8 - 0x98];
  uint64_t event_injection;
  uint64_t nested_cr3;
  uint64_t lbr_virtualization;
  uint32_t clean, reserved4;
  uint64_t next_rip;  // with NRIP save
  uint8_t fetched_count, fetched[15];
  uint8_t reserved5[0x400 - 0xe0];
};

struct VmcbState {
  VmcbSegment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
  uint8_t reserved1[0xcb - 0xa0];
  uint8_t cpl;
  uint32_t reserved2;
  uint64_t efer;
  uint8_t reserved3[0x148 - 0xd8];
  uint64_t cr4, cr3, cr0, dr7, dr6, rflags, rip;
  uint8_t reserved4[0x1d8 - 0x180];
  uint64_t rsp;
  uint8_t reserved5[0x1f8 - 0x1e0];
  uint64_t rax, star, lstar, cstar, sfmask, kernel_gs_base, sysenter_cs, sysenter_esp, sysenter_eip, cr2;
  uint8_t reserved6[0x268 - 0x248];
  uint64_t pat;
  uint8_t reserved7[0xc00 - 0x270];
};

struct Vmcb {
  VmcbControl control;
  VmcbState state;
};

static_assert(sizeof(Vmcb) == 4096 && offsetof(Vmcb, state) == 0x400);
static_assert(offsetof(VmcbControl, io_bitmap) == 0x40 && offsetof(VmcbControl, asid) == 0x58);
static_assert(offsetof(VmcbControl, virtual_interrupt) == 0x60 && offsetof(VmcbControl, exit_code) == 0x70);
static_assert(offsetof(VmcbControl, nested_paging) == 0x90 && offsetof(VmcbControl, event_injection) == 0xa8);
static_assert(offsetof(VmcbControl, clean) == 0xc0 && offsetof(VmcbControl, next_rip) == 0xc8);
static_assert(offsetof(VmcbState, cpl) == 0xcb && offsetof(VmcbState, efer) == 0xd0);
static_assert(offsetof(VmcbState, cr4) == 0x148 && offsetof(VmcbState, rip) == 0x178);
static_assert(offsetof(VmcbState, rsp) == 0x1d8 && offsetof(VmcbState, rax) == 0x1f8);
static_assert(offsetof(VmcbState, cr2) == 0x240 && offsetof(VmcbState, pat) == 0x268);

// APM 2 15.21.1, 15.21.4.
namespace vintr {
inline constexpr uint32_t kTprMask = 0xff, kRequest = 1u << 8, kPriorityShift = 16, kIgnoreTpr = 1u << 20;
inline constexpr uint32_t kMasking = 1u << 24;
}  // namespace vintr

// APM 2 15.20; EXITINTINFO has the same format.
namespace event {
inline constexpr uint64_t kVectorMask = 0xff, kTypeMask = 7u << 8, kErrorValid = 1u << 11, kValid = 1u << 31;
inline constexpr uint64_t kInterrupt = 0u << 8, kNmi = 2u << 8, kException = 3u << 8, kSoftware = 4u << 8;
inline constexpr unsigned kErrorShift = 32;
}  // namespace event

// APM 2 15.16.1.
enum class TlbControl : uint8_t { kNothing = 0, kFlushAll = 1, kFlushAsid = 3 };

// CPUID 0x8000000a, EDX (APM 3 E.4.9).
namespace feature {
inline constexpr uint32_t kNestedPaging = 1u << 0, kNextRip = 1u << 3, kCleanBits = 1u << 5, kFlushByAsid = 1u << 6;
inline constexpr uint32_t kDecodeAssists = 1u << 7;
}  // namespace feature

}  // namespace ring1::hwaccel::svm
