// SPDX-License-Identifier: GPL-2.0-only
// Ioctls of /dev/ring1, and what makes and ends machines.
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "argument.h"
#include "include/ring1/api.h"
#include "tests/ioctl/machine.h"

namespace ring1::fuzz {

namespace {

using namespace ring1::ioctl_test;

void create_vm(Worker& worker, unsigned i) {
  unsigned long type = pool->machine_type;
  if (worker.random.one_in(8)) type |= worker.random.one_in(2) ? RING1_VM_ACTIVE_TIME : RING1_VM_SHADOW_PAGING;
  if (worker.random.one_in(16)) type = worker.random.odd_number();
  Step& step = worker.begin("CREATE_VM", type);
  const int fd = ioctl(pool->device, KVM_CREATE_VM, type);
  step.result = fd;
  if (fd < 0) return;
  const int old = pool->vm[i].exchange(fd);
  if (old >= 0) close(old);
  if (worker.random.one_in(2)) ioctl(fd, KVM_CREATE_IRQCHIP, 0);
  kvm_pit_config pit = {};
  if (worker.random.one_in(2)) ioctl(fd, KVM_CREATE_PIT2, &pit);
}

// And its kvm_run, at the place that this vCPU's always has.
void create_vcpu(Worker& worker, unsigned i) {
  const unsigned long id = worker.random.one_in(8) ? worker.random.odd_number() : 0;
  Step& step = worker.begin("CREATE_VCPU", static_cast<uint64_t>(pool->vm[i].load()), id);
  const int fd = ioctl(pool->vm[i], KVM_CREATE_VCPU, id);
  step.result = fd;
  if (fd < 0) return;
  const int old = pool->vcpu[i].exchange(fd);
  if (old >= 0) close(old);
  mmap(pool->run_area(i), Pool::kRunArea, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
}

void close_one(Worker& worker, unsigned i) {
  auto& place = worker.random.one_in(2) ? pool->vm[i] : pool->vcpu[i];
  const int fd = place.exchange(-1);
  Step& step = worker.begin("close", static_cast<uint64_t>(fd));
  step.result = fd >= 0 ? close(fd) : -1;
}

void read_stats(Worker& worker, unsigned i) {
  const int owner = worker.random.one_in(2) ? pool->vm[i] : pool->vcpu[i];
  Step& step = worker.begin("GET_STATS_FD", static_cast<uint64_t>(owner));
  const int fd = ioctl(owner, KVM_GET_STATS_FD, 0);
  step.result = fd;
  if (fd < 0) return;
  uint8_t* to = worker.random.one_in(4) ? pool->arena + worker.random.below(Pool::kArena) : worker.room.end() - 4096;
  step.result = pread(fd, to, 4096, static_cast<off_t>(worker.random.one_in(2) ? 0 : worker.random.odd_number()));
  close(fd);
}

void ask(Worker& worker) {
  const Call calls[] = {
      {"GET_ENGINE_INFO", RING1_GET_ENGINE_INFO, 0, [](Worker& by, uint8_t* bytes, size_t size) {
         std::memset(bytes, 0, size);
         const uint32_t engine = static_cast<uint32_t>(by.random.one_in(4) ? by.random.odd_number() : by.random.below(4));
         std::memcpy(bytes, &engine, sizeof engine);
       }},
      {"GET_SUPPORTED_CPUID", kGetSupportedCpuid, 0, [](Worker& by, uint8_t* bytes, size_t size) {
         std::memset(bytes, 0, size);
         const uint32_t count = static_cast<uint32_t>(by.random.one_in(4) ? by.random.odd_number() : by.random.below(60));
         std::memcpy(bytes, &count, sizeof count);
       }},
      {"GET_MSR_INDEX_LIST", kGetMsrIndexList, 0, nullptr},
  };
  make_call(worker, pool->device, worker.random.of(calls), 4096);
}

}  // namespace

void call_device(Worker& worker) {
  const unsigned i = static_cast<unsigned>(worker.random.below(Pool::kMachines));
  switch (worker.random.below(12)) {
    case 0: return create_vm(worker, i);
    case 1: return read_stats(worker, i);
    case 2: return close_one(worker, i);
    case 3: request(worker, "CHECK_EXTENSION", pool->device, KVM_CHECK_EXTENSION, worker.random.odd_number()); return;
    case 4: request(worker, "any", pool->device, worker.random.odd_number(), worker.random.odd_number()); return;
    case 5: request(worker, "GET_VCPU_MMAP_SIZE", pool->device, KVM_GET_VCPU_MMAP_SIZE, worker.random.below(2)); return;
    case 6: case 7: return ask(worker);
    default:
      if (pool->vm[i] < 0) create_vm(worker, i);
      if (pool->vcpu[i] < 0) create_vcpu(worker, i);
  }
}

}  // namespace ring1::fuzz
