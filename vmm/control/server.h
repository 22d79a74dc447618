// SPDX-License-Identifier: GPL-2.0-only
// Serves other processes of the tool while a guest runs, in a thread of its own: the main thread must go on taking the
// guest's output.
#pragma once

#include <functional>
#include <string>
#include <thread>

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
  void loop();
  bool wait_for(int fd) const;  // false: the end
  void serve(int client) const;

  Handler handler_;
  UniqueFd listener_, end_;
  std::thread thread_;
};

}  // namespace ring1::vmm
