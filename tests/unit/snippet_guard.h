// SPDX-License-Identifier: GPL-2.0-only
// Ends a snippet of native code that a signal strikes, or that does not end by itself.
#pragma once

#include <cstdint>

namespace ring1::test {

// One at a time. A signal takes the snippet to `exit`, where the caller's trampoline stores registers and returns; a
// second one in the same snippet, or one outside of any, has its default action: nothing here repeats a signal.
class SnippetGuard {
 public:
  // exit_cs: selector of the segment of `exit`; 0: the one that was interrupted.
  SnippetGuard(uintptr_t exit, uint16_t exit_cs);
  ~SnippetGuard();
  SnippetGuard(const SnippetGuard&) = delete;

  bool installed() const { return installed_; }
  void begin();
  // True: the snippet came to its own end.
  [[nodiscard]] bool end();
  // The snippet of the last begin() and end() had to be stopped.
  bool endless() const;

 private:
  bool installed_ = false;
};

}  // namespace ring1::test
