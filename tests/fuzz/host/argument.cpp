// SPDX-License-Identifier: GPL-2.0-only
#include "argument.h"

#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>

#include "tests/ioctl/raw_call.h"

namespace ring1::fuzz {

namespace {

constexpr long kIoctl32 = 54;  // i386's number; the third argument goes in EDX

// By the gate of 32-bit programs; all of the arguments lie below 4 GiB.
long ioctl32(int fd, unsigned long number, uint64_t argument) {
  long result;
  asm volatile("int $0x80"
               : "=a"(result)
               : "0"(kIoctl32), "b"(static_cast<long>(fd)), "c"(number), "d"(argument)
               : "r8", "r9", "r10", "r11", "memory");
  return static_cast<int>(result);
}

// As a 32-bit program does it: from its code segment, by code in the pool, on a stack below 4 GiB, as signals come. A jump leads
// there and one back: QEMU's TCG reads the stack of a far return as the kernel, and SMAP stops that. R12 and R13 come through on
// every processor, though no manual promises it.
long ioctl_from_32_bits(unsigned actor, int fd, unsigned long number, uint64_t argument) {
  long result;
  asm volatile(
      "mov %%rsp, %%r12\n"
      "lea 1f(%%rip), %%r13\n"
      "mov %[stack], %%rsp\n"
      "ljmp *%[stub]\n"
      "1: mov %%r12, %%rsp"
      : "=a"(result)
      : "0"(kIoctl32), "b"(static_cast<long>(fd)), "c"(number), "d"(argument), [stub] "m"(pool->stub32),
        [stack] "r"(pool->stack32(actor))
      : "r8", "r9", "r10", "r11", "r12", "r13", "memory", "cc");
  return static_cast<int>(result);
}

// Most times where it was filled in; then in memory that others change meanwhile, half mapped, or nowhere.
uint64_t place(Worker& worker, uint8_t* filled, size_t size) {
  Random& random = worker.random;
  const auto arena = reinterpret_cast<uint64_t>(pool->arena);
  switch (random.below(24)) {
    case 0: return arena + random.below(Pool::kArena);
    case 1: return reinterpret_cast<uint64_t>(pool->run_areas) + random.below(Pool::kMachines * Pool::kRunArea);
    case 2: return reinterpret_cast<uint64_t>(worker.room.end()) - random.below(size + 1);
    case 3: return random.odd_number();
    case 4: {
      uint8_t* shared = pool->arena + random.below(Pool::kArena - Room::kSize);
      return touched([&] { std::memcpy(shared, filled, size); }) ? reinterpret_cast<uint64_t>(shared) : 0;
    }
    default: return reinterpret_cast<uint64_t>(filled);
  }
}

}  // namespace

long request(Worker& worker, const char* name, int fd, unsigned long number, uint64_t argument) {
  Step& step = worker.begin(name, static_cast<uint64_t>(fd), argument, number);
  if (argument >> 32 == 0 && worker.random.one_in(6))
    return step.result = worker.random.one_in(2) ? ioctl32(fd, number, argument) : ioctl_from_32_bits(worker.actor, fd, number, argument);
  return step.result = ioctl(fd, number, argument) < 0 ? -errno : 0;
}

void fill_odd(Worker& worker, uint8_t* bytes, size_t size) {
  std::memset(bytes, 0, size);
  const unsigned changes = static_cast<unsigned>(worker.random.below(worker.random.one_in(3) ? 40 : 4));
  for (unsigned i = 0; i < changes && size; i++) {
    const uint64_t value = worker.random.odd_number();
    const size_t where = worker.random.below(size) & ~size_t{3};
    std::memcpy(bytes + where, &value, size - where < 8 ? size - where : 8);
  }
}

void make_call(Worker& worker, int fd, const Call& call, size_t size) {
  uint8_t* bytes = worker.room.end() - size;
  if (call.fill)
    call.fill(worker, bytes, size);
  else
    fill_odd(worker, bytes, size);
  if (call.getter && !worker.random.one_in(4) && ioctl(fd, call.getter, bytes) >= 0) {
    const unsigned changes = static_cast<unsigned>(worker.random.below(4));
    for (unsigned i = 0; i < changes; i++) {
      const uint64_t value = worker.random.odd_number();
      const size_t where = worker.random.below(size);
      std::memcpy(bytes + where, &value, size - where < 8 ? size - where : 1u << worker.random.below(4));
    }
  }
  request(worker, call.name, fd, call.number, place(worker, bytes, size));
}

}  // namespace ring1::fuzz
