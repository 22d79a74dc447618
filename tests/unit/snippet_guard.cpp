// SPDX-License-Identifier: GPL-2.0-only
#include "snippet_guard.h"

#include <signal.h>
#include <sys/time.h>
#include <ucontext.h>

namespace ring1::test {
namespace {

constexpr int kFaults[] = {SIGFPE, SIGSEGV, SIGBUS, SIGILL, SIGTRAP};
constexpr int kTicks = 2;  // of a second, that one snippet may see

uintptr_t exit_address;
uint16_t exit_selector;
volatile sig_atomic_t running, signalled, endless_snippet, ticks;

void to_exit(void* context) {
  signalled = 1;
  greg_t* registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  registers[REG_RIP] = static_cast<greg_t>(exit_address);
  if (exit_selector) registers[REG_CSGSFS] = (registers[REG_CSGSFS] & ~greg_t{0xffff}) | exit_selector;
}

void on_fault(int number, siginfo_t*, void* context) {
  if (!running || signalled) {
    signal(number, SIG_DFL);
    return;
  }
  to_exit(context);
}

void on_tick(int, siginfo_t*, void* context) {
  if (!running || signalled) return;
  ticks = ticks + 1;
  if (ticks < kTicks) return;
  endless_snippet = 1;
  to_exit(context);
}

bool handle(int number, void (*handler)(int, siginfo_t*, void*)) {
  struct sigaction action {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  return sigaction(number, &action, nullptr) == 0;
}

bool tick_every(long seconds) {
  const itimerval interval{{seconds, 0}, {seconds, 0}};
  return setitimer(ITIMER_REAL, &interval, nullptr) == 0;
}

}  // namespace

SnippetGuard::SnippetGuard(uintptr_t exit, uint16_t exit_cs) {
  exit_address = exit;
  exit_selector = exit_cs;
  static uint8_t signal_stack[65536];
  const stack_t stack{signal_stack, 0, sizeof signal_stack};
  installed_ = sigaltstack(&stack, nullptr) == 0 && handle(SIGALRM, on_tick) && tick_every(1);
  for (const int number : kFaults) installed_ = installed_ && handle(number, on_fault);
}

SnippetGuard::~SnippetGuard() {
  tick_every(0);
  for (const int number : kFaults) signal(number, SIG_DFL);
  signal(SIGALRM, SIG_DFL);
}

void SnippetGuard::begin() {
  ticks = 0;
  signalled = 0;
  endless_snippet = 0;
  running = 1;
}

bool SnippetGuard::end() {
  running = 0;
  return !signalled;
}

bool SnippetGuard::endless() const { return endless_snippet; }

}  // namespace ring1::test
