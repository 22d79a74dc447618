// SPDX-License-Identifier: GPL-2.0-only
// What user space does to its memory the guest sees, as on KVM: there is one memory, not two.
#include <fcntl.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

#include "check.h"
#include "memory.h"

using namespace ring1::ioctl_test;

namespace {

constexpr size_t kSize = 64 * 4096;

void needs_guest() { SKIP_UNLESS(options.guest, "no guest code wanted"); }

void* map(void* where = nullptr, int flags = MAP_PRIVATE | MAP_ANONYMOUS, int fd = -1) {
  void* memory = mmap(where, kSize, PROT_READ | PROT_WRITE, where ? flags | MAP_FIXED : flags, fd, 0);
  CHECK(memory != MAP_FAILED);
  return memory;
}

volatile uint32_t* words(void* memory) { return static_cast<volatile uint32_t*>(memory); }

// A guest that has read and written memory in which this process has put a value.
class Acquainted : public Watcher {
 public:
  explicit Acquainted(void* guest_memory) {
    words(guest_memory)[0] = 0x11;
    CHECK_EQ(attach(guest_memory, kSize), 0);
    CHECK_EQ(reads(), 0x11);
    CHECK(writes());
    CHECK_EQ(words(guest_memory)[1], kMark);
  }
  // Both sides see each other's words.
  void check_shared(void* guest_memory, uint32_t value) {
    words(guest_memory)[0] = value;
    words(guest_memory)[1] = 0;
    CHECK_EQ(reads(), value);
    CHECK(writes());
    CHECK_EQ(words(guest_memory)[1], kMark);
  }
};

}  // namespace

TEST(memory_capability) {
  Vm vm;
  CHECK_EQ(vm.call(KVM_CHECK_EXTENSION, static_cast<unsigned long>(KVM_CAP_SYNC_MMU)), 1);
}

TEST(memory_follows_madvise) {
  needs_guest();
  void* memory = map();
  Acquainted guest(memory);
  CHECK_EQ(madvise(memory, kSize, MADV_DONTNEED), 0);
  CHECK_EQ(guest.reads(), 0);
  CHECK(guest.writes());
  CHECK_EQ(words(memory)[1], Watcher::kMark);
  guest.check_shared(memory, 0x22);
  munmap(memory, kSize);
}

TEST(memory_follows_munmap) {
  needs_guest();
  void* memory = map();
  Acquainted guest(memory);
  munmap(memory, kSize);
  CHECK_EQ(guest.reads(), Watcher::kNothing);
  CHECK(guest.vcpu.shared->exit_reason != KVM_EXIT_IO);
  map(memory);
  guest.check_shared(memory, 0x22);
  munmap(memory, kSize);
}

TEST(memory_follows_mmap_over_it) {
  needs_guest();
  void* memory = map();
  Acquainted guest(memory);
  map(memory);
  guest.check_shared(memory, 0x22);
  munmap(memory, kSize);
}

// What moved away is the process's own again.
TEST(memory_follows_mremap) {
  needs_guest();
  void *memory = map(), *place = map();
  Acquainted guest(memory);
  CHECK(mremap(memory, kSize, kSize, MREMAP_MAYMOVE | MREMAP_FIXED, place) == place);
  words(place)[0] = 0x33;
  words(place)[1] = 0x44;
  map(memory);
  guest.check_shared(memory, 0x22);
  CHECK_EQ(words(place)[0], 0x33);
  CHECK_EQ(words(place)[1], 0x44);
  munmap(memory, kSize);
  munmap(place, kSize);
}

TEST(memory_follows_mprotect) {
  needs_guest();
  void* memory = map();
  Acquainted guest(memory);
  words(memory)[1] = 0;
  CHECK_EQ(mprotect(memory, kSize, PROT_READ), 0);
  for (int i = 0; i < 3; i++) CHECK(!guest.writes() || i == 0);
  CHECK_EQ(words(memory)[1], 0);
  CHECK_EQ(mprotect(memory, kSize, PROT_READ | PROT_WRITE), 0);
  munmap(memory, kSize);
}

// The child's copy is of the moment of the fork.
TEST(memory_follows_fork) {
  needs_guest();
  void* memory = map();
  Acquainted guest(memory);
  int go[2];
  CHECK_EQ(pipe(go), 0);
  words(memory)[1] = 0x55;
  const pid_t child = fork();
  if (child == 0) {
    char byte;
    const bool told = read(go[0], &byte, 1) == 1;
    _exit(told && words(memory)[0] == 0x11 && words(memory)[1] == 0x55 ? 0 : 1);
  }
  guest.check_shared(memory, 0x22);
  CHECK_EQ(write(go[1], "", 1), 1);
  int status = 1;
  waitpid(child, &status, 0);
  CHECK_EQ(status, 0);
  guest.check_shared(memory, 0x23);
  close(go[0]), close(go[1]);
  munmap(memory, kSize);
}

TEST(memory_of_a_file_follows_holes) {
  needs_guest();
  const int file = memfd_create("guest", MFD_CLOEXEC);
  CHECK_EQ(ftruncate(file, kSize), 0);
  void *memory = map(nullptr, MAP_SHARED, file), *other = map(nullptr, MAP_SHARED, file);
  Acquainted guest(memory);
  CHECK_EQ(words(other)[1], Watcher::kMark);
  CHECK_EQ(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, kSize), 0);
  CHECK_EQ(guest.reads(), 0);
  CHECK(guest.writes());
  CHECK_EQ(words(other)[1], Watcher::kMark);
  guest.check_shared(other, 0x22);
  CHECK_EQ(ftruncate(file, 0), 0);
  CHECK_EQ(guest.reads(), Watcher::kNothing);
  CHECK_EQ(ftruncate(file, kSize), 0);
  guest.check_shared(memory, 0x33);
  munmap(memory, kSize), munmap(other, kSize);
  close(file);
}

// The process's own writes to a private file mapping are the guest's, too, in a read-only slot.
TEST(memory_of_a_private_file_follows_its_copy) {
  needs_guest();
  const int file = memfd_create("rom", MFD_CLOEXEC);
  CHECK_EQ(ftruncate(file, kSize), 0);
  void* memory = map(nullptr, MAP_PRIVATE, file);
  Watcher guest;
  kvm_userspace_memory_region region = {1, KVM_MEM_READONLY, Watcher::kBase, kSize, reinterpret_cast<uint64_t>(memory)};
  CHECK_EQ(guest.vm.call(KVM_SET_USER_MEMORY_REGION, &region), 0);
  CHECK_EQ(guest.reads(), 0);
  words(memory)[0] = 0x22;
  CHECK_EQ(guest.vcpu.run(), 0);  // the store to what is a ROM
  CHECK_EQ(guest.vcpu.shared->exit_reason, KVM_EXIT_MMIO);
  CHECK(guest.writes());
  CHECK_EQ(guest.reads(), 0x22);
  munmap(memory, kSize);
  close(file);
}

// The guest never stops by itself: whoever takes memory away must stop it.
TEST(memory_goes_while_the_guest_runs) {
  needs_guest();
  void* memory = map();
  Watcher guest;
  CHECK_EQ(guest.attach(memory, kSize), 0);
  guest.place(RealMode::kCode, {0xa1, 0x00, 0x00, 0x40, 0x00,                                // 1: mov eax, [kBase]
                                0xa3, 0x00, 0x20, 0x00, 0x00,                                // mov [0x2000], eax
                                0xff, 0x05, 0x04, 0x20, 0x00, 0x00,                          // inc dword [0x2004]
                                0x81, 0x3d, 0x08, 0x20, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00,  // cmp dword [0x2008], 1
                                0x75, 0xe4,                                                  // jne 1b
                                0xe7, 0x81});
  volatile uint32_t* seen = words(guest.memory.data() + 0x2000);
  pthread_t thread;
  CHECK_EQ(pthread_create(
               &thread, nullptr,
               [](void* vcpu) -> void* {
                 static_cast<Vcpu*>(vcpu)->run();
                 return nullptr;
               },
               &guest.vcpu),
           0);
  const auto two_rounds = [seen] {
    std::atomic_thread_fence(std::memory_order_seq_cst);  // what was stored is stored before the rounds are counted
    const uint32_t before = seen[1];
    for (long turns = 0; seen[1] - before < 2 && turns < 2'000'000; turns++) sched_yield();
    return seen[1] - before >= 2;
  };
  for (uint32_t value = 1; value <= 20; value++) {
    CHECK_EQ(madvise(memory, kSize, MADV_DONTNEED), 0);
    CHECK(two_rounds());
    CHECK_EQ(seen[0], 0);
    words(memory)[0] = value;
    CHECK(two_rounds());
    CHECK_EQ(seen[0], value);
  }
  seen[2] = 1;
  pthread_join(thread, nullptr);
  CHECK_EQ(guest.vcpu.shared->exit_reason, KVM_EXIT_IO);
  munmap(memory, kSize);
}
