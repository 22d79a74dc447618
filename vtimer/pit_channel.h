// SPDX-License-Identifier: GPL-2.0-only
// One counter of the 8254 (Intel data sheet 231164), as a function of time: nothing happens between accesses.
#pragma once

#include <linux/kvm.h>

#include <cstdint>

namespace ring1::vtimer {

inline constexpr uint64_t kPitHz = 1193182;

uint64_t pit_ticks(uint64_t ns);  // whole input clocks in that time
uint64_t pit_ns(uint64_t ticks);  // the first nanosecond at which that many are over

class PitChannel {
 public:
  enum Mode : uint8_t {
    kTerminalCount = 0,
    kOneShot = 1,
    kRateGenerator = 2,
    kSquareWave = 3,
    kSoftwareStrobe = 4,
    kHardwareStrobe = 5,
  };
  enum Access : uint8_t { kLatch = 0, kLow = 1, kHigh = 2, kWord = 3, kWordHigh = 4 };  // KVM's rw and state codes

  void reset(uint64_t now);

  void write_control(uint8_t control, uint64_t now);
  void write_count(uint8_t value, uint64_t now);
  uint8_t read_count(uint64_t now);
  void latch_count(uint64_t now);
  void latch_status(uint64_t now);

  bool gate() const { return s_.gate; }
  void set_gate(bool level, uint64_t now);
  bool output(uint64_t now);

  // Rising edges of OUT since the reset, those that programming itself causes not counted.
  uint64_t edges(uint64_t now);
  // Between two edges; 0 if they do not repeat.
  uint64_t period_ns() const { return periodic() && loaded_ ? pit_ns(s_.count) : 0; }
  // When the next one is due; ~0: never, as things are.
  uint64_t next_edge(uint64_t now);

  void save(kvm_pit_channel_state* to, uint64_t now);
  void restore(const kvm_pit_channel_state& from, uint64_t now);

 private:
  bool periodic() const { return s_.mode == kRateGenerator || s_.mode == kSquareWave; }
  bool triggered_by_gate() const { return s_.mode == kOneShot || s_.mode == kHardwareStrobe; }
  bool stopped_by_gate() const { return !triggered_by_gate() && !s_.gate; }
  bool running() const { return loaded_ && (triggered_ || !triggered_by_gate()); }
  uint64_t elapsed(uint64_t now) const;
  uint64_t edges_since_load(uint64_t now) const;
  uint32_t final_tick() const;
  uint32_t counting_element(uint64_t now) const;
  uint32_t to_count(uint32_t written) const;
  uint16_t to_digits(uint32_t count) const;
  void load(uint32_t count, uint64_t at, uint64_t edges_before);
  void accept_count(uint32_t written, uint64_t now);
  void settle(uint64_t now);

  kvm_pit_channel_state s_ = {};
  uint64_t load_time_ = 0;   // when the count was loaded, or the gate triggered it
  uint64_t held_ = 0;        // clocks counted when the gate stopped it
  uint64_t base_edges_ = 0;  // before the load
  uint32_t next_count_ = 0;  // written while another runs, loaded at next_time_ or by the gate; 0: none
  uint64_t next_time_ = 0;
  uint64_t next_edges_ = 0;  // edges_since_load() by then
  bool loaded_ = false;      // a count was written since the control word
  bool triggered_ = false;   // modes 1 and 5: the gate has risen since then
};

}  // namespace ring1::vtimer
