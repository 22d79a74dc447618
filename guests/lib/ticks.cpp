// SPDX-License-Identifier: GPL-2.0-only
#include "ticks.h"

namespace guest {

namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;
// Less than what virtual machines keep for a guest that does not run; ours keeps 250.
constexpr uint64_t kKept = 100;

uint32_t latencies[Ticks::kMostLatencies];  // one at a time is measured

uint64_t cycles_of(uint64_t ns, uint64_t rate) {
  return ns / kNsPerSecond * rate + ns % kNsPerSecond * rate / kNsPerSecond;
}

void sift(uint32_t* heap, uint32_t at, uint32_t size) {
  for (uint32_t child; (child = 2 * at + 1) < size; at = child) {
    if (child + 1 < size && heap[child + 1] > heap[child]) ++child;
    if (heap[child] <= heap[at]) return;
    const uint32_t larger = heap[child];
    heap[child] = heap[at];
    heap[at] = larger;
  }
}

void sort(uint32_t* values, uint32_t size) {
  for (uint32_t i = size / 2; i-- > 0;) sift(values, i, size);
  for (uint32_t left = size; left > 1;) {
    const uint32_t largest = values[0];
    values[0] = values[--left];
    values[left] = largest;
    sift(values, 0, left);
  }
}

}  // namespace

void Ticks::start(uint32_t period, uint64_t rate, void (*program)()) {
  period_ = period;
  rate_ = rate;
  count_ = 0;
  excused_ = 0;
  sorted_ = false;
  begin_.low = rdtsc();
  program();
  begin_.high = last_ = rdtsc();
}

void Ticks::arrived() {
  const uint64_t now = rdtsc();
  const uint64_t away = (now - last_) / cycles_of(period_, rate_);
  if (away > kKept) excused_ += away;
  last_ = now;
  const uint64_t due = begin_.low + cycles_of(uint64_t{period_} * (count_ + 1), rate_);
  const uint64_t late = now > due ? now - due : 0;
  if (count_ < kMostLatencies) latencies[count_] = late > ~0u ? ~0u : static_cast<uint32_t>(late);
  count_ = count_ + 1;
}

Interval Ticks::due() const {
  const uint64_t now = rdtsc(), period = cycles_of(period_, rate_);
  return {(now - begin_.high) / (period + 1), (now - begin_.low) / (period - 1)};
}

uint64_t Ticks::latency_but(uint32_t per_100000) {
  const uint32_t size = count_ < kMostLatencies ? count_ : kMostLatencies;
  if (!size) return 0;
  if (!sorted_) sort(latencies, size);
  sorted_ = true;
  return latencies[size - 1 - static_cast<uint32_t>(uint64_t{size - 1} * per_100000 / 100000)];
}

}  // namespace guest
