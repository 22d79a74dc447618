// SPDX-License-Identifier: GPL-2.0-only
// fuzz_parsers [--seed N] [--rounds N | --seconds N] [--format NAME] [--round N]
// Reads files that were valid before they were changed. Built with the address and the undefined-behaviour sanitizer: what
// these complain of, and any end but a Failure, ends the worker; then the changes that matter are found and shown.
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "format.h"

namespace ring1::fuzz {
namespace {

constexpr unsigned kPatience = 20;  // seconds that one input may take

struct Options {
  uint64_t seed = 1, rounds = ~uint64_t{0}, seconds = ~uint64_t{0}, only_round = ~uint64_t{0};
  const char* format = "";
};

struct Progress {
  uint64_t round, read, refused;
};

struct Input {
  Bytes valid;
  Edits edits;
};

// Of the seed and the number alone. The first round is not changed at all, and must be read.
Input make_input(const Format& format, uint64_t seed, uint64_t round) {
  Random random(derived(seed, round));
  Input input{format.make(random), {}};
  if (round != 0) input.edits = make_edits(random, input.valid.size());
  return input;
}

void run_rounds(const Format& format, const Options& options, time_t end, Progress& progress) {
  for (; progress.round < options.rounds && time(nullptr) < end; progress.round++) {
    alarm(kPatience);
    const Input input = make_input(format, options.seed, progress.round);
    const bool read = format.read(edited(input.valid, input.edits));
    if (!read && input.edits.empty()) {
      std::fprintf(stderr, "the valid %s is refused\n", format.name);
      std::abort();
    }
    (read ? progress.read : progress.refused)++;
  }
}

template <class Action>
bool survives(Action action, bool quiet) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    if (quiet && !freopen("/dev/null", "w", stderr)) _exit(1);
    action();
    _exit(0);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return status == 0;
}

bool reads(const Format& format, const Input& input, bool quiet) {
  return survives(
      [&] {
        alarm(kPatience);
        format.read(edited(input.valid, input.edits));
      },
      quiet);
}

// Leaves out each change that is not needed, and shows what remains.
void report(const Format& format, uint64_t seed, uint64_t round) {
  Input input = make_input(format, seed, round);
  for (size_t i = input.edits.size(); i-- > 0;) {
    Input less = input;
    less.edits.erase(less.edits.begin() + static_cast<ptrdiff_t>(i));
    if (!reads(format, less, true)) input = less;
  }
  std::fprintf(stderr, "FAIL %s: seed %llu round %llu, changes that matter:\n", format.name,
               static_cast<unsigned long long>(seed), static_cast<unsigned long long>(round));
  for (const Edit& edit : input.edits) std::fprintf(stderr, "  %s\n", to_text(edit).c_str());
  reads(format, input, false);
}

bool fuzz(const Format& format, const Options& options, time_t end) {
  auto* progress = static_cast<Progress*>(mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  if (progress == MAP_FAILED) return false;
  Options mine = options;
  if (options.only_round != ~uint64_t{0}) progress->round = options.only_round, mine.rounds = options.only_round + 1;
  const bool good = survives([&] { run_rounds(format, mine, end, *progress); }, true);
  if (!good) report(format, options.seed, progress->round);
  std::printf("%s %s: %llu rounds, %llu read, %llu refused\n", good ? "PASS" : "FAIL", format.name,
              static_cast<unsigned long long>(progress->read + progress->refused),
              static_cast<unsigned long long>(progress->read), static_cast<unsigned long long>(progress->refused));
  munmap(progress, sizeof(Progress));
  return good;
}

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const uint64_t number = std::strtoull(argv[i + 1], nullptr, 0);
    if (!std::strcmp(argv[i], "--seed")) options.seed = number;
    else if (!std::strcmp(argv[i], "--rounds")) options.rounds = number;
    else if (!std::strcmp(argv[i], "--seconds")) options.seconds = number;
    else if (!std::strcmp(argv[i], "--round")) options.only_round = number;
    else if (!std::strcmp(argv[i], "--format")) options.format = argv[i + 1];
    else return false;
  }
  return argc % 2 == 1;
}

}  // namespace
}  // namespace ring1::fuzz

int main(int argc, char** argv) {
  using namespace ring1::fuzz;
  Options options;
  if (!parse(argc, argv, options)) return std::fprintf(stderr, "usage: see main.cpp\n"), 2;
  if (options.rounds == ~uint64_t{0} && options.seconds == ~uint64_t{0}) options.rounds = 1000;
  constexpr unsigned kCount = sizeof kFormats / sizeof kFormats[0];
  const uint64_t share = options.seconds == ~uint64_t{0} ? 1u << 30 : options.seconds / (*options.format ? 1 : kCount) + 1;
  std::printf("seed %llu\n", static_cast<unsigned long long>(options.seed));
  bool good = true, any = false;
  for (const Format& format : kFormats) {
    if (*options.format && std::strcmp(format.name, options.format)) continue;
    any = true;
    good &= fuzz(format, options, time(nullptr) + static_cast<time_t>(share));
  }
  return good && any ? 0 : 1;
}
