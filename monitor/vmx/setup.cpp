// SPDX-License-Identifier: GPL-2.0-only
// Once per virtual processor: which controls the processor offers, and everything in the VMCS that never changes.
#include <cerrno>

#include "hwaccel/vmx/control.h"
#include "monitor/world/freestanding.h"
#include "monitor/world/hardware.h"
#include "monitor/vcpu/vcpu.h"
#include "monitor/vmx/engine.h"
#include "x86/registers.h"

namespace ring1::monitor {

namespace vmx = hwaccel::vmx;

namespace {

constexpr uint32_t kFsBase = 0xc0000100, kGsBase = 0xc0000101;

// Exceptions that must exit: a guest could keep the processor delivering #DB or #AC for ever, and #MC is the host's.
constexpr uint32_t kExceptions = 1u << static_cast<unsigned>(Vector::kDb) | 1u << static_cast<unsigned>(Vector::kAc) |
                                 1u << static_cast<unsigned>(Vector::kMc);
constexpr uint32_t kPageFault = 1u << static_cast<unsigned>(Vector::kPf);

// One bit per register and direction (SDM 3C 25.6.9).
void let_through(uint8_t* bitmap, uint32_t msr) {
  constexpr unsigned kHighRead = 1024, kHighWrite = 3072;
  const uint32_t bit = msr & 0x1fff;
  const auto mask = static_cast<uint8_t>(~(1u << bit % 8));
  bitmap[kHighRead + bit / 8] &= mask;
  bitmap[kHighWrite + bit / 8] &= mask;
}

}  // namespace

uint64_t VmxEngine::init() {
  const vmx::CapabilityMsrs msrs = vmx::read_capabilities([](uint32_t index) { return hardware::read_msr(index); });
  // Reads and writes of CR8 exit: the local APIC is the monitor's.
  controls_ = vmx::choose_controls(msrs, {.ept = shared_.config.nested_paging != 0, .tpr_shadow = false});
  ept_vpid_ = msrs.ept_vpid;
  if (controls_.lack != vmx::Lack::kNone) {
    vcpu_.log.line("VT-x is not usable: %s", vmx::describe(controls_.lack));
    return EOPNOTSUPP;
  }
  if (!mmu_.init() || (controls_.ept && !ept_.init()) || !make_msr_bitmap() || !make_identity_map()) {
    vcpu_.log.line("no memory for the tables of VT-x");
    return ENOMEM;
  }
  if (controls_.ept) mmu_.set_shadowing(false);
  vmcs_.has_efer = controls_.efer;
  if (!vmcs_.init()) {
    vcpu_.log.line("the processor does not take the VMCS");
    return EIO;
  }
  write_controls();
  vcpu_.log.line("VT-x:%s%s%s%s%s", controls_.ept ? " EPT" : " shadow paging", controls_.vpid ? " VPID" : "",
                    controls_.unrestricted_guest ? " unrestricted guest" : "",
                    controls_.virtual_nmis ? " virtual NMIs" : "", controls_.efer ? " EFER" : "");
  return 0;
}

bool VmxEngine::make_msr_bitmap() {
  paging::Page page;
  if (!vcpu_.pool.allocate(&page)) return false;
  memset(page.va, 0xff, kPageSize);
  let_through(static_cast<uint8_t*>(page.va), kFsBase);
  let_through(static_cast<uint8_t*>(page.va), kGsBase);
  msr_bitmap_ = page.hpa;
  return true;
}

// Without paging the guest's linear addresses are its physical ones. A processor that insists on paging gets a page
// directory of 4 MiB pages that says so. It lies in the guest's physical space, as CR3 names guest memory, where user
// space wants it (KVM_SET_IDENTITY_MAP_ADDR).
bool VmxEngine::make_identity_map() {
  if (!controls_.ept || controls_.unrestricted_guest) return true;
  constexpr uint32_t kLargeDirtyAccessed = 0xe7;  // present, writable, user, accessed, dirty, large
  paging::Page page;
  if (!vcpu_.pool.allocate(&page)) return false;
  for (uint32_t n = 0; n < 1024; n++) static_cast<uint32_t*>(page.va)[n] = n << 22 | kLargeDirtyAccessed;
  return ept_.tables().map(Gpa(shared_.config.identity_map), page.hpa, false);
}

void VmxEngine::write_controls() {
  vpid_ = controls_.vpid ? static_cast<uint16_t>(vcpu_.host.switch_page().vpid) : 0;
  if (!vpid_ && controls_.vpid) {  // the host had none left
    controls_.vpid = false;
    controls_.secondary &= ~vmx::secondary::kVpid;
  }
  processor_controls_ = controls_.processor;
  entry_controls_ = controls_.entry;
  vmcs_.write(Field::kPinControls, controls_.pin);
  vmcs_.write(Field::kProcessorControls, processor_controls_);
  vmcs_.write(Field::kExitControls, controls_.exit);
  vmcs_.write(Field::kEntryControls, entry_controls_);
  if (controls_.processor & vmx::processor::kSecondary) vmcs_.write(Field::kSecondaryControls, controls_.secondary);
  if (vpid_) vmcs_.write(Field::kVpid, vpid_);
  if (controls_.ept) vmcs_.write(Field::kEptPointer, ept_.root().raw() | controls_.ept_pointer_bits);
  if (controls_.msr_bitmaps) vmcs_.write(Field::kMsrBitmap, msr_bitmap_.raw());
  vmcs_.write(Field::kExceptionBitmap, kExceptions | (controls_.ept ? 0 : kPageFault));
  vmcs_.write(Field::kPageFaultErrorMask, 0);
  vmcs_.write(Field::kPageFaultErrorMatch, 0);
  vmcs_.write(Field::kCr3TargetCount, 0);
  vmcs_.write(Field::kExitMsrStoreCount, 0);
  vmcs_.write(Field::kExitMsrLoadCount, 0);
  vmcs_.write(Field::kEntryMsrLoadCount, 0);
  vmcs_.write(Field::kEntryInterruptionInfo, 0);
  vmcs_.write(Field::kLinkPointer, ~uint64_t{0});
  vmcs_.write(Field::kGuestDebugctl, 0);
  vmcs_.write(Field::kGuestActivity, 0);
  vmcs_.write(Field::kCr0Mask, cr0_mask());
  vmcs_.write(Field::kCr4Mask, cr4_mask());
}

}  // namespace ring1::monitor
