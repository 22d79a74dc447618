// SPDX-License-Identifier: GPL-2.0-only
// HLT NOP CPUID WAIT FXSAVE FXRSTOR RDTSC RDTSCP RDPMC CRC32 RDRAND VMCALL VMMCALL.
#include "emulator/flags.h"
#include "emulator/handlers.h"

namespace ring1::emulator {
namespace {

bool may_read_tsc(const Context& c) { return !(c.cpu.cr4 & cr4::kTsd) || c.cpl() == 0; }

void write_edx_eax(Context& c, uint64_t value) {
  c.write_gpr(kRax, 4, value);
  c.write_gpr(kRdx, 4, value >> 32);
}

}  // namespace

Outcome op_hlt(Context&) { return Outcome::kHalt; }
Outcome op_nop(Context&) { return Outcome::kDone; }

Outcome op_cpuid(Context& c) {
  uint32_t out[4];
  c.machine.cpuid(static_cast<uint32_t>(c.read_gpr(kRax, 4)), static_cast<uint32_t>(c.read_gpr(kRcx, 4)), out);
  c.write_gpr(kRax, 4, out[0]);
  c.write_gpr(kRbx, 4, out[1]);
  c.write_gpr(kRcx, 4, out[2]);
  c.write_gpr(kRdx, 4, out[3]);
  return Outcome::kDone;
}

// A pending x87 exception is reported by the next x87 instruction, which is not executed here.
Outcome op_wait(Context& c) {
  constexpr uint64_t kBoth = cr0::kMp | cr0::kTs;
  return (c.cpu.cr0 & kBoth) == kBoth ? c.raise(Vector::kNm) : Outcome::kDone;
}

// FXSAVE and FXRSTOR: the registers are the processor's, only the fault is ours.
Outcome op_fxsave(Context& c) {
  return c.cpu.cr0 & (cr0::kEm | cr0::kTs) ? c.raise(Vector::kNm) : Outcome::kUnsupported;
}

// The Castagnoli polynomial, bits reflected (SDM 2A CRC32). Changes no flag.
Outcome op_crc32(Context& c) {
  constexpr uint32_t kPolynomial = 0x82f63b78;
  uint64_t source;
  if (!c.read_operand(1, &source)) return c.failure;
  auto sum = static_cast<uint32_t>(c.read_register(c.operands[0].reg.value));
  for (unsigned i = 0; i < 8 * c.size_of(1); ++i, source >>= 1) {
    const bool bit = (sum ^ source) & 1;
    sum = sum >> 1 ^ (bit ? kPolynomial : 0);
  }
  c.write_register(c.operands[0].reg.value, sum);
  return Outcome::kDone;
}

// No random number is there yet, which software must expect: 0, and CF is clear (SDM 2B RDRAND).
Outcome op_rdrand(Context& c) {
  constexpr uint32_t kFeatures = 1, kEcx = 2, kBit = 30;
  if (!c.offered(kFeatures, kEcx, kBit)) return c.raise(Vector::kUd);
  c.write_register(c.operands[0].reg.value, 0);
  set_flags(c, 0);
  return Outcome::kDone;
}

// KVM: Documentation/virt/kvm/x86/hypercalls.rst. The number is in EAX, and so is the answer. None of those that CPUID
// would announce is; who tries one all the same learns that there is none.
Outcome op_hypercall(Context& c) {
  constexpr int64_t kNotPermitted = -1, kNoSuchCall = -1000;
  constexpr uint64_t kVapicPollIrq = 1;  // does nothing, and has no feature bit
  if (!c.machine.takes_hypercalls()) return c.raise(Vector::kUd);
  const unsigned size = c.code64() ? 8 : 4;
  const uint64_t number = c.read_gpr(kRax, size);
  const int64_t answer = c.cpl() ? kNotPermitted : number == kVapicPollIrq ? 0 : kNoSuchCall;
  c.write_gpr(kRax, size, static_cast<uint64_t>(answer));
  return Outcome::kDone;
}

Outcome op_rdtsc(Context& c) {
  if (!may_read_tsc(c)) return c.raise(Vector::kGp);
  write_edx_eax(c, c.machine.read_tsc());
  return Outcome::kDone;
}

Outcome op_rdtscp(Context& c) {
  constexpr uint32_t kExtendedFeatures = 0x80000001, kEdx = 3, kRdtscp = 27;
  if (!c.offered(kExtendedFeatures, kEdx, kRdtscp)) return c.raise(Vector::kUd);
  if (!may_read_tsc(c)) return c.raise(Vector::kGp);
  write_edx_eax(c, c.machine.read_tsc());
  c.write_gpr(kRcx, 4, c.cpu.tsc_aux);
  return Outcome::kDone;
}

Outcome op_rdpmc(Context& c) {
  if (!(c.cpu.cr4 & cr4::kPce) && c.cpl() != 0) return c.raise(Vector::kGp);
  bool ok = false;
  const uint64_t value = c.machine.read_pmc(static_cast<uint32_t>(c.read_gpr(kRcx, 4)), &ok);
  if (!ok) return c.raise(Vector::kGp);
  write_edx_eax(c, value);
  return Outcome::kDone;
}

}  // namespace ring1::emulator
