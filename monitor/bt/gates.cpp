// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/bt/gates.h"

#include <initializer_list>

#include "monitor/bt/descriptor.h"
#include "x86/registers.h"

namespace ring1::monitor {
namespace {

constexpr uint16_t kRplMask = 3, kTableBit = 4;
constexpr uint32_t kGatePresent = 1u << 15, kInterruptGate32 = 0x0e, kTrapGate32 = 0x0f;
constexpr unsigned kGateDplShift = 13, kGateTypeShift = 8, kGateTypeMask = 0x1f;
constexpr uint32_t kFlatLimit = 0xffffffff;
constexpr uint32_t kFlatData =
    RING1_AR_P | RING1_AR_S | RING1_AR_WRITABLE | RING1_AR_ACCESSED | RING1_AR_DB | RING1_AR_G;
constexpr uint32_t kFlatCode = kFlatData | RING1_AR_CODE;
constexpr uint32_t kTssType = 9, kTssBusy = 2, kTssStackEnd = 11;
// What no return here may bring, and no event meet: single steps, tasks, V86, an IOPL.
constexpr uint32_t kOddFlags = eflags::kTf | eflags::kNt | eflags::kVm | eflags::kIopl;
constexpr uint32_t kReturned = eflags::kArithmetic | eflags::kDf | eflags::kIf | eflags::kRf | eflags::kAc | eflags::kId |
                               kOddFlags | eflags::kVif | eflags::kVip;

bool is_flat(const ring1_segment& segment, uint32_t access, unsigned cpl) {
  return segment.base == 0 && segment.limit == kFlatLimit &&
         (segment.access & ~uint32_t{RING1_AR_AVL}) == (access | cpl << RING1_AR_DPL_SHIFT);
}

ring1_segment flat(uint32_t selector, uint32_t access, unsigned cpl) {
  ring1_segment segment{};
  segment.limit = kFlatLimit;
  segment.access = access | cpl << RING1_AR_DPL_SHIFT;
  segment.selector = static_cast<uint16_t>((selector & ~3u) | cpl);
  return segment;
}

unsigned cpl_of(const ring1_cpu_state& cpu) { return (cpu.seg[kSs].access & RING1_AR_DPL_MASK) >> RING1_AR_DPL_SHIFT; }

// SMAP would have to be looked at for each word.
bool is_plain(const ring1_cpu_state& cpu) {
  return (cpu.cr0 & cr0::kPe) && !(cpu.cr4 & cr4::kSmap) && !(cpu.efer & efer::kLma) && !(cpu.rflags & kOddFlags);
}

}  // namespace

// From the GDT. A segment that is not flat, or was never accessed, is for the general way.
bool Gates::read(uint16_t selector, unsigned cpl, bool code, Known* known) {
  const uint32_t offset = selector & ~uint32_t{kRplMask | kTableBit};
  uint64_t descriptor;
  if (!offset || (selector & kTableBit) || offset + 7 > cpu_.gdtr.limit) return false;
  if (!view_.load(cpu_.gdtr.base + offset, &descriptor, 2)) return false;
  ring1_segment segment{};
  descriptor::unpack(descriptor, static_cast<uint16_t>((selector & ~uint32_t{kRplMask}) | cpl), &segment);
  // Code may be readable or not.
  if (!is_flat(segment, code ? kFlatCode : kFlatData, cpl)) return false;
  *known = {selector, segments_.generation(), segment};
  return true;
}

// SS:ESP for CPL 0, from the TSS (SDM 3A 7.2.1).
bool Gates::inner_stack(uint32_t* esp) {
  const ring1_segment& tr = cpu_.tr;
  if ((tr.access & RING1_AR_UNUSABLE) || (tr.access & RING1_AR_TYPE_MASK & ~kTssBusy) != kTssType) return false;
  uint32_t pair[2];
  if (tr.limit < kTssStackEnd || !view_.load(tr.base + 4, pair, 2)) return false;
  const auto selector = static_cast<uint16_t>(pair[1]);
  *esp = pair[0];
  return !(selector & kRplMask) && load(selector, 0, false, &kernel_stack_);
}

bool Gates::deliver(const emulator::Event& event) {
  const unsigned cpl = cpl_of(cpu_);
  const uint32_t where = event.vector * 8u;
  uint32_t gate[2];
  if (!is_plain(cpu_) || (cpl != 0 && cpl != 3) || where + 7 > cpu_.idtr.limit) return false;
  if (!view_.load(cpu_.idtr.base + where, gate, 2)) return false;
  const uint32_t type = gate[1] >> kGateTypeShift & kGateTypeMask;
  if (!(gate[1] & kGatePresent) || (type != kInterruptGate32 && type != kTrapGate32)) return false;
  if (event.is_software && (event.instruction_length || (gate[1] >> kGateDplShift & 3) < cpl)) return false;
  if (event.is_exception && event.vector == static_cast<uint8_t>(Vector::kDb)) return false;
  const auto selector = static_cast<uint16_t>(gate[0] >> 16);
  if (!load(static_cast<uint16_t>(selector & ~kRplMask), 0, true, &kernel_code_)) return false;

  auto esp = static_cast<uint32_t>(cpu_.gpr[kRsp]);
  if (cpl == 0 ? !is_flat(cpu_.seg[kSs], kFlatData, 0) : !inner_stack(&esp)) return false;
  uint32_t frame[6];
  unsigned words = 0;
  if (event.has_error) frame[words++] = event.error_code;
  frame[words++] = static_cast<uint32_t>(cpu_.rip);
  frame[words++] = cpu_.seg[kCs].selector;
  frame[words++] = emulator::flags_to_push(cpu_, event);
  if (cpl != 0) {
    frame[words++] = static_cast<uint32_t>(cpu_.gpr[kRsp]);
    frame[words++] = cpu_.seg[kSs].selector;
  }
  if (esp < 4 * words || !view_.store(esp - 4 * words, frame, words)) return false;

  if (event.is_exception && event.vector == static_cast<uint8_t>(Vector::kPf)) cpu_.cr2 = event.cr2;
  if (!event.is_exception && !event.is_software && event.vector == static_cast<uint8_t>(Vector::kNmi)) cpu_.nmi_blocked = 1;
  cpu_.seg[kCs] = kernel_code_.segment;
  if (cpl != 0) cpu_.seg[kSs] = kernel_stack_.segment;
  cpu_.gpr[kRsp] = esp - 4 * words;
  cpu_.rip = (gate[0] & 0xffff) | (gate[1] & 0xffff0000);
  cpu_.rflags &= ~uint64_t{eflags::kRf | (type == kInterruptGate32 ? eflags::kIf : 0)};
  cpu_.shadow = 0;
  return true;
}

// Nothing is loaded that a return to CPL 3 would have to make null (SDM 3A 5.8.6).
bool Gates::no_inner_segments() const {
  for (const SegmentRegister which : {kDs, kEs, kFs, kGs}) {
    const ring1_segment& segment = cpu_.seg[which];
    if (!(segment.access & RING1_AR_UNUSABLE) && (segment.access & RING1_AR_DPL_MASK) != RING1_AR_DPL_MASK) return false;
  }
  return true;
}

bool Gates::interrupt_return() {
  const uint64_t esp = static_cast<uint32_t>(cpu_.gpr[kRsp]);
  uint32_t frame[5];
  if (!is_plain(cpu_) || cpl_of(cpu_) != 0 || !is_flat(cpu_.seg[kSs], kFlatData, 0)) return false;
  if (!view_.load(esp, frame, 3) || (frame[2] & (kOddFlags | eflags::kVif | eflags::kVip))) return false;
  const auto code = static_cast<uint16_t>(frame[1]);
  switch (code & kRplMask) {
    case 0:
      if (!load(code, 0, true, &kernel_code_)) return false;
      cpu_.seg[kCs] = kernel_code_.segment;
      cpu_.gpr[kRsp] = static_cast<uint32_t>(esp + 12);
      break;
    case 3: {
      if (!view_.load(esp + 12, frame + 3, 2)) return false;
      const auto stack = static_cast<uint16_t>(frame[4]);
      if ((stack & kRplMask) != 3 || !no_inner_segments()) return false;
      if (!load(code, 3, true, &user_code_) || !load(stack, 3, false, &user_stack_)) return false;
      cpu_.seg[kCs] = user_code_.segment;
      cpu_.seg[kSs] = user_stack_.segment;
      cpu_.gpr[kRsp] = frame[3];
      break;
    }
    default: return false;
  }
  cpu_.rip = frame[0];
  cpu_.rflags = (static_cast<uint32_t>(cpu_.rflags) & ~kReturned) | (frame[2] & kReturned) | eflags::kFixed1;
  cpu_.nmi_blocked = 0;  // SDM 3A 6.7.1
  cpu_.shadow = 0;
  return true;
}

bool Gates::sysenter() {
  const auto base = static_cast<uint32_t>(cpu_.sysenter_cs & 0xfffc);
  if (!is_plain(cpu_) || !base) return false;
  cpu_.seg[kCs] = flat(base, kFlatCode, 0);
  cpu_.seg[kSs] = flat(base + 8, kFlatData, 0);
  cpu_.rip = static_cast<uint32_t>(cpu_.sysenter_eip);
  cpu_.gpr[kRsp] = static_cast<uint32_t>(cpu_.sysenter_esp);
  cpu_.rflags &= ~uint64_t{eflags::kIf | eflags::kRf};
  cpu_.shadow = 0;
  return true;
}

bool Gates::sysexit() {
  const auto base = static_cast<uint32_t>(cpu_.sysenter_cs & 0xfffc);
  if (!is_plain(cpu_) || !base || cpl_of(cpu_) != 0) return false;
  cpu_.seg[kCs] = flat(base + 16, kFlatCode, 3);
  cpu_.seg[kSs] = flat(base + 24, kFlatData, 3);
  cpu_.rip = static_cast<uint32_t>(cpu_.gpr[kRdx]);
  cpu_.gpr[kRsp] = static_cast<uint32_t>(cpu_.gpr[kRcx]);
  cpu_.rflags &= ~uint64_t{eflags::kRf};  // as behind any instruction
  cpu_.shadow = 0;
  return true;
}

}  // namespace ring1::monitor
