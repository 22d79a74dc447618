// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/devices/i8042.h"

#include "base/bits.h"

namespace ring1::vmm {

namespace {

constexpr uint8_t kOutputFull = 1 << 0, kSystemFlag = 1 << 2, kCommandLast = 1 << 3, kUnlocked = 1 << 4;
constexpr uint8_t kKeyboardInterrupt = 1 << 0, kKeyboardDisabled = 1 << 4, kAuxDisabled = 1 << 5;
constexpr uint8_t kNotInReset = 1 << 0, kA20 = 1 << 1;

enum Command : uint8_t {
  kReadCommandByte = 0x20,
  kWriteCommandByte = 0x60,
  kDisableAux = 0xa7,
  kEnableAux = 0xa8,
  kTestAux = 0xa9,
  kSelfTest = 0xaa,
  kTestKeyboard = 0xab,
  kDisableKeyboard = 0xad,
  kEnableKeyboard = 0xae,
  kReadInputPort = 0xc0,
  kReadOutputPort = 0xd0,
  kWriteOutputPort = 0xd1,
  kEchoKeyboard = 0xd2,
  kDisableA20 = 0xdd,
  kEnableA20 = 0xdf,
  kFirstPulse = 0xf0,  // low four bits: lines not to pulse
};

constexpr uint8_t kKeyboardUnlocked = 0x80;  // the input port
constexpr uint8_t kSelfTestPassed = 0x55, kKeyboardTestPassed = 0x00, kAuxTestFailed = 0x01;
// What a keyboard says to a byte it did not get: nobody is there, but the driver need not wait for a time-out.
constexpr uint8_t kResend = 0xfe;

}  // namespace

uint64_t I8042::read(uint64_t offset, unsigned) {
  if (offset == kCommandOffset)
    return (output_.empty() ? 0 : kOutputFull) | kSystemFlag | kUnlocked | (last_was_command_ ? kCommandLast : 0);
  if (offset != kDataOffset || output_.empty()) return 0;
  const uint8_t value = output_.front();
  output_.pop_front();
  update_interrupt();
  return value;
}

void I8042::write(uint64_t offset, unsigned, uint64_t value) {
  const auto byte = static_cast<uint8_t>(value);
  if (offset == kCommandOffset)
    command(byte);
  else if (offset == kDataOffset)
    data(byte);
}

void I8042::command(uint8_t value) {
  last_was_command_ = true;
  pending_command_ = 0;
  if (value >= kFirstPulse) {
    if (!(value & kNotInReset)) wires_.reset();
    return;
  }
  switch (value) {
    case kReadCommandByte: return answer(command_byte_);
    case kWriteCommandByte:
    case kWriteOutputPort:
    case kEchoKeyboard: pending_command_ = value; return;
    case kDisableAux: command_byte_ |= kAuxDisabled; return;
    case kEnableAux: command_byte_ = without(command_byte_, kAuxDisabled); return;
    case kTestAux: return answer(kAuxTestFailed);
    case kSelfTest: return answer(kSelfTestPassed);
    case kTestKeyboard: return answer(kKeyboardTestPassed);
    case kDisableKeyboard: command_byte_ |= kKeyboardDisabled; return;
    case kEnableKeyboard: command_byte_ = without(command_byte_, kKeyboardDisabled); return;
    case kReadInputPort: return answer(kKeyboardUnlocked);
    case kReadOutputPort: return answer(output_port_);
    case kDisableA20: output_port_ = without(output_port_, kA20); return;
    case kEnableA20: output_port_ |= kA20; return;
  }
}

void I8042::data(uint8_t value) {
  last_was_command_ = false;
  const uint8_t command = pending_command_;
  pending_command_ = 0;
  switch (command) {
    case kWriteCommandByte:
      command_byte_ = value;
      update_interrupt();
      return;
    case kWriteOutputPort:
      output_port_ = value;
      if (!(value & kNotInReset)) wires_.reset();
      return;
    case kEchoKeyboard: return answer(value);
    default: return answer(kResend);
  }
}

void I8042::answer(uint8_t value) {
  constexpr size_t kDepth = 16;
  if (output_.size() < kDepth) output_.push_back(value);
  update_interrupt();
}

void I8042::save(SectionWriter& out) const {
  out.put_all(output_);
  for (const uint8_t value : {command_byte_, pending_command_, output_port_}) out.put(value);
  for (const bool value : {last_was_command_, line_high_}) out.put(static_cast<uint8_t>(value));
}

void I8042::restore(SectionReader& in) {
  output_ = in.get_all<std::deque<uint8_t>>();
  for (uint8_t* value : {&command_byte_, &pending_command_, &output_port_}) *value = in.get<uint8_t>();
  for (bool* value : {&last_was_command_, &line_high_}) *value = in.get<uint8_t>() != 0;
  wires_.interrupt(line_high_);
}

void I8042::update_interrupt() {
  const bool level = !output_.empty() && (command_byte_ & kKeyboardInterrupt);
  if (level == line_high_) return;
  line_high_ = level;
  wires_.interrupt(level);
}

}  // namespace ring1::vmm
