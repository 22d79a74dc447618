// SPDX-License-Identifier: GPL-2.0-only
// The tool's end of the serial line: output waits in a queue that the main thread writes out, so that a slow
// reader never stops the vCPU for long; a terminal is put into raw mode for as long as the console lives.
#pragma once

#include <termios.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "vmm/unique_fd.h"

namespace ring1::vmm {

class Console {
 public:
  Console(int input, int output);
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  bool is_terminal() const { return saved_mode_.has_value(); }

  // By the vCPU thread. Blocks while the queue is full, unless the console is closed.
  void put(uint8_t byte);

  // Becomes readable when output waits.
  int output_event() const { return output_event_.get(); }
  // Writes out what waits; false if the reader takes nothing for so long. Clears the event.
  bool flush(int patience_ms);
  // put() no longer blocks; what does not fit is dropped.
  void close();

  // -1: no more input will come.
  int input() const { return input_; }
  std::vector<uint8_t> read_input();

 private:
  void enter_raw_mode();

  int input_, output_;
  std::optional<termios> saved_mode_;
  UniqueFd output_event_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::string queue_;
  bool closed_ = false;
  std::string unwritten_;  // the main thread's
};

}  // namespace ring1::vmm
