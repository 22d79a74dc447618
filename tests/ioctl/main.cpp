// SPDX-License-Identifier: GPL-2.0-only
// ioctl_test [--device PATH] [--machine-type NUMBER] [--no-guest] [--user UID:GID] [--counted] [PART OF A NAME]
#include <grp.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "check.h"
#include "machine.h"

namespace ring1::ioctl_test {
namespace {

constexpr unsigned kSecondsPerTest = 30;

unsigned failures;  // of the running test

// A guest that does not come back is interrupted, again and again, so that the checks after KVM_RUN fail.
void ring_alarm(int) { alarm(1); }

void arm_alarm() {
  struct sigaction action = {};
  action.sa_handler = ring_alarm;
  sigaction(SIGALRM, &action, nullptr);
  alarm(kSecondsPerTest);
}

}  // namespace

Test*& Test::first() {
  static Test* head;
  return head;
}

Test::Test(const char* test_name, void (*function)()) : name(test_name), run(function), next(nullptr) {
  Test** last = &first();
  while (*last) last = &(*last)->next;
  *last = this;
}

void failed(const char* file, int line, const char* what) {
  failures++;
  std::printf("  %s:%d: %s\n", file, line, what);
  std::fflush(stdout);
}

void restart_alarm() { alarm(kSecondsPerTest); }

static void become(const char* user) {
  unsigned uid = 0, gid = 0;
  if (std::sscanf(user, "%u:%u", &uid, &gid) == 2 && !setgroups(0, nullptr) && !setgid(gid) && !setuid(uid)) return;
  std::perror("--user");
  std::exit(1);
}

static bool run_one(const Test& test) {
  failures = 0;
  arm_alarm();
  try {
    test.run();
  } catch (const Skip& skip) {
    std::printf("SKIP %s: %s\n", test.name, skip.reason);
    return true;
  }
  std::printf("%s %s\n", failures ? "FAIL" : "PASS", test.name);
  std::fflush(stdout);
  return failures == 0;
}

}  // namespace ring1::ioctl_test

int main(int argc, char** argv) {
  using namespace ring1::ioctl_test;
  const char* part = "";
  for (int i = 1; i < argc; i++) {
    if (!std::strcmp(argv[i], "--device") && i + 1 < argc)
      options.device = argv[++i];
    else if (!std::strcmp(argv[i], "--machine-type") && i + 1 < argc)
      options.machine_type = std::strtoul(argv[++i], nullptr, 0);
    else if (!std::strcmp(argv[i], "--user") && i + 1 < argc)
      become(argv[++i]);
    else if (!std::strcmp(argv[i], "--no-guest"))
      options.guest = false;
    else if (!std::strcmp(argv[i], "--counted"))
      options.counted = true;
    else
      part = argv[i];
  }
  unsigned bad = 0, all = 0;
  for (Test* test = Test::first(); test; test = test->next) {
    if (!std::strstr(test->name, part)) continue;
    all++;
    bad += !run_one(*test);
  }
  std::printf("%u of %u tests failed on %s\n", bad, all, options.device);
  return bad != 0;
}
