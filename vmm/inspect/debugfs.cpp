// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/inspect/debugfs.h"

#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "vmm/failure.h"
#include "vmm/file.h"

namespace ring1::vmm {

namespace {

constexpr char kDebugfs[] = "/sys/kernel/debug";
constexpr const char* kEngines[] = {"ring1", "kvm"};

// "PID-FD", or "PID-FD-NUMBER" where that was taken
bool parse_name(const std::string& name, RunningGuest& guest) {
  int used = 0;
  if (std::sscanf(name.c_str(), "%d-%d%n", &guest.pid, &guest.fd, &used) != 2) return false;
  const char* rest = name.c_str() + used;
  if (*rest == '-') rest += 1 + std::strspn(rest + 1, "0123456789");
  return !*rest;
}

}  // namespace

std::optional<uint64_t> GuestCounters::find(const std::string& name) const {
  for (const auto& [key, value] : values)
    if (key == name) return value;
  return std::nullopt;
}

std::vector<RunningGuest> running_guests(const std::string& root) {
  std::vector<RunningGuest> guests;
  for (const char* engine : kEngines) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(root + "/" + engine, error)) {
      RunningGuest guest{0, 0, engine, entry.path().string()};
      if (parse_name(entry.path().filename().string(), guest)) guests.push_back(guest);
    }
  }
  std::sort(guests.begin(), guests.end(), [](const RunningGuest& a, const RunningGuest& b) {
    return std::pair(a.pid, a.fd) < std::pair(b.pid, b.fd);
  });
  return guests;
}

std::vector<RunningGuest> running_guests() {
  std::error_code error;
  if (std::filesystem::is_empty(kDebugfs, error) && !error) ::mount("debugfs", kDebugfs, "debugfs", 0, nullptr);
  std::filesystem::directory_iterator readable(kDebugfs, error);
  if (error)
    throw Failure(kExitEnvironment,
                  std::string("cannot read ") + kDebugfs + ": " + error.message() + "; are you root?");
  return running_guests(std::string(kDebugfs));
}

std::optional<std::vector<std::string>> read_log(const RunningGuest& guest) {
  const auto text = read_text(guest.directory + "/log");
  if (!text) return std::nullopt;
  return printable_lines(*text);
}

std::vector<std::string> printable_lines(const std::string& text) {
  std::vector<std::string> result;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    for (char& c : line)
      if (c < ' ' || c > '~') c = '.';
    result.push_back(line);
  }
  return result;
}

GuestCounters parse_counters(const std::string& text) {
  GuestCounters counters;
  std::istringstream lines(text);
  std::string name;
  uint64_t value;
  while (lines >> name >> value) counters.values.emplace_back(name, value);
  return counters;
}

GuestCounters read_counters(const RunningGuest& guest) {
  if (const auto text = read_text(guest.directory + "/stats")) return parse_counters(*text);
  GuestCounters counters;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(guest.directory, error)) {
    const auto text = entry.is_regular_file(error) ? read_text(entry.path().string()) : std::nullopt;
    uint64_t value = 0;
    if (text && std::from_chars(text->data(), text->data() + text->size(), value).ec == std::errc())
      counters.values.emplace_back(entry.path().filename().string(), value);
  }
  std::sort(counters.values.begin(), counters.values.end());
  return counters;
}

}  // namespace ring1::vmm
