// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/state/vcpu_state.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>

#include <algorithm>

#include "vmm/failure.h"
#include "vmm/kvm/variable_request.h"

namespace ring1::vmm {

namespace {

constexpr uint32_t kMsrTsc = 0x10, kMsrFsBase = 0xc0000100, kMsrGsBase = 0xc0000101;
constexpr uint64_t kClockTolerancePpm = 250;

template <class T>
void get(int fd, unsigned long request, T& value, const char* name) {
  if (::ioctl(fd, request, &value) != 0) throw system_failure(name);
}

template <class T>
void set(int fd, unsigned long request, const T& value, const char* name) {
  T copy = value;
  if (::ioctl(fd, request, &copy) != 0) throw system_failure(name);
}

bool has_xsave(const KvmSystem& system) {
  return system.capability(KVM_CAP_XSAVE) > 0 && system.capability(KVM_CAP_XCRS) > 0;
}

// One by one: the list is the device's, and one VM may lack what another has.
std::vector<kvm_msr_entry> read_msrs(const KvmSystem& system, int vcpu) {
  std::vector<kvm_msr_entry> all;
  for (const uint32_t index : system.msr_indices()) {
    std::vector<kvm_msr_entry> one(1);
    one[0].index = index;
    if (variable_ioctl(vcpu, kGetMsrs, one) == 1) all.push_back(one[0]);
  }
  // The time-stamp counter last, as it runs.
  std::stable_partition(all.begin(), all.end(), [](const kvm_msr_entry& msr) { return msr.index != kMsrTsc; });
  return all;
}

void write_msr(int vcpu, const kvm_msr_entry& msr) {
  std::vector<kvm_msr_entry> one{msr};
  if (variable_ioctl(vcpu, kSetMsrs, one) == 1) return;
  // These two are in the segments as well.
  if (msr.data == 0 || msr.index == kMsrFsBase || msr.index == kMsrGsBase) return;
  spdlog::warn("model-specific register {:#x} of the saved machine cannot be set to {:#x} here", msr.index, msr.data);
}

void check_frequency(uint32_t saved, int vcpu) {
  const int64_t now = ::ioctl(vcpu, KVM_GET_TSC_KHZ, 0);
  if (now <= 0 || saved == 0) return;
  const uint64_t difference = static_cast<uint64_t>(std::abs(now - int64_t{saved}));
  if (difference * 1'000'000 > kClockTolerancePpm * saved)
    spdlog::warn("the guest's clock was calibrated at {} kHz, this machine's time-stamp counter runs at {} kHz", saved,
                 now);
}

}  // namespace

VcpuState VcpuState::read(const KvmSystem& system, int vcpu) {
  VcpuState state;
  get(vcpu, KVM_GET_MP_STATE, state.mp_state, "KVM_GET_MP_STATE");
  get(vcpu, KVM_GET_REGS, state.regs, "KVM_GET_REGS");
  get(vcpu, KVM_GET_SREGS, state.sregs, "KVM_GET_SREGS");
  get(vcpu, KVM_GET_FPU, state.fpu, "KVM_GET_FPU");
  get(vcpu, KVM_GET_VCPU_EVENTS, state.events, "KVM_GET_VCPU_EVENTS");
  get(vcpu, KVM_GET_DEBUGREGS, state.debugregs, "KVM_GET_DEBUGREGS");
  get(vcpu, KVM_GET_LAPIC, state.lapic, "KVM_GET_LAPIC");
  if (has_xsave(system)) {
    get(vcpu, KVM_GET_XSAVE, state.xsave.emplace(), "KVM_GET_XSAVE");
    get(vcpu, KVM_GET_XCRS, state.xcrs.emplace(), "KVM_GET_XCRS");
  }
  state.tsc_khz = static_cast<uint32_t>(std::max(0, ::ioctl(vcpu, KVM_GET_TSC_KHZ, 0)));
  state.msrs = read_msrs(system, vcpu);
  return state;
}

void VcpuState::write(const KvmSystem& system, int vcpu) const {
  check_frequency(tsc_khz, vcpu);
  set(vcpu, KVM_SET_SREGS, sregs, "KVM_SET_SREGS");
  set(vcpu, KVM_SET_REGS, regs, "KVM_SET_REGS");
  if (xsave && xcrs && has_xsave(system)) {
    set(vcpu, KVM_SET_XCRS, *xcrs, "KVM_SET_XCRS");
    set(vcpu, KVM_SET_XSAVE, *xsave, "KVM_SET_XSAVE");
  } else {
    set(vcpu, KVM_SET_FPU, fpu, "KVM_SET_FPU");
  }
  set(vcpu, KVM_SET_DEBUGREGS, debugregs, "KVM_SET_DEBUGREGS");
  set(vcpu, KVM_SET_LAPIC, lapic, "KVM_SET_LAPIC");
  set(vcpu, KVM_SET_VCPU_EVENTS, events, "KVM_SET_VCPU_EVENTS");
  set(vcpu, KVM_SET_MP_STATE, mp_state, "KVM_SET_MP_STATE");
  for (const kvm_msr_entry& msr : msrs) write_msr(vcpu, msr);
}

void VcpuState::save(SectionWriter& out) const {
  out.put(regs);
  out.put(sregs);
  out.put(fpu);
  out.put(lapic);
  out.put(mp_state);
  out.put(events);
  out.put(debugregs);
  out.put(tsc_khz);
  out.put_all(msrs);
  out.put(static_cast<uint8_t>(xsave && xcrs));
  if (xsave && xcrs) {
    out.put(*xsave);
    out.put(*xcrs);
  }
}

VcpuState VcpuState::restore(SectionReader& in) {
  VcpuState state;
  state.regs = in.get<kvm_regs>();
  state.sregs = in.get<kvm_sregs>();
  state.fpu = in.get<kvm_fpu>();
  state.lapic = in.get<kvm_lapic_state>();
  state.mp_state = in.get<kvm_mp_state>();
  state.events = in.get<kvm_vcpu_events>();
  state.debugregs = in.get<kvm_debugregs>();
  state.tsc_khz = in.get<uint32_t>();
  state.msrs = in.get_all<std::vector<kvm_msr_entry>>();
  if (in.get<uint8_t>()) {
    state.xsave = in.get<XsaveArea>();
    state.xcrs = in.get<kvm_xcrs>();
  }
  return state;
}

}  // namespace ring1::vmm
