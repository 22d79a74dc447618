// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/control/server.h"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>

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

bool ControlServer::wait_for(int fd) const {
  pollfd events[] = {{end_.get(), POLLIN, 0}, {fd, POLLIN, 0}};
  while (::poll(events, std::size(events), -1) < 0)
    if (errno != EINTR) return false;
  return events[0].revents == 0;
}

void ControlServer::loop() {
  while (wait_for(listener_.get()))
    if (const UniqueFd client = accept_control(listener_.get()); client && wait_for(client.get())) serve(client.get());
}

void ControlServer::serve(int client) const {
  const auto request = read_line(client);
  if (!request) return;
  std::string answer;
  try {
    answer = handler_(*request);
  } catch (const std::exception& error) { answer = std::string("error ") + error.what(); }
  write_line(client, answer);
}

}  // namespace ring1::vmm
