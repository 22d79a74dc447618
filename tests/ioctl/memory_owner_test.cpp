// SPDX-License-Identifier: GPL-2.0-only
// Whose the guest's memory is: the process's that made the VM, and gone with it; not locked, and counted as its own.
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstring>

#include "check.h"
#include "memory.h"

using namespace ring1::ioctl_test;

namespace {

constexpr size_t kSize = 128u << 20;
constexpr long kKib = 1024;

void needs_guest() { SKIP_UNLESS(options.guest, "no guest code wanted"); }

void* map(size_t size) {
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(memory != MAP_FAILED);
  return memory;
}

// The guest stores into each `stride` bytes of its second slot.
bool fill(Watcher& watcher, void* memory, size_t size, uint32_t stride) {
  CHECK_EQ(watcher.attach(memory, size), 0);
  watcher.place(RealMode::kCode, {0xbf, 0x00, 0x00, 0x40, 0x00,        // mov edi, kBase
                                  0xc7, 0x07, 0x52, 0x49, 0x4e, 0x47,  // 1: mov dword [edi], kMark
                                  0x81, 0xc7, 0, 0, 0, 0,              // add edi, stride
                                  0x81, 0xff, 0, 0, 0, 0,              // cmp edi, end
                                  0x72, 0xec, 0xe7, 0x81});            // jb 1b; out 0x81, eax
  const uint32_t end = Watcher::kBase + static_cast<uint32_t>(size);
  std::memcpy(watcher.memory.data() + RealMode::kCode + 13, &stride, 4);
  std::memcpy(watcher.memory.data() + RealMode::kCode + 19, &end, 4);
  return watcher.writes();
}

// Freed memory may take a moment to show.
bool comes_back(long before) {
  constexpr long kOwnUse = 64 * kKib;  // of the monitor, and what processors keep for themselves
  for (int tenths = 0; tenths < 50; tenths++) {
    if (free_memory() > before - kOwnUse) return true;
    const timespec pause = {0, 100'000'000};
    nanosleep(&pause, nullptr);
  }
  return false;
}

void send(int socket, int fd) {
  char byte = 0;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof fd)] = {};
  iovec data = {&byte, 1};
  msghdr message = {};
  message.msg_iov = &data, message.msg_iovlen = 1;
  message.msg_control = control, message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET, header->cmsg_type = SCM_RIGHTS, header->cmsg_len = CMSG_LEN(sizeof fd);
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  CHECK_EQ(sendmsg(socket, &message, 0), 1);
}

int receive(int socket) {
  char byte;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  iovec data = {&byte, 1};
  msghdr message = {};
  message.msg_iov = &data, message.msg_iovlen = 1;
  message.msg_control = control, message.msg_controllen = sizeof control;
  int fd = -1;
  if (recvmsg(socket, &message, 0) == 1 && CMSG_FIRSTHDR(&message))
    std::memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
  return fd;
}

}  // namespace

TEST(memory_ends_with_its_process) {
  needs_guest();
  int pair[2];
  CHECK_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
  const long before = free_memory();
  const pid_t child = fork();
  if (child == 0) {
    Watcher watcher;
    const bool filled = fill(watcher, map(kSize), kSize, 4096);
    send(pair[0], watcher.vm.get());
    send(pair[0], watcher.vcpu.get());
    _exit(filled ? 0 : 1);
  }
  Fd vm(receive(pair[1])), vcpu(receive(pair[1]));
  int status = 1;
  waitpid(child, &status, 0);
  CHECK_EQ(status, 0);
  CHECK(comes_back(before));
  CHECK_EQ(vcpu.call(KVM_RUN), -EIO);
  close(pair[0]), close(pair[1]);
}

TEST(memory_given_back_is_free) {
  needs_guest();
  Watcher watcher;
  auto* memory = static_cast<uint8_t*>(map(kSize + (2u << 20)));
  auto* aligned = reinterpret_cast<uint8_t*>((reinterpret_cast<uintptr_t>(memory) + (2u << 20) - 1) & ~((2ul << 20) - 1));
  const long before = free_memory();
  madvise(aligned, kSize, MADV_HUGEPAGE);
  std::memset(aligned, 1, kSize);  // of a huge page all is held, whatever the guest uses of it
  CHECK(fill(watcher, aligned, kSize, 2u << 20));
  CHECK_EQ(madvise(aligned, kSize, MADV_DONTNEED), 0);
  CHECK(comes_back(before));
  munmap(memory, kSize + (2u << 20));
}

TEST(memory_is_of_one_process_only) {
  needs_guest();
  Watcher watcher;
  const pid_t child = fork();
  if (child == 0) {
    Memory memory(4096);
    _exit(watcher.vcpu.run() == -EIO && watcher.attach(memory.data(), 4096) == -EIO ? 0 : 1);
  }
  int status = 1;
  waitpid(child, &status, 0);
  CHECK_EQ(status, 0);
}

// The guest's pages are no more locked than the process's own.
TEST(memory_needs_no_locking) {
  needs_guest();
  const pid_t child = fork();
  if (child == 0) {
    Watcher watcher;
    const rlimit none = {0, 0};
    if (setrlimit(RLIMIT_MEMLOCK, &none) || setgid(1000) || setuid(1000)) _exit(2);
    _exit(fill(watcher, map(kSize / 8), kSize / 8, 4096) ? 0 : 1);
  }
  int status = 1;
  waitpid(child, &status, 0);
  CHECK_EQ(status, 0);
}
