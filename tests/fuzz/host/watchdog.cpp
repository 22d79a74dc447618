// SPDX-License-Identifier: GPL-2.0-only
#include "watchdog.h"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstdio>
#include <string>

namespace ring1::fuzz {

namespace {

constexpr unsigned kPatience = 30;  // seconds

void print_file(const std::string& path) {
  FILE* file = std::fopen(path.c_str(), "r");
  char line[256];
  while (file && std::fgets(line, sizeof line, file)) std::printf("    %s", line);
  if (file) std::fclose(file);
}

// Those that are not in the shell's session only by chance do no harm here: there are few.
void print_task(const std::string& task) {
  std::printf("  %s\n", task.c_str());
  print_file(task + "/stat");
  print_file(task + "/wchan");
  std::printf("\n");
  print_file(task + "/stack");
}

template <class Action>
void each_number(const std::string& directory, Action action) {
  DIR* entries = opendir(directory.c_str());
  while (const dirent* entry = entries ? readdir(entries) : nullptr)
    if (std::isdigit(static_cast<unsigned char>(entry->d_name[0]))) action(directory + "/" + entry->d_name);
  if (entries) closedir(entries);
}

bool is_fuzz(const std::string& process) {
  FILE* file = std::fopen((process + "/comm").c_str(), "r");
  char name[32] = "";
  const bool read = file && std::fgets(name, sizeof name, file);
  if (file) std::fclose(file);
  return read && std::string(name).rfind("fuzz", 0) == 0;
}

}  // namespace

bool end_group(pid_t group) {
  for (unsigned tenths = 0; tenths < kPatience * 10; tenths++) {
    kill(-group, SIGKILL);
    pid_t ended;
    while ((ended = waitpid(-1, nullptr, WNOHANG)) > 0) {}
    if (ended < 0 && errno == ECHILD) return true;
    usleep(100'000);
  }
  return false;
}

void print_processes() {
  each_number("/proc", [](const std::string& process) {
    if (is_fuzz(process)) each_number(process + "/task", print_task);
  });
}

}  // namespace ring1::fuzz
