// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/control/server.h"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <exception>

#include "vmm/control/channel.h"
#include "vmm/failure.h"

namespace ring1::vmm {

ControlServer::ControlServer(Handler handler) : handler_(std::move(handler)), listener_(listen_for_control()) {
  end_ = UniqueFd(::eventfd(0, EFD_CLOEXEC));
  if (!end_) throw system_failure("eventfd");
  if (listener_)
    thread_ = std::thread([this] { loop(); });
  else
    spdlog::warn("no control socket, so the guest cannot be saved: {}", std::strerror(errno));
}

ControlServer::~ControlServer() {
  ::eventfd_write(end_.get(), 1);
  if (thread_.joinable()) thread_.join();
}

void ControlServer::loop() {
  std::vector<pollfd> events;
  for (;;) {
    events = {{end_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
    for (const Client& client : clients_) events.push_back({client.fd.get(), POLLIN, 0});
    if (::poll(events.data(), events.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return;
    }
    if (events[0].revents != 0) return;
    std::vector<Client> left;
    for (size_t i = 0; i < clients_.size(); i++)
      if (events[i + 2].revents == 0 || hear(clients_[i])) left.push_back(std::move(clients_[i]));
    clients_ = std::move(left);
    if (events[1].revents != 0) take_client();
  }
}

void ControlServer::take_client() {
  UniqueFd fd = accept_control(listener_.get());
  if (!fd) return;
  if (clients_.size() == kMostClients) clients_.erase(clients_.begin());
  clients_.push_back({std::move(fd), {}});
}

bool ControlServer::hear(Client& client) const {
  char text[kLongestLine];
  const ssize_t n = ::recv(client.fd.get(), text, sizeof(text), MSG_DONTWAIT);
  if (n < 0) return errno == EINTR || errno == EAGAIN;
  client.said.append(text, static_cast<size_t>(n));
  const size_t end = client.said.find('\n');
  if (end == std::string::npos) return n != 0 && client.said.size() < kLongestLine;
  serve(client, client.said.substr(0, end));
  return false;
}

void ControlServer::serve(const Client& client, const std::string& request) const {
  std::string answer;
  try {
    answer = handler_(request);
  } catch (const std::exception& error) { answer = std::string("error ") + error.what(); }
  write_line(client.fd.get(), answer);
}

}  // namespace ring1::vmm
