// SPDX-License-Identifier: GPL-2.0-only
// fuzz [--kind device|guests|scribble] [--seed N] [--seconds N] [--machine-type N] [--generation N] [--times N] [--without N,N...]
// fuzz --items device|guests
// Abuses /dev/ring1 in generations of a few seconds, every other as an ordinary user of group kvm. The seed gives each
// thread's operations; which of two threads is first it does not give. Needs the device and CAP_SYS_ADMIN: run.sh.
// --times repeats one generation; --without leaves out some of what --items lists, by number from 0.
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "left_out.h"
#include "watchdog.h"
#include "worker.h"

namespace {

using namespace ring1::fuzz;

constexpr unsigned kUser = 1000, kKvmGroup = 36;

struct Settings {
  uint64_t seed = 1, seconds = 10, generation = 0, times = 0;  // times 0: each once
  unsigned long machine_type = 0;
  enum { kDevice, kGuests, kScribble } kind = kDevice;
};

void become_user() {
  if (setgroups(0, nullptr) || setgid(kKvmGroup) || setuid(kUser)) std::perror("setuid"), _exit(2);
}

// False: it did not end, or something went wrong in it.
bool live(const Settings& settings, uint64_t number) {
  const uint64_t seed = derived(settings.seed, number);
  Random random(seed);
  trail->clear();
  std::printf("generation %llu\n", static_cast<unsigned long long>(number));
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    setpgid(0, 0);
    if (number % 2) become_user();
    if (settings.kind == Settings::kDevice) run_generation(seed, settings.machine_type);
    run_guest_generation(seed, settings.machine_type, settings.kind == Settings::kScribble);
  }
  setpgid(child, child);
  usleep(static_cast<useconds_t>(1'000'000 + random.below(2'000'000)));
  // Half of them are killed in the middle of it.
  if (random.one_in(2)) trail->stop = true, usleep(300'000);
  const bool ended = end_group(child);
  if (!ended) {
    std::printf("FAIL: processes are left 30 s after SIGKILL; the last operations:\n");
    trail->print();
    print_processes();
  }
  if (const char* failure = trail->failure()) {
    std::printf("FAIL: %s; the last operations:\n", failure);
    trail->print();
    return false;
  }
  return ended;
}

bool parse(int argc, char** argv, Settings& settings) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const uint64_t number = std::strtoull(argv[i + 1], nullptr, 0);
    if (!std::strcmp(argv[i], "--seed")) settings.seed = number;
    else if (!std::strcmp(argv[i], "--seconds")) settings.seconds = number;
    else if (!std::strcmp(argv[i], "--machine-type")) settings.machine_type = number;
    else if (!std::strcmp(argv[i], "--generation")) settings.generation = number;
    else if (!std::strcmp(argv[i], "--times")) settings.times = number;
    else if (!std::strcmp(argv[i], "--without") && left_out.parse(argv[i + 1])) continue;
    else if (!std::strcmp(argv[i], "--kind") && !std::strcmp(argv[i + 1], "device")) settings.kind = Settings::kDevice;
    else if (!std::strcmp(argv[i], "--kind") && !std::strcmp(argv[i + 1], "guests")) settings.kind = Settings::kGuests;
    else if (!std::strcmp(argv[i], "--kind") && !std::strcmp(argv[i + 1], "scribble")) settings.kind = Settings::kScribble;
    else return false;
  }
  return argc % 2 == 1;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  if (argc == 2 && !std::strcmp(argv[1], "--leave")) return 0;
  if (argc == 3 && !std::strcmp(argv[1], "--items")) return !std::strcmp(argv[2], "device") ? print_operations() : print_hostile_items(), 0;
  if (!parse(argc, argv, settings)) return std::fprintf(stderr, "usage: see main.cpp\n"), 2;
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  trail = Trail::create();
  std::printf("seed %llu\n", static_cast<unsigned long long>(settings.seed));
  const time_t end = time(nullptr) + static_cast<time_t>(settings.seconds);
  uint64_t steps = 0;
  const auto goes_on = [&](uint64_t lived) { return settings.times ? lived < settings.times : time(nullptr) < end; };
  for (uint64_t lived = 0; goes_on(lived); lived++) {
    if (!live(settings, settings.generation + (settings.times ? 0 : lived))) return 1;
    steps += trail->steps();
  }
  for (unsigned reason = 0; reason < Trail::kReasons; reason++)
    if (const uint64_t count = trail->reasons[reason])
      std::printf("  exits with reason %u: %llu\n", reason, static_cast<unsigned long long>(count));
  if (settings.kind != Settings::kDevice) {
    std::printf("  the guests beside them: %llu rounds\n", static_cast<unsigned long long>(trail->kept));
    if (!trail->kept) return 1;
  }
  std::printf("PASS %llu operations, KVM_RUN %llu, of them left by the guest %llu\n", static_cast<unsigned long long>(steps),
              static_cast<unsigned long long>(trail->runs), static_cast<unsigned long long>(trail->exits));
  return 0;
}
