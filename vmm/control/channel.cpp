// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/control/channel.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>

#include "vmm/failure.h"

namespace ring1::vmm {

namespace {

struct Address {
  sockaddr_un address{};
  socklen_t size;
  explicit Address(int pid) {
    const std::string name = fmt::format("ring1/{}", pid);
    address.sun_family = AF_UNIX;
    // A zero in front: the abstract namespace.
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

std::optional<ucred> peer_of(int fd) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  return peer;
}

bool is_trusted(const ucred& peer) { return peer.uid == 0 || peer.uid == ::geteuid(); }

UniqueFd make_socket(int flags = 0) { return UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0)); }

}  // namespace

UniqueFd listen_for_control() {
  UniqueFd fd = make_socket(SOCK_NONBLOCK);
  const Address address(::getpid());
  if (!fd || ::bind(fd.get(), address.get(), address.size) != 0 || ::listen(fd.get(), 4) != 0) return UniqueFd();
  return fd;
}

UniqueFd accept_control(int listener) {
  UniqueFd fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd) return fd;
  const auto peer = peer_of(fd.get());
  return peer && is_trusted(*peer) ? std::move(fd) : UniqueFd();
}

UniqueFd connect_control(int pid) {
  UniqueFd fd = make_socket();
  const Address address(pid);
  if (!fd || ::connect(fd.get(), address.get(), address.size) != 0)
    throw Failure(kExitEnvironment, fmt::format("process {} runs no guest: {}", pid, std::strerror(errno)));
  const auto peer = peer_of(fd.get());
  if (!peer || !is_trusted(*peer)) throw Failure(kExitEnvironment, fmt::format("process {} is another user's", pid));
  return fd;
}

std::optional<std::string> read_line(int fd) {
  std::string line;
  char byte;
  while (line.size() < kLongestLine) {
    const ssize_t n = ::read(fd, &byte, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return std::nullopt;
    if (byte == '\n') return line;
    line.push_back(byte);
  }
  return std::nullopt;
}

bool write_line(int fd, std::string_view line) {
  std::string text(line);
  std::replace(text.begin(), text.end(), '\n', ' ');
  text.push_back('\n');
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = ::send(fd, text.data() + done, text.size() - done, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<size_t>(n);
  }
  return true;
}

}  // namespace ring1::vmm
