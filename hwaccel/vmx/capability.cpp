// SPDX-License-Identifier: GPL-2.0-only
#include "hwaccel/vmx/capability.h"

#include "hwaccel/vmx/control.h"
#include "hwaccel/vmx/ept_capability.h"
#include "x86/registers.h"

namespace ring1::hwaccel::vmx {
namespace {

constexpr uint64_t kWriteBackType = 6;  // IA32_VMX_BASIC bits 53:50

constexpr uint32_t kNeededPin = pin::kExternalInterrupt | pin::kNmi;
constexpr uint32_t kNeededProcessor = processor::kInterruptWindow | processor::kTscOffsetting | processor::kHlt |
                                      processor::kMwait | processor::kRdpmc | processor::kMovDr | processor::kMonitor |
                                      processor::kUnconditionalIo;
constexpr uint32_t kPaging = processor::kCr3Load | processor::kCr3Store | processor::kInvlpg;
constexpr uint32_t kCr8 = processor::kCr8Load | processor::kCr8Store;
// Set only while something waits for them.
constexpr uint32_t kOnDemand = processor::kInterruptWindow | processor::kNmiWindow | processor::kMovDr;

// EPT as we use it: four levels in write-back memory, with an INVEPT of some scope.
bool ept_usable(const CapabilityMsrs& msrs) {
  using namespace ept_capability;
  constexpr uint64_t kNeeded = kFourLevels | kWriteBack | kInvept;
  const ControlRange processor(msrs.processor), second(msrs.secondary);
  return second.offers(secondary::kEpt) && (msrs.ept_vpid & kNeeded) == kNeeded &&
         (msrs.ept_vpid & (kInveptContext | kInveptAll)) && processor.can_be_clear(kPaging);
}

bool vpid_usable(const CapabilityMsrs& msrs) {
  using namespace ept_capability;
  return ControlRange(msrs.secondary).offers(secondary::kVpid) && (msrs.ept_vpid & kInvvpid) &&
         (msrs.ept_vpid & (kInvvpidContext | kInvvpidAll));
}

Lack find_lack(const CapabilityMsrs& msrs, bool ept) {
  const ControlRange pin(msrs.pin), processor(msrs.processor), exit(msrs.exit);
  if ((msrs.basic >> 50 & 0xf) != kWriteBackType) return Lack::kMemoryType;
  if (!pin.offers(kNeededPin)) return Lack::kInterruptExiting;
  if (!processor.offers(kNeededProcessor) || !(processor.offers(kCr8) || processor.offers(processor::kTprShadow)))
    return Lack::kInstructionExiting;
  if (!exit.offers(exit_control::kHost64) || !exit.can_be_clear(exit_control::kAcknowledge)) return Lack::kHost64;
  if (!ept && !processor.offers(kPaging)) return Lack::kPagingControls;
  return Lack::kNone;
}

}  // namespace

const char* describe(Lack lack) {
  switch (lack) {
    case Lack::kNone: return "usable";
    case Lack::kMemoryType: return "a VMCS cannot lie in write-back memory";
    case Lack::kInterruptExiting: return "no exits on external interrupts and NMIs";
    case Lack::kInstructionExiting: return "instructions that must exit cannot";
    case Lack::kHost64: return "no exits to a 64-bit host";
    case Lack::kPagingControls: return "neither EPT nor exits on CR3 and INVLPG";
  }
  return "unknown";
}

Controls choose_controls(const CapabilityMsrs& msrs, const Wish& wish) {
  const ControlRange pin_range(msrs.pin), range(msrs.processor), second(msrs.secondary);
  const ControlRange exit(msrs.exit), entry(msrs.entry);
  Controls c;
  c.ept = wish.ept && ept_usable(msrs);
  c.vpid = wish.vpid && vpid_usable(msrs);
  c.unrestricted_guest = c.ept && wish.unrestricted_guest && second.offers(secondary::kUnrestrictedGuest);
  c.virtual_nmis = pin_range.offers(pin::kVirtualNmis) && range.offers(processor::kNmiWindow);
  c.msr_bitmaps = range.offers(processor::kMsrBitmaps);
  c.tpr_shadow = wish.tpr_shadow && range.offers(processor::kTprShadow);
  c.efer = exit.offers(exit_control::kSaveEfer | exit_control::kLoadEfer) && entry.offers(entry_control::kLoadEfer);
  c.lack = find_lack(msrs, c.ept);

  c.pin = pin_range.must | kNeededPin | (c.virtual_nmis ? pin::kVirtualNmis : 0);
  c.secondary = second.must | (c.ept ? secondary::kEpt : 0) | (c.vpid ? secondary::kVpid : 0) |
                (c.unrestricted_guest ? secondary::kUnrestrictedGuest : 0);
  // Ports exit without a bitmap: there is none a guest may touch. MOV DR and the windows are asked for on demand.
  c.processor = range.must | (kNeededProcessor & ~kOnDemand) | (c.ept ? 0 : kPaging) |
                (c.tpr_shadow ? processor::kTprShadow : 0) | (!c.tpr_shadow ? kCr8 : 0) |
                (c.msr_bitmaps ? processor::kMsrBitmaps : 0) | (c.secondary ? processor::kSecondary : 0);
  c.exit = exit.must | exit_control::kHost64 | (exit.may & exit_control::kSaveDebug) |
           (c.efer ? exit_control::kSaveEfer | exit_control::kLoadEfer : 0);
  c.entry = entry.must | (entry.may & entry_control::kLoadDebug) | (c.efer ? entry_control::kLoadEfer : 0);

  // Unrestricted guests may run without paging and protection (SDM 3C 27.3.1.1).
  c.cr0_must = msrs.cr0_fixed0 & ~(c.unrestricted_guest ? cr0::kPe | cr0::kPg : 0);
  c.cr0_may = msrs.cr0_fixed1;
  c.cr4_must = msrs.cr4_fixed0;
  c.cr4_may = msrs.cr4_fixed1;
  if (c.ept) {
    c.ept_large = msrs.ept_vpid & ept_capability::kLarge2M;
    c.ept_dirty = msrs.ept_vpid & ept_capability::kAccessedDirty;
    c.ept_pointer_bits = ept_capability::kPointerWriteBack | ept_capability::kPointerFourLevels |
                         (c.ept_dirty ? ept_capability::kPointerAccessedDirty : 0);
  }
  return c;
}

}  // namespace ring1::hwaccel::vmx
