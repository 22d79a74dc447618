// SPDX-License-Identifier: GPL-2.0-only
// The MC146818 real-time clock with its CMOS memory, and the bytes a PC's BIOS keeps there. Shows the host's
// time (UTC) plus what the guest set it off by. Registers are the vCPU thread's, poll() the console thread's.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>

#include "vmm/devices/bus.h"
#include "vmm/state/archive.h"

namespace ring1::vmm {

class Cmos : public Device {
 public:
  struct Wires {
    std::function<int64_t()> nanoseconds;  // since 1970, UTC
    std::function<void(bool)> interrupt;
    std::function<void()> deadline_changed;
  };
  Cmos(Wires wires, uint64_t memory_size);

  uint64_t read(uint64_t offset, unsigned size) override;
  void write(uint64_t offset, unsigned size, uint64_t value) override;

  // Raises what is due; the time of the next interrupt on the same clock, if one is enabled.
  std::optional<int64_t> poll();

  static constexpr uint32_t kVersion = 3;  // before 3 a time was one number of nanoseconds
  void save(SectionWriter& out) const;
  // The clock shows the host's time again; an alarm that was due meanwhile comes now.
  void restore(SectionReader& in);
  // After restore(): the clock stood meanwhile, and goes on from the time that was saved.
  void go_on_from_saved();

 private:
  // Nanoseconds since 1970. The guest may set any year of four digits, and 64 bits end with 2262.
  using Time = __int128;

  static int64_t floor_second(Time time);
  static void put_time(SectionWriter& out, Time time);
  static Time get_time(SectionReader& in);
  uint8_t read_register(uint8_t index);
  void write_register(uint8_t index, uint8_t value);
  Time now() const { return Time{wires_.nanoseconds()} + offset_; }
  bool frozen() const;
  bool updating() const;
  uint8_t encode(int value) const;
  int decode(uint8_t value) const;
  uint8_t encode_hour(int hour) const;
  int decode_hour(uint8_t value) const;
  void load_time();
  void store_time();
  bool alarm_matches(int64_t second) const;
  int64_t periodic_interval() const;
  void collect_events();
  void update_interrupt();

  Wires wires_;
  mutable std::mutex mutex_;
  std::array<uint8_t, 128> bytes_{};
  uint8_t index_ = 0;
  Time offset_ = 0;
  Time collected_until_;
  Time saved_time_ = 0;
  bool line_high_ = false;
};

}  // namespace ring1::vmm
