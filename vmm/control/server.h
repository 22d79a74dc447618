// SPDX-License-Identifier: GPL-2.0-only
// Serves other processes of the tool while a guest runs, in a thread of its own: the main thread must go on taking the
// guest's output. Who has said half a line waits beside the others; of too many the one that waits longest has to go.
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "vmm/unique_fd.h"

namespace ring1::vmm {

class ControlServer {
 public:
  // The answer to a request, a line each. Whatever it throws becomes an answer as well.
  using Handler = std::function<std::string(const std::string& request)>;

  explicit ControlServer(Handler handler);
  // Waits for the request that is being served.
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

 private:
  struct Client {
    UniqueFd fd;
    std::string said;
  };
  static constexpr size_t kMostClients = 8;

  void loop();
  void take_client();
  bool hear(Client& client) const;  // false: done with it
  void serve(const Client& client, const std::string& request) const;

  Handler handler_;
  UniqueFd listener_, end_;
  std::vector<Client> clients_;  // in the order of their coming
  std::thread thread_;
};

}  // namespace ring1::vmm
