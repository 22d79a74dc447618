// SPDX-License-Identifier: GPL-2.0-only
// What lives how long: descriptors closed in any order, processes killed inside the guest.
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "machine.h"

using namespace ring1::ioctl_test;

TEST(lifetime_vcpu_outlives_the_vm_fd) {
  SKIP_UNLESS(options.guest, "no guest code wanted");
  RealMode machine({0x90, 0xf4});
  machine.vm.close();
  machine.vm.device.close();
  CHECK_EQ(machine.vcpu.run(), 0);
  CHECK_EQ(machine.vcpu.shared->exit_reason, KVM_EXIT_HLT);
}

TEST(lifetime_mapping_outlives_the_vcpu_fd) {
  Vm vm;
  Vcpu vcpu(vm);
  vcpu.close();
  vcpu.shared->immediate_exit = 1;
  CHECK_EQ(vcpu.shared->immediate_exit, 1);
}

TEST(lifetime_many) {
  for (int i = 0; i < 30; i++) {
    Vm vm;
    Memory memory(4096);
    CHECK_EQ(vm.set_region(0, 0, memory, 4096), 0);
    Vcpu vcpu(vm);
  }
}

TEST(lifetime_killed_in_the_guest) {
  SKIP_UNLESS(options.guest, "no guest code wanted");
  for (int i = 0; i < 5; i++) {
    const pid_t child = fork();
    if (child == 0) {
      RealMode machine({0xeb, 0xfe});
      if (i % 2) machine.enter_protected_mode();
      machine.vcpu.run();
      _exit(1);
    }
    const timespec time = {0, 60000000};
    nanosleep(&time, nullptr);
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  }
}
