// SPDX-License-Identifier: GPL-2.0-only
// Tests that register themselves, and checks that report and go on.
#pragma once

#include <cstdio>

namespace ring1::ioctl_test {

struct Test {
  const char* name;
  void (*run)();
  Test* next;
  static Test*& first();
  Test(const char* test_name, void (*function)());
};

struct Skip {
  const char* reason;
};

void failed(const char* file, int line, const char* what);
void restart_alarm();  // gives the running test its time once more

template <class A, class B>
bool check_equal(const A& a, const B& b, const char* file, int line, const char* what) {
  const long long left = static_cast<long long>(a), right = static_cast<long long>(b);
  if (left == right) return true;
  char text[256];
  std::snprintf(text, sizeof text, "%s: %lld (0x%llx) against %lld (0x%llx)", what, left, left, right, right);
  failed(file, line, text);
  return false;
}

}  // namespace ring1::ioctl_test

#define TEST(name)                                                      \
  static void test_##name();                                            \
  static ::ring1::ioctl_test::Test register_##name(#name, test_##name); \
  static void test_##name()
#define CHECK(condition) ((condition) ? (void)0 : ::ring1::ioctl_test::failed(__FILE__, __LINE__, #condition))
#define CHECK_EQ(a, b) ::ring1::ioctl_test::check_equal((a), (b), __FILE__, __LINE__, #a " == " #b)
#define SKIP_UNLESS(condition, why)                         \
  do {                                                      \
    if (!(condition)) throw ::ring1::ioctl_test::Skip{why}; \
  } while (0)
