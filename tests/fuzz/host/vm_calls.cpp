// SPDX-License-Identifier: GPL-2.0-only
// Ioctls of a virtual machine.
#include <cstring>

#include "argument.h"
#include "include/ring1/api.h"
#include "tests/ioctl/machine.h"

namespace ring1::fuzz {

namespace {

using namespace ring1::ioctl_test;

constexpr uint64_t kSizes[] = {0, 0x1000, 0x2000, 0x100000, 0x1000000, 0xfffff000, 0x100000000};
constexpr uint64_t kPlaces[] = {0, 0, 0, 0x1000, 0x400000, 0x800000, 0xfee00000, 0xfffff000};

void region(Worker& worker, uint8_t* bytes, size_t size) {
  Random& random = worker.random;
  kvm_userspace_memory_region slot = {};
  slot.slot = static_cast<uint32_t>(random.one_in(16) ? random.odd_number() : random.below(4));
  slot.flags = random.one_in(3) ? static_cast<uint32_t>(random.below(4)) : 0;
  slot.guest_phys_addr = random.one_in(16) ? random.odd_number() : random.of(kPlaces);
  slot.memory_size = random.one_in(16) ? random.odd_number() : random.of(kSizes);
  slot.userspace_addr = reinterpret_cast<uint64_t>(pool->arena) + (random.one_in(3) ? 4096 * random.below(4096) : 0);
  if (random.one_in(16)) slot.userspace_addr = random.odd_number();
  if (random.one_in(16)) slot.userspace_addr = reinterpret_cast<uint64_t>(pool->run_areas);
  std::memcpy(bytes, &slot, size);
}

void dirty_log(Worker& worker, uint8_t* bytes, size_t size) {
  kvm_dirty_log log = {};
  log.slot = static_cast<uint32_t>(worker.random.below(4));
  log.dirty_bitmap = pool->arena + worker.random.below(Pool::kArena);
  std::memcpy(bytes, &log, size);
}

void clear_dirty_log(Worker& worker, uint8_t* bytes, size_t size) {
  kvm_clear_dirty_log log = {};
  log.slot = static_cast<uint32_t>(worker.random.below(4));
  log.num_pages = static_cast<uint32_t>(worker.random.one_in(3) ? worker.random.odd_number() : 64 * worker.random.below(9));
  log.first_page = worker.random.one_in(3) ? worker.random.odd_number() : 64 * worker.random.below(9);
  log.dirty_bitmap = pool->arena + worker.random.below(Pool::kArena);
  std::memcpy(bytes, &log, size);
}

void enable_cap(Worker& worker, uint8_t* bytes, size_t size) {
  fill_odd(worker, bytes, size);
  const uint32_t capability = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2;
  if (!worker.random.one_in(4)) std::memset(bytes, 0, size), std::memcpy(bytes, &capability, sizeof capability);
  if (worker.random.one_in(2)) bytes[8] = 1;
}

void irq_line(Worker& worker, uint8_t* bytes, size_t size) {
  kvm_irq_level level = {};
  level.irq = static_cast<uint32_t>(worker.random.one_in(8) ? worker.random.odd_number() : worker.random.below(24));
  level.level = static_cast<uint32_t>(worker.random.one_in(8) ? worker.random.odd_number() : worker.random.below(2));
  std::memcpy(bytes, &level, size);
}

void irqchip(Worker& worker, uint8_t* bytes, size_t size) {
  fill_odd(worker, bytes, size);
  bytes[0] = static_cast<uint8_t>(worker.random.below(4)), bytes[1] = bytes[2] = bytes[3] = 0;
}

void routing(Worker& worker, uint8_t* bytes, size_t size) {
  fill_odd(worker, bytes, size);
  const uint32_t head[2] = {static_cast<uint32_t>(worker.random.one_in(4) ? worker.random.odd_number() : worker.random.below(60)), 0};
  std::memcpy(bytes, head, sizeof head);
}

const Call kCalls[] = {
    {"SET_USER_MEMORY_REGION", KVM_SET_USER_MEMORY_REGION, 0, region},
    {"SET_USER_MEMORY_REGION", KVM_SET_USER_MEMORY_REGION, 0, region},
    {"GET_DIRTY_LOG", KVM_GET_DIRTY_LOG, 0, dirty_log},
    {"CLEAR_DIRTY_LOG", KVM_CLEAR_DIRTY_LOG, 0, clear_dirty_log},
    {"ENABLE_CAP", KVM_ENABLE_CAP, 0, enable_cap},
    {"SET_IDENTITY_MAP_ADDR", KVM_SET_IDENTITY_MAP_ADDR, 0, nullptr},
    {"IRQ_LINE", KVM_IRQ_LINE, 0, irq_line},
    {"IRQ_LINE_STATUS", KVM_IRQ_LINE_STATUS, 0, irq_line},
    {"GET_IRQCHIP", KVM_GET_IRQCHIP, 0, irqchip},
    {"SET_IRQCHIP", KVM_SET_IRQCHIP, KVM_GET_IRQCHIP, irqchip},
    {"GET_CLOCK", KVM_GET_CLOCK, 0, nullptr},
    {"SET_CLOCK", KVM_SET_CLOCK, KVM_GET_CLOCK, nullptr},
    {"CREATE_PIT2", KVM_CREATE_PIT2, 0, nullptr},
    {"GET_PIT2", KVM_GET_PIT2, 0, nullptr},
    {"SET_PIT2", KVM_SET_PIT2, KVM_GET_PIT2, nullptr},
    {"GET_SCHED", RING1_GET_SCHED, 0, nullptr},
    {"SET_SCHED", RING1_SET_SCHED, RING1_GET_SCHED, nullptr},
};
const Call kRouting = {"SET_GSI_ROUTING", kSetGsiRouting, 0, routing};
const Call kReinject = {"REINJECT_CONTROL", KVM_REINJECT_CONTROL, 0, nullptr};

}  // namespace

void call_vm(Worker& worker) {
  const int fd = pool->vm[worker.random.below(Pool::kMachines)];
  switch (worker.random.below(24)) {
    case 0: return make_call(worker, fd, kRouting, 8 + 48 * worker.random.below(60));
    case 1: request(worker, "CREATE_IRQCHIP", fd, KVM_CREATE_IRQCHIP, 0); return;
    case 2: request(worker, "SET_TSS_ADDR", fd, KVM_SET_TSS_ADDR, worker.random.odd_number()); return;
    case 3: request(worker, "any of a VM", fd, worker.random.of(kCalls).number ^ 1u << worker.random.below(32), worker.random.odd_number()); return;
    case 4: return make_call(worker, fd, kReinject, sizeof(kvm_reinject_control));
    default: return make_call(worker, fd, worker.random.of(kCalls));
  }
}

}  // namespace ring1::fuzz
