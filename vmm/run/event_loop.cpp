// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/run/event_loop.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <climits>

#include "vmm/control/server.h"
#include "vmm/failure.h"
#include "vmm/inspect/debugfs.h"
#include "vmm/run/final_stats.h"
#include "vmm/run/save.h"

namespace ring1::vmm {

namespace {

constexpr size_t kInputLimit = 65536;  // so much input may wait for the guest
constexpr int64_t kInputRetryNs = 10'000'000;
constexpr int64_t kNsPerMs = 1'000'000;
// Output is gathered for so long: a wake-up for each byte would cost more than the byte.
constexpr uint64_t kGatherNs = 1'000'000;
constexpr int kPatienceMs = 100, kLastPatienceMs = 2000;

int ceil_ms(int64_t ns) { return static_cast<int>(std::clamp<int64_t>((ns + kNsPerMs - 1) / kNsPerMs, 0, INT_MAX)); }

// What the monitor said about this guest; only ring1's own module keeps such a log.
std::vector<std::string> monitor_log(const Machine& machine) {
  try {
    for (const RunningGuest& guest : running_guests())
      if (guest.pid == ::getpid() && guest.fd == machine.vm().fd())
        return read_log(guest).value_or(std::vector<std::string>{});
  } catch (const Failure& failure) { spdlog::debug("{}", failure.what()); }
  return {};
}

}  // namespace

EndingSignals::EndingSignals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) ::sigaddset(&set, number);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  fd_ = UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd_) throw system_failure("signalfd");
  // A reader of the console that goes away is no reason to die.
  ::signal(SIGPIPE, SIG_IGN);
}

int EndingSignals::take() const {
  signalfd_siginfo info{};
  return ::read(fd_.get(), &info, sizeof(info)) == sizeof(info) ? static_cast<int>(info.ssi_signo) : 0;
}

EventLoop::EventLoop(Console& console, EndingSignals& signals, std::optional<uint64_t> deadline)
    : console_(console), signals_(signals), deadline_(deadline) {
  wake_ = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_) throw system_failure("eventfd");
}

void EventLoop::wake() const { ::eventfd_write(wake_.get(), 1); }

Outcome EventLoop::run(const KvmSystem& system, const MachineConfig& config,
                       const std::optional<std::string>& stats_json) {
  Machine machine(system, config, {[this](uint8_t byte) { console_.put(byte); }, [this] { wake(); }});
  {
    VcpuThread thread(machine, [this] { wake(); });
    const ControlServer control([&](const std::string& request) {
      constexpr std::string_view kSave = "save ";
      if (!request.starts_with(kSave)) throw Failure(kExitUsage, "unknown request");
      return "ok " + save_machine(system, machine, thread, parse_save_request(request.substr(kSave.size())));
    });
    wait(machine, thread);
    thread.join();
  }
  console_.flush(kLastPatienceMs);
  if (stats_json) write_final_stats(machine, *stats_json);
  Outcome outcome = machine.outcome();
  if (outcome.internal || spdlog::should_log(spdlog::level::debug)) outcome.monitor_log = monitor_log(machine);
  return outcome;
}

void EventLoop::wait(Machine& machine, VcpuThread& thread) {
  while (!machine.finished()) {
    auto until_clock = machine.cmos().poll();
    if (until_clock) *until_clock -= machine.wall_ns();
    const bool wants_input = console_.input() >= 0 && machine.serial().waiting() < kInputLimit;
    // poll() skips negative descriptors.
    pollfd events[] = {{wake_.get(), POLLIN, 0},
                       {flush_at_ ? -1 : console_.output_event(), POLLIN, 0},
                       {signals_.fd(), POLLIN, 0},
                       {wants_input ? console_.input() : -1, POLLIN, 0}};
    if (::poll(events, std::size(events), wait_milliseconds(until_clock, wants_input)) < 0 && errno != EINTR)
      throw system_failure("poll");
    eventfd_t ignored;
    if (events[0].revents) ::eventfd_read(wake_.get(), &ignored);
    if (events[1].revents) flush_at_ = monotonic_ns() + kGatherNs;
    if (flush_at_ && monotonic_ns() >= *flush_at_) {
      flush_at_.reset();
      console_.flush(kPatienceMs);
      machine.serial().transmitted();
    }
    if (events[2].revents)
      if (const int number = signals_.take(); number != 0) thread.stop({Outcome::Kind::signal, number, "", ""});
    if (events[3].revents) take_input(machine, thread);
    if (deadline_ && monotonic_ns() >= *deadline_) thread.stop({Outcome::Kind::timed_out});
  }
  console_.close();
}

int EventLoop::wait_milliseconds(std::optional<int64_t> until_clock, bool wants_input) const {
  int wait = -1;
  auto limit = [&](int64_t ns) { wait = wait < 0 ? ceil_ms(ns) : std::min(wait, ceil_ms(ns)); };
  // Nobody tells when the guest has taken the input that waits.
  if (!wants_input && console_.input() >= 0) limit(kInputRetryNs);
  if (until_clock) limit(*until_clock);
  if (flush_at_) limit(static_cast<int64_t>(*flush_at_ - monotonic_ns()));
  if (deadline_) limit(static_cast<int64_t>(*deadline_ - monotonic_ns()));
  return wait;
}

void EventLoop::take_input(Machine& machine, VcpuThread& thread) {
  for (const uint8_t byte : console_.read_input()) {
    if (!console_.is_terminal()) {
      machine.serial().receive(byte);
      continue;
    }
    const EscapeResult result = escape_.feed(byte);
    if (result.byte) machine.serial().receive(*result.byte);
    if (!result.command) continue;
    switch (*result.command) {
      case ConsoleCommand::quit: return thread.stop({Outcome::Kind::user_quit});
      case ConsoleCommand::statistics: fmt::print(stderr, "{}", statistics_table(machine)); break;
      case ConsoleCommand::help: fmt::print(stderr, "{}", kEscapeHelp); break;
    }
  }
}

}  // namespace ring1::vmm
