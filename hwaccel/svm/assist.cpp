// SPDX-License-Identifier: GPL-2.0-only
#include "hwaccel/svm/assist.h"

#include "hwaccel/svm/exit.h"
#include "x86/exception.h"
#include "x86/registers.h"

namespace ring1::hwaccel::svm {
namespace {

constexpr uint8_t kTwoByte = 0x0f, kRexR = 0x44, kRexB = 0x41, kRegisterForm = 0xc0;
constexpr uint16_t kCodeLong = 1u << 9;  // L of VmcbSegment.attributes

constexpr bool is_between(Exit exit, Exit first, Exit last) { return exit >= first && exit <= last; }
constexpr unsigned distance(Exit exit, Exit first) {
  return static_cast<unsigned>(static_cast<uint64_t>(exit) - static_cast<uint64_t>(first));
}

bool is_code64(const VmcbState& state) { return (state.efer & efer::kLma) && (state.cs.attributes & kCodeLong); }

struct Spelling {
  InstructionBytes out;

  explicit Spelling(unsigned length) { out.length = static_cast<uint8_t>(length); }
  Spelling& operator<<(unsigned byte) {
    out.bytes[out.count++] = static_cast<uint8_t>(byte);
    return *this;
  }
};

// MOV between a general register and a control or debug register: 0F 20..23 /r, register form.
InstructionBytes spell_move(const VmcbState& state, unsigned opcode, unsigned special, unsigned gpr, unsigned length) {
  const bool code64 = is_code64(state);
  if (!code64 && (special >= 8 || gpr >= 8)) return {};
  Spelling spelling(length);
  const unsigned rex = (special >= 8 ? kRexR : 0) | (gpr >= 8 ? kRexB : 0);
  if (rex) spelling << rex;
  spelling << kTwoByte << opcode << (kRegisterForm | (special & 7) << 3 | (gpr & 7));
  return spelling.out;
}

// EXITINFO1: bit 63 tells MOV from LMSW, SMSW and CLTS (APM 2 15.33.1, 15.33.2).
InstructionBytes spell_register_access(const Vmcb& vmcb, Exit exit, unsigned length) {
  constexpr unsigned kReadCr = 0x20, kReadDr = 0x21, kWriteCr = 0x22, kWriteDr = 0x23;
  constexpr uint64_t kIsMove = uint64_t{1} << 63, kRegister = 0xf;
  const uint64_t info = vmcb.control.exit_info1;
  const auto gpr = static_cast<unsigned>(info & kRegister);
  const auto move = [&](unsigned opcode, Exit first) {
    return spell_move(vmcb.state, opcode, distance(exit, first), gpr, length);
  };
  if (is_between(exit, Exit::kReadDr0, Exit::kReadDr15)) return move(kReadDr, Exit::kReadDr0);
  if (is_between(exit, Exit::kWriteDr0, Exit::kWriteDr15)) return move(kWriteDr, Exit::kWriteDr0);
  if (!(info & kIsMove)) return {};
  if (is_between(exit, Exit::kReadCr0, Exit::kReadCr15)) return move(kReadCr, Exit::kReadCr0);
  return move(kWriteCr, Exit::kWriteCr0);
}

// Those without operands.
InstructionBytes spell_plain(const Vmcb& vmcb, Exit exit, unsigned length) {
  constexpr unsigned kHlt = 0xf4, kCpuid = 0xa2, kRdmsr = 0x32, kWrmsr = 0x30, kRdpmc = 0x33, kInvd = 0x08;
  constexpr unsigned kWbinvd = 0x09;
  Spelling spelling(length);
  switch (exit) {
    case Exit::kHlt: spelling << kHlt; break;
    case Exit::kCpuid: spelling << kTwoByte << kCpuid; break;
    // EXITINFO1: 1 for WRMSR (APM 2 15.11).
    case Exit::kMsr: spelling << kTwoByte << (vmcb.control.exit_info1 & 1 ? kWrmsr : kRdmsr); break;
    case Exit::kReadPmc: spelling << kTwoByte << kRdpmc; break;
    case Exit::kInvd: spelling << kTwoByte << kInvd; break;
    case Exit::kWbinvd: spelling << kTwoByte << kWbinvd; break;
    default: return {};
  }
  return spelling.out;
}

bool is_page_fault(Exit exit) {
  constexpr auto kFault =
      static_cast<Exit>(static_cast<uint64_t>(Exit::kException0) + static_cast<uint64_t>(Vector::kPf));
  return exit == kFault || exit == Exit::kNestedPageFault;
}

// None if the fault was that of the fetch itself, and none from some processors that meet SMAP on the way.
InstructionBytes fetched_bytes(const VmcbControl& control) {
  constexpr unsigned kCount = 0xf;
  InstructionBytes out;
  out.count = control.fetched_count & kCount;
  for (unsigned i = 0; i < out.count; i++) out.bytes[i] = control.fetched[i];
  return out;
}

}  // namespace

unsigned next_rip_distance(const Vmcb& vmcb, uint32_t features) {
  if (!(features & feature::kNextRip) || !vmcb.control.next_rip) return 0;
  uint64_t length = vmcb.control.next_rip - vmcb.state.rip;
  if (!is_code64(vmcb.state)) length = static_cast<uint32_t>(length);
  return length <= InstructionBytes::kMax ? static_cast<unsigned>(length) : 0;
}

InstructionBytes instruction_of(const Vmcb& vmcb, uint32_t features) {
  const auto exit = static_cast<Exit>(vmcb.control.exit_code);
  const bool assists = features & feature::kDecodeAssists;
  if (is_page_fault(exit)) return assists ? fetched_bytes(vmcb.control) : InstructionBytes{};
  const unsigned length = next_rip_distance(vmcb, features);
  if (!length) return {};
  if (is_between(exit, Exit::kReadCr0, Exit::kWriteDr15))
    return assists ? spell_register_access(vmcb, exit, length) : InstructionBytes{};
  return spell_plain(vmcb, exit, length);
}

bool invlpg_address(const Vmcb& vmcb, uint32_t features, uint64_t* linear) {
  if (!(features & feature::kDecodeAssists) || static_cast<Exit>(vmcb.control.exit_code) != Exit::kInvlpg) return false;
  *linear = vmcb.control.exit_info1;
  return true;
}

}  // namespace ring1::hwaccel::svm
