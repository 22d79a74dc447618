// SPDX-License-Identifier: GPL-2.0-only
#include "vtimer/pvclock.h"

#include <cstddef>

namespace ring1::vtimer {

namespace {

// Layouts as in the Linux headers asm/pvclock-abi.h and asm/kvm_para.h.
struct TimeRecord {
  uint32_t version, pad;
  uint64_t tsc, ns;
  uint32_t multiplier;
  int8_t shift;
  uint8_t flags;
  uint8_t pad2[2];
};
static_assert(sizeof(TimeRecord) == 32);
constexpr uint8_t kTscStable = 1, kGuestStopped = 2;

struct WallRecord {
  uint32_t version, seconds, nanoseconds;
};
static_assert(sizeof(WallRecord) == 12);

struct StealRecord {
  uint64_t ns;
  uint32_t version, flags;
  uint8_t preempted, pad[3];
  uint32_t pad2[11];
};
static_assert(sizeof(StealRecord) == 64);

// The version is odd as long as this lives, and the next even one afterwards.
class Change {
 public:
  Change(PvMemory& memory, Gpa where) : memory_(memory), where_(where) {
    uint32_t version;
    if (!memory_.read_physical(where_, &version, sizeof version)) return;
    odd_ = (version + 1) | 1;
    begun_ = memory_.write_physical(where_, &odd_, sizeof odd_);
  }
  ~Change() {
    const uint32_t even = odd_ + 1;
    if (begun_) (void)memory_.write_physical(where_, &even, sizeof even);
  }
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;

  bool begun() const { return begun_; }

 private:
  PvMemory& memory_;
  Gpa where_;
  uint32_t odd_ = 0;
  bool begun_ = false;
};

// Everything behind the version, which comes first.
template <class Record>
bool write_behind_version(PvMemory& memory, Gpa where, const Record& record) {
  constexpr unsigned kVersion = sizeof record.version;
  static_assert(offsetof(Record, version) == 0);
  const Change change(memory, where);
  return change.begun() && memory.write_physical(where + kVersion, reinterpret_cast<const uint8_t*>(&record) + kVersion,
                                                 sizeof record - kVersion);
}

}  // namespace

bool publish(PvMemory& memory, Gpa where, const PvclockTime& time) {
  TimeRecord record{};
  if (!memory.read_physical(where, &record, sizeof record)) return false;
  const bool stopped = time.stopped || (record.flags & kGuestStopped);
  record = {.tsc = time.tsc,
            .ns = time.ns,
            .multiplier = time.scale.multiplier,
            .shift = time.scale.shift,
            .flags = static_cast<uint8_t>((time.tsc_stable ? kTscStable : 0) | (stopped ? kGuestStopped : 0))};
  return write_behind_version(memory, where, record);
}

bool publish(PvMemory& memory, Gpa where, const PvclockWall& wall) {
  return write_behind_version(memory, where, WallRecord{.seconds = wall.seconds, .nanoseconds = wall.nanoseconds});
}

bool add_stolen(PvMemory& memory, Gpa where, uint64_t ns) {
  const Change change(memory, where + offsetof(StealRecord, version));
  uint64_t sum;
  if (!change.begun() || !memory.read_physical(where, &sum, sizeof sum)) return false;
  sum += ns;
  return memory.write_physical(where, &sum, sizeof sum);
}

}  // namespace ring1::vtimer
