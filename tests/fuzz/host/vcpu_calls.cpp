// SPDX-License-Identifier: GPL-2.0-only
// Ioctls of a virtual processor, but KVM_RUN.
#include <sys/ioctl.h>

#include <cstring>

#include "argument.h"
#include "tests/ioctl/machine.h"

namespace ring1::fuzz {

namespace {

using namespace ring1::ioctl_test;

constexpr uint32_t kMsrs[] = {0x10, 0x1b, 0x174, 0x175, 0x176, 0x1a0, 0x1d9, 0x277, 0x3b, 0x11, 0x12, 0x4b564d00, 0x4b564d01,
                              0x4b564d03, 0x6e0, 0xc0000080, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100,
                              0xc0000101, 0xc0000102, 0xc0000103, 0x200, 0x2ff};

// As many as fit into `size`; at times the number says otherwise.
void msrs(Worker& worker, uint8_t* bytes, size_t size) {
  std::memset(bytes, 0, size);
  uint32_t count = static_cast<uint32_t>((size - 8) / sizeof(kvm_msr_entry));
  for (uint32_t i = 0; i < count; i++) {
    kvm_msr_entry entry = {};
    entry.index = worker.random.one_in(8) ? static_cast<uint32_t>(worker.random.odd_number()) : worker.random.of(kMsrs);
    entry.data = worker.random.odd_number();
    std::memcpy(bytes + 8 + i * sizeof entry, &entry, sizeof entry);
  }
  if (worker.random.one_in(8)) count = static_cast<uint32_t>(worker.random.odd_number());
  std::memcpy(bytes, &count, sizeof count);
}

// What the device offers, with changes.
void cpuid(Worker& worker, uint8_t* bytes, size_t size) {
  std::memset(bytes, 0, size);
  uint32_t count = static_cast<uint32_t>((size - 8) / sizeof(kvm_cpuid_entry2));
  std::memcpy(bytes, &count, sizeof count);
  ioctl(pool->device, kGetSupportedCpuid, bytes);
  for (unsigned i = static_cast<unsigned>(worker.random.below(6)); i > 0; i--) {
    const uint64_t value = worker.random.odd_number();
    std::memcpy(bytes + (worker.random.below(size - 8) & ~size_t{3}), &value, 4);
  }
}

void signal_mask(Worker& worker, uint8_t* bytes, size_t size) {
  std::memset(bytes, 0, size);
  const uint32_t length = worker.random.one_in(4) ? static_cast<uint32_t>(worker.random.odd_number()) : 8;
  const uint64_t mask = worker.random.one_in(4) ? worker.random.next() : 0;
  std::memcpy(bytes, &length, sizeof length);
  std::memcpy(bytes + 4, &mask, sizeof mask);
}

void interrupt(Worker& worker, uint8_t* bytes, size_t size) {
  const uint32_t vector = static_cast<uint32_t>(worker.random.one_in(4) ? worker.random.odd_number() : worker.random.below(256));
  std::memcpy(bytes, &vector, size);
}

const Call kCalls[] = {
    {"SET_REGS", KVM_SET_REGS, KVM_GET_REGS, nullptr},
    {"SET_SREGS", KVM_SET_SREGS, KVM_GET_SREGS, nullptr},
    {"SET_FPU", KVM_SET_FPU, KVM_GET_FPU, nullptr},
    {"SET_LAPIC", KVM_SET_LAPIC, KVM_GET_LAPIC, nullptr},
    {"SET_MP_STATE", KVM_SET_MP_STATE, KVM_GET_MP_STATE, nullptr},
    {"SET_VCPU_EVENTS", KVM_SET_VCPU_EVENTS, KVM_GET_VCPU_EVENTS, nullptr},
    {"SET_DEBUGREGS", KVM_SET_DEBUGREGS, KVM_GET_DEBUGREGS, nullptr},
    {"GET_REGS", KVM_GET_REGS, 0, nullptr},
    {"GET_SREGS", KVM_GET_SREGS, 0, nullptr},
    {"GET_LAPIC", KVM_GET_LAPIC, 0, nullptr},
    {"INTERRUPT", KVM_INTERRUPT, 0, interrupt},
    {"SET_VAPIC_ADDR", KVM_SET_VAPIC_ADDR, 0, nullptr},
};
const Call kLists[] = {
    {"SET_MSRS", kSetMsrs, 0, msrs},
    {"GET_MSRS", kGetMsrs, 0, msrs},
    {"SET_CPUID2", kSetCpuid2, 0, cpuid},
    {"GET_CPUID2", kGetCpuid2, 0, cpuid},
};
const Call kSignalMask = {"SET_SIGNAL_MASK", kSetSignalMask, 0, signal_mask};

}  // namespace

void call_vcpu(Worker& worker) {
  const int fd = pool->vcpu[worker.random.below(Pool::kMachines)];
  switch (worker.random.below(16)) {
    case 0: request(worker, "NMI", fd, KVM_NMI, 0); return;
    case 1: request(worker, "KVMCLOCK_CTRL", fd, KVM_KVMCLOCK_CTRL, 0); return;
    case 2: request(worker, "any of a vCPU", fd, worker.random.of(kCalls).number ^ 1u << worker.random.below(32), worker.random.odd_number()); return;
    case 3: return make_call(worker, fd, kSignalMask, 12);
    case 4: case 5: case 6: return make_call(worker, fd, worker.random.of(kLists), 8 + 40 * (1 + worker.random.below(40)));
    default: return make_call(worker, fd, worker.random.of(kCalls));
  }
}

}  // namespace ring1::fuzz
