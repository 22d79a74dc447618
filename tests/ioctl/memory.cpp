// SPDX-License-Identifier: GPL-2.0-only
#include "memory.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "check.h"

namespace ring1::ioctl_test {

Watcher::Watcher()
    : RealMode({
          0xa1, 0x00, 0x00, 0x40, 0x00,                                // 1: mov eax, [kBase]
          0xe7, 0x80,                                                  // out 0x80, eax
          0xc7, 0x05, 0x04, 0x00, 0x40, 0x00, 0x52, 0x49, 0x4e, 0x47,  // mov dword [kBase + 4], kMark
          0xe7, 0x81,                                                  // out 0x81, eax
          0xeb, 0xeb,                                                  // jmp 1b
      }) {
  enter_protected_mode();
}

long Watcher::attach(void* slot_memory, size_t size) const {
  kvm_userspace_memory_region region = {1, 0, kBase, size, reinterpret_cast<uint64_t>(slot_memory)};
  return vm.call(KVM_SET_USER_MEMORY_REGION, &region);
}

long Watcher::detach() const { return attach(nullptr, 0); }

bool Watcher::runs_to(uint16_t port) {
  const long result = vcpu.run();
  return result == 0 && vcpu.shared->exit_reason == KVM_EXIT_IO && vcpu.shared->io.port == port;
}

int64_t Watcher::reads() {
  if (!runs_to(0x80)) return kNothing;
  uint32_t value;
  std::memcpy(&value, vcpu.io_data(), sizeof value);
  return value;
}

Waiting::Waiting() {
  data_ = static_cast<uint8_t*>(mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  fd_ = static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC));
  SKIP_UNLESS(fd_ >= 0, "no userfaultfd");
  uffdio_api api = {UFFD_API, 0, 0};
  uffdio_register wanted = {};
  wanted.range = {reinterpret_cast<uint64_t>(data_), kSize};
  wanted.mode = UFFDIO_REGISTER_MODE_MISSING;
  CHECK_EQ(ioctl(fd_, UFFDIO_API, &api), 0);
  CHECK_EQ(ioctl(fd_, UFFDIO_REGISTER, &wanted), 0);
}

Waiting::~Waiting() {
  unmap();
  if (fd_ >= 0) close(fd_);
}

bool Waiting::touched() const {
  pollfd event = {fd_, POLLIN, 0};
  uffd_msg message;
  return poll(&event, 1, 10000) == 1 && read(fd_, &message, sizeof message) == sizeof message;
}

void Waiting::supply() const {
  uffdio_zeropage zero = {};
  zero.range = {reinterpret_cast<uint64_t>(data_), kSize};
  CHECK_EQ(ioctl(fd_, UFFDIO_ZEROPAGE, &zero), 0);
}

void Waiting::unmap() {
  if (data_) munmap(data_, kSize);
  data_ = nullptr;
}

Sharer::Sharer(int (*function)(void*), void* argument) {
  pid_ = clone(function, stack_ + sizeof stack_, CLONE_VM | CLONE_FILES | SIGCHLD, argument);
  CHECK(pid_ > 0);
}

void Sharer::kill() const {
  if (pid_ > 0) ::kill(pid_, SIGKILL);
}

void Sharer::end() {
  if (pid_ > 0) waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

long free_memory() {
  FILE* file = std::fopen("/proc/meminfo", "r");
  char line[128];
  long value = 0;
  while (file && std::fgets(line, sizeof line, file))
    if (std::sscanf(line, "MemFree: %ld", &value) == 1) break;
  if (file) std::fclose(file);
  return value;
}

}  // namespace ring1::ioctl_test
