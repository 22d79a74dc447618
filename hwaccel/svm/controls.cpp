// SPDX-License-Identifier: GPL-2.0-only
#include "hwaccel/svm/controls.h"

#include "hwaccel/svm/exit.h"
#include "x86/exception.h"

namespace ring1::hwaccel::svm {
namespace {

constexpr uint16_t kCr0 = 1u << 0, kCr3 = 1u << 3, kCr4 = 1u << 4, kCr8 = 1u << 8;

constexpr uint32_t event_bit(Exit exit) {
  return 1u << (static_cast<unsigned>(exit) - static_cast<unsigned>(Exit::kInterrupt));
}

constexpr uint32_t instruction_bit(Exit exit) {
  return 1u << (static_cast<unsigned>(exit) - static_cast<unsigned>(Exit::kVmrun));
}

constexpr uint32_t exception_bit(Vector vector) { return 1u << static_cast<unsigned>(vector); }

template <class... Exits>
constexpr uint32_t events(Exits... exits) {
  return (event_bit(exits) | ...);
}

template <class... Exits>
constexpr uint32_t instructions(Exits... exits) {
  return (instruction_bit(exits) | ...);
}

// Physical events are the host's. The instructions are those that show or change what is virtual here, that could keep
// the processor busy for long, or that are not offered in CPUID.
constexpr uint32_t kEvents =
    events(Exit::kInterrupt, Exit::kNmi, Exit::kSmi, Exit::kInit, Exit::kReadPmc, Exit::kCpuid, Exit::kRsm, Exit::kInvd,
           Exit::kHlt, Exit::kInvlpga, Exit::kIo, Exit::kMsr, Exit::kShutdown);
constexpr uint32_t kInstructions =
    instructions(Exit::kVmrun, Exit::kVmmcall, Exit::kVmload, Exit::kVmsave, Exit::kStgi, Exit::kClgi, Exit::kSkinit,
                 Exit::kRdtscp, Exit::kWbinvd, Exit::kMonitor, Exit::kMwait, Exit::kMwaitArmed, Exit::kXsetbv,
                 Exit::kRdpru);

// A guest can make the processor deliver #AC and #DB for ever, within one instruction.
constexpr uint32_t kExceptions = exception_bit(Vector::kDb) | exception_bit(Vector::kAc) | exception_bit(Vector::kMc);

// The bitmap has two bits per register, for reads and for writes, in three ranges (APM 2 15.11).
constexpr uint32_t kLowMsrs = 0, kHighMsrs = 0xc0000000;
constexpr unsigned kRangeMsrs = 0x2000, kRangeBytes = 0x800;

void pass(uint8_t* bitmap, uint32_t msr) {
  const uint32_t first = msr < kRangeMsrs ? kLowMsrs : kHighMsrs;
  const unsigned bit = (msr - first) * 2 + (first == kHighMsrs ? kRangeBytes * 8 : 0);
  bitmap[bit / 8] &= static_cast<uint8_t>(~(3u << bit % 8));
}

}  // namespace

void set_intercepts(const Needs& needs, VmcbControl* control) {
  control->intercept_exceptions = kExceptions;
  control->intercept_events = kEvents;
  control->intercept_instructions = kInstructions;
  control->intercept_cr_reads = kCr4 | kCr8;
  control->intercept_cr_writes = kCr4 | kCr8;
  control->intercept_dr_reads = control->intercept_dr_writes = 0xffff;
  if (needs.watch_cr0) {
    control->intercept_cr_reads |= kCr0;
    control->intercept_cr_writes |= kCr0;
  }
  if (needs.nmi_blocked) control->intercept_events |= event_bit(Exit::kIret);
  if (needs.interrupt_window) control->intercept_events |= event_bit(Exit::kVirtualInterrupt);
  if (needs.nested_paging) return;
  // The processor's CR0 and CR3 are ours.
  control->intercept_exceptions |= exception_bit(Vector::kPf);
  control->intercept_events |= events(Exit::kInvlpg, Exit::kTaskSwitch);
  control->intercept_cr_reads |= kCr0 | kCr3;
  control->intercept_cr_writes |= kCr0 | kCr3;
}

void fill_io_bitmap(uint8_t* bitmap) {
  for (unsigned i = 0; i < kIoBitmapBytes; i++) bitmap[i] = 0xff;
}

void fill_msr_bitmap(uint8_t* bitmap) {
  for (unsigned i = 0; i < kMsrBitmapBytes; i++) bitmap[i] = 0xff;
  // SYSENTER_CS, ESP, EIP; STAR, LSTAR, CSTAR, SFMASK; FS_BASE, GS_BASE, KERNEL_GS_BASE.
  constexpr uint32_t kFree[] = {0x174,      0x175,      0x176,      0xc0000081, 0xc0000082,
                                0xc0000083, 0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102};
  for (const uint32_t msr : kFree) pass(bitmap, msr);
}

}  // namespace ring1::hwaccel::svm
