// SPDX-License-Identifier: GPL-2.0-only
// After Motorola's MC146818A data sheet; the extended bytes after IBM's PC/AT and later custom.
#include "vmm/devices/cmos.h"

#include <algorithm>
#include <ctime>

#include "base/bits.h"
#include "vmm/devices/platform.h"

namespace ring1::vmm {

namespace {

enum Index : uint8_t {
  kSeconds = 0,
  kSecondsAlarm,
  kMinutes,
  kMinutesAlarm,
  kHours,
  kHoursAlarm,
  kWeekday,
  kDay,
  kMonth,
  kYear,
  kRegisterA,
  kRegisterB,
  kRegisterC,
  kRegisterD,
  kEquipment = 0x14,
  kBaseMemory = 0x15,
  kExtendedMemory = 0x17,  // KiB above 1 MiB, up to 63 MiB
  kExtendedMemoryCopy = 0x30,
  kMemoryAbove16M = 0x34,  // in 64 KiB
};

constexpr uint8_t kUpdateInProgress = 1 << 7, kRateMask = 0x0f, kDefaultA = 0x26;
constexpr uint8_t kSet = 1 << 7, k24Hours = 1 << 1, kBinary = 1 << 2;
// The same bits enable in register B and flag in register C.
constexpr uint8_t kPeriodic = 1 << 6, kAlarm = 1 << 5, kUpdate = 1 << 4, kAnyInterrupt = 1 << 7;
constexpr uint8_t kEvents = kPeriodic | kAlarm | kUpdate;
constexpr uint8_t kPowerGood = 1 << 7;
constexpr uint8_t kPm = 1 << 7;      // of the hours in 12-hour mode
constexpr uint8_t kAlarmAny = 0xc0;  // an alarm byte from here on matches everything

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kUpdateLead = 244'000;  // register A tells of an update so long before it
constexpr uint16_t kBaseKilobytes = 640;
constexpr int64_t kDay24 = 24 * 60 * 60;
constexpr int64_t kFarthest = int64_t{1} << 40;  // seconds: more than any four digits of a year

}  // namespace

int64_t Cmos::floor_second(Time time) {
  return static_cast<int64_t>(time >= 0 ? time / kSecond : -((-time + kSecond - 1) / kSecond));
}

void Cmos::put_time(SectionWriter& out, Time time) {
  const int64_t seconds = floor_second(time);
  out.put(seconds);
  out.put(static_cast<int64_t>(time - Time{seconds} * kSecond));
}

Cmos::Time Cmos::get_time(SectionReader& in) {
  if (in.version() < 3) return in.get<int64_t>();
  const int64_t seconds = std::clamp(in.get<int64_t>(), -kFarthest, kFarthest);
  return Time{seconds} * kSecond + std::clamp<int64_t>(in.get<int64_t>(), 0, kSecond - 1);
}

Cmos::Cmos(Wires wires, uint64_t memory_size) : wires_(std::move(wires)) {
  bytes_[kRegisterA] = kDefaultA;
  bytes_[kRegisterB] = k24Hours;
  bytes_[kRegisterD] = kPowerGood;
  auto put16 = [&](uint8_t index, uint64_t value) {
    const auto limited = static_cast<uint16_t>(std::min<uint64_t>(value, 0xffff));
    bytes_[index] = static_cast<uint8_t>(limited);
    bytes_[index + 1] = static_cast<uint8_t>(limited >> 8);
  };
  const uint64_t extended = (memory_size >> 10) - 1024;
  put16(kBaseMemory, kBaseKilobytes);
  put16(kExtendedMemory, std::min<uint64_t>(extended, 63 * 1024));
  put16(kExtendedMemoryCopy, std::min<uint64_t>(extended, 63 * 1024));
  put16(kMemoryAbove16M, memory_size > (16 << 20) ? (memory_size - (16 << 20)) >> 16 : 0);
  collected_until_ = now();
}

uint64_t Cmos::read(uint64_t offset, unsigned) {
  std::lock_guard lock(mutex_);
  return offset == 0 ? 0xff : read_register(index_);
}

void Cmos::write(uint64_t offset, unsigned, uint64_t value) {
  {
    std::lock_guard lock(mutex_);
    if (offset == 0) {
      index_ = value & 0x7f;  // bit 7 masks NMIs; none are raised here
      return;
    }
    write_register(index_, static_cast<uint8_t>(value));
  }
  wires_.deadline_changed();
}

std::optional<int64_t> Cmos::poll() {
  std::lock_guard lock(mutex_);
  collect_events();
  update_interrupt();
  // While one interrupt waits for register C to be read, no other can be raised.
  const uint8_t enabled = bytes_[kRegisterB] & kEvents;
  if (line_high_ || enabled == 0) return std::nullopt;
  std::optional<Time> next;
  const Time time = now();
  if ((enabled & (kAlarm | kUpdate)) && !frozen()) next = Time{floor_second(time) + 1} * kSecond;
  if (const int64_t interval = periodic_interval(); (enabled & kPeriodic) && interval != 0) {
    const Time tick = (time / interval + 1) * interval;
    next = std::min(next.value_or(tick), tick);
  }
  if (!next) return std::nullopt;
  return static_cast<int64_t>(*next - offset_);  // on the clock of the wires, less than a second ahead
}

void Cmos::save(SectionWriter& out) const {
  std::lock_guard lock(mutex_);
  out.put(bytes_);
  out.put(index_);
  put_time(out, offset_);
  put_time(out, collected_until_);
  out.put(static_cast<uint8_t>(line_high_));
  put_time(out, now());
}

void Cmos::restore(SectionReader& in) {
  {
    std::lock_guard lock(mutex_);
    bytes_ = in.get<decltype(bytes_)>();
    index_ = in.get<uint8_t>() & 0x7f;
    offset_ = get_time(in);
    collected_until_ = std::min(get_time(in), now());
    line_high_ = in.get<uint8_t>() != 0;
    saved_time_ = get_time(in);
    wires_.interrupt(line_high_);
  }
  wires_.deadline_changed();
}

void Cmos::go_on_from_saved() {
  {
    std::lock_guard lock(mutex_);
    offset_ = saved_time_ - wires_.nanoseconds();
    collected_until_ = saved_time_;
  }
  wires_.deadline_changed();
}

uint8_t Cmos::read_register(uint8_t index) {
  switch (index) {
    case kRegisterA: return static_cast<uint8_t>(bytes_[kRegisterA] | (updating() ? kUpdateInProgress : 0));
    case kRegisterC: {
      collect_events();
      update_interrupt();
      const uint8_t value = bytes_[kRegisterC];
      bytes_[kRegisterC] = 0;
      update_interrupt();
      return value;
    }
    default:
      if (!frozen()) load_time();
      return bytes_[index];
  }
}

void Cmos::write_register(uint8_t index, uint8_t value) {
  collect_events();
  switch (index) {
    case kRegisterA: bytes_[kRegisterA] = without(value, kUpdateInProgress); return;
    case kRegisterB: {
      const bool was_frozen = frozen();
      if (!was_frozen) load_time();
      // The time bytes keep their meaning when the format changes only because the guest then sets them anew.
      bytes_[kRegisterB] = value;
      if (was_frozen && !frozen()) store_time();
      update_interrupt();
      return;
    }
    case kRegisterC:
    case kRegisterD: return;
    case kSeconds:
    case kMinutes:
    case kHours:
    case kWeekday:
    case kDay:
    case kMonth:
    case kYear:
    case kCmosCentury:
      if (!frozen()) load_time();
      bytes_[index] = value;
      if (!frozen()) store_time();
      return;
    default: bytes_[index] = value; return;
  }
}

bool Cmos::frozen() const { return bytes_[kRegisterB] & kSet; }

bool Cmos::updating() const {
  const Time time = now();
  return !frozen() && time - Time{floor_second(time)} * kSecond >= kSecond - kUpdateLead;
}

uint8_t Cmos::encode(int value) const {
  return static_cast<uint8_t>(bytes_[kRegisterB] & kBinary ? value : value / 10 << 4 | value % 10);
}

int Cmos::decode(uint8_t value) const {
  return bytes_[kRegisterB] & kBinary ? value : (value >> 4) * 10 + (value & 0x0f);
}

uint8_t Cmos::encode_hour(int hour) const {
  if (bytes_[kRegisterB] & k24Hours) return encode(hour);
  const int twelve = hour % 12 == 0 ? 12 : hour % 12;
  return static_cast<uint8_t>(encode(twelve) | (hour >= 12 ? kPm : 0));
}

int Cmos::decode_hour(uint8_t value) const {
  if (bytes_[kRegisterB] & k24Hours) return decode(value);
  return decode(without(value, kPm)) % 12 + (value & kPm ? 12 : 0);
}

void Cmos::load_time() {
  const std::time_t seconds = floor_second(now());
  std::tm time{};
  ::gmtime_r(&seconds, &time);
  const int year = time.tm_year + 1900;
  bytes_[kSeconds] = encode(time.tm_sec);
  bytes_[kMinutes] = encode(time.tm_min);
  bytes_[kHours] = encode_hour(time.tm_hour);
  bytes_[kWeekday] = encode(time.tm_wday + 1);
  bytes_[kDay] = encode(time.tm_mday);
  bytes_[kMonth] = encode(time.tm_mon + 1);
  bytes_[kYear] = encode(year % 100);
  bytes_[kCmosCentury] = encode(year / 100);
}

void Cmos::store_time() {
  std::tm time{};
  time.tm_sec = decode(bytes_[kSeconds]);
  time.tm_min = decode(bytes_[kMinutes]);
  time.tm_hour = decode_hour(bytes_[kHours]);
  time.tm_mday = decode(bytes_[kDay]);
  time.tm_mon = decode(bytes_[kMonth]) - 1;
  time.tm_year = decode(bytes_[kCmosCentury]) * 100 + decode(bytes_[kYear]) - 1900;
  offset_ = Time{::timegm(&time)} * kSecond - wires_.nanoseconds();
  collected_until_ = now();
}

bool Cmos::alarm_matches(int64_t second) const {
  const std::time_t seconds = second;
  std::tm time{};
  ::gmtime_r(&seconds, &time);
  auto matches = [&](uint8_t alarm, uint8_t value) { return alarm >= kAlarmAny || alarm == value; };
  return matches(bytes_[kSecondsAlarm], encode(time.tm_sec)) && matches(bytes_[kMinutesAlarm], encode(time.tm_min)) &&
         matches(bytes_[kHoursAlarm], encode_hour(time.tm_hour));
}

// 0: off. Rates 1 and 2 repeat 8 and 9 with the usual 32 kHz crystal.
int64_t Cmos::periodic_interval() const {
  int rate = bytes_[kRegisterA] & kRateMask;
  if (rate == 0) return 0;
  if (rate <= 2) rate += 7;
  return kSecond / (32768 >> (rate - 1));
}

void Cmos::collect_events() {
  const Time time = now();
  if (const int64_t interval = periodic_interval(); interval != 0 && time / interval != collected_until_ / interval)
    bytes_[kRegisterC] |= kPeriodic;
  const int64_t first = floor_second(collected_until_) + 1;
  const int64_t last = floor_second(time);
  if (first <= last && !frozen()) {
    bytes_[kRegisterC] |= kUpdate;
    // An alarm recurs daily: older seconds need no look.
    for (int64_t second = std::max(first, last - kDay24); second <= last; second++) {
      if (!alarm_matches(second)) continue;
      bytes_[kRegisterC] |= kAlarm;
      break;
    }
  }
  collected_until_ = time;
}

void Cmos::update_interrupt() {
  const bool level = bytes_[kRegisterB] & bytes_[kRegisterC] & kEvents;
  if (level)
    bytes_[kRegisterC] |= kAnyInterrupt;
  else
    bytes_[kRegisterC] = without(bytes_[kRegisterC], kAnyInterrupt);
  if (level == line_high_) return;
  line_high_ = level;
  wires_.interrupt(level);
}

}  // namespace ring1::vmm
