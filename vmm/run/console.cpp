// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/run/console.h"

#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>

#include "vmm/failure.h"

namespace ring1::vmm {

namespace {

constexpr size_t kQueueLimit = 1 << 20;
constexpr size_t kReadSize = 4096;

}  // namespace

Console::Console(int input, int output) : input_(input), output_(output) {
  output_event_ = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!output_event_) throw system_failure("eventfd");
  enter_raw_mode();
}

Console::~Console() {
  if (saved_mode_) ::tcsetattr(input_, TCSADRAIN, &*saved_mode_);
}

void Console::enter_raw_mode() {
  termios mode{};
  if (::tcgetattr(input_, &mode) != 0) return;
  saved_mode_ = mode;
  ::cfmakeraw(&mode);
  ::tcsetattr(input_, TCSADRAIN, &mode);
}

void Console::put(uint8_t byte) {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [&] { return closed_ || queue_.size() < kQueueLimit; });
  if (queue_.size() >= kQueueLimit) return;
  queue_.push_back(static_cast<char>(byte));
  if (queue_.size() == 1) ::eventfd_write(output_event_.get(), 1);
}

bool Console::flush(int patience_ms) {
  for (;;) {
    if (unwritten_.empty()) {
      std::lock_guard lock(mutex_);
      eventfd_t ignored;
      ::eventfd_read(output_event_.get(), &ignored);
      unwritten_.swap(queue_);
      room_.notify_one();
    }
    if (unwritten_.empty()) return true;
    pollfd wait{output_, POLLOUT, 0};
    const int ready = ::poll(&wait, 1, patience_ms);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    // A pipe that polls writable takes PIPE_BUF bytes without blocking.
    const ssize_t n = ::write(output_, unwritten_.data(), std::min<size_t>(unwritten_.size(), PIPE_BUF));
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    // Nobody reads any more: the guest goes on, its output is lost.
    unwritten_.erase(0, n < 0 ? unwritten_.size() : static_cast<size_t>(n));
  }
}

void Console::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  room_.notify_all();
}

std::vector<uint8_t> Console::read_input() {
  std::vector<uint8_t> bytes(kReadSize);
  const ssize_t n = ::read(input_, bytes.data(), bytes.size());
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return {};
  bytes.resize(n > 0 ? static_cast<size_t>(n) : 0);
  // The end of the input is not the end of the guest; a terminal that hangs up reads so as well.
  if (n <= 0 && !is_terminal()) input_ = -1;
  return bytes;
}

}  // namespace ring1::vmm
