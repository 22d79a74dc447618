// SPDX-License-Identifier: GPL-2.0-only
// Names and bits after National Semiconductor's PC16550D data sheet, chapter 8.
#include "vmm/devices/serial.h"

#include <array>

namespace ring1::vmm {

namespace {

enum Register : uint64_t {
  kData,             // RBR, THR; divisor latch low
  kInterruptEnable,  // divisor latch high
  kInterruptId,      // write: FIFO control
  kLineControl,
  kModemControl,
  kLineStatus,
  kModemStatus,
  kScratch,
};

constexpr uint8_t kEnableReceived = 1 << 0, kEnableTransmit = 1 << 1, kEnableModem = 1 << 3, kEnableMask = 0x0f;
constexpr uint8_t kIdNone = 0x01, kIdModem = 0x00, kIdTransmit = 0x02, kIdReceived = 0x04, kIdTimeout = 0x0c,
                  kIdFifos = 0xc0;
constexpr uint8_t kFifoEnable = 1 << 0, kFifoClearReceived = 1 << 1;
constexpr uint8_t kDivisorLatch = 1 << 7;
constexpr uint8_t kDtr = 1 << 0, kRts = 1 << 1, kOut1 = 1 << 2, kOut2 = 1 << 3, kLoop = 1 << 4, kModemMask = 0x1f;
constexpr uint8_t kDataReady = 1 << 0, kTransmitEmpty = 1 << 5 | 1 << 6;
constexpr uint8_t kCts = 1 << 4, kDsr = 1 << 5, kRing = 1 << 6, kCarrier = 1 << 7;

constexpr size_t kFifoSize = 16;
constexpr std::array<uint8_t, 4> kTriggerLevels = {1, 4, 8, 14};
// So many reads of the line status and of nothing else mean that the guest polls for input.
constexpr unsigned kPollsForInput = 8;

}  // namespace

uint64_t Serial::read(uint64_t offset, unsigned) {
  std::lock_guard lock(mutex_);
  return read_register(offset);
}

void Serial::write(uint64_t offset, unsigned, uint64_t value) {
  std::lock_guard lock(mutex_);
  write_register(offset, static_cast<uint8_t>(value));
}

void Serial::receive(uint8_t byte) {
  std::lock_guard lock(mutex_);
  backlog_.push_back(byte);
  refill();
  update_interrupt();
}

size_t Serial::waiting() const {
  std::lock_guard lock(mutex_);
  return backlog_.size();
}

void Serial::transmitted() {
  std::lock_guard lock(mutex_);
  finish_transmission();
  update_interrupt();
}

void Serial::save(SectionWriter& out) const {
  std::lock_guard lock(mutex_);
  for (const uint8_t value : {interrupt_enable_, line_control_, modem_control_, scratch_, divisor_low_, divisor_high_,
                              modem_delta_, trigger_level_})
    out.put(value);
  for (const bool value : {fifo_enabled_, transmitting_, transmit_interrupt_, line_high_})
    out.put(static_cast<uint8_t>(value));
  out.put_all(fifo_);
  out.put_all(backlog_);
}

void Serial::restore(SectionReader& in) {
  std::lock_guard lock(mutex_);
  for (uint8_t* value : {&interrupt_enable_, &line_control_, &modem_control_, &scratch_, &divisor_low_, &divisor_high_,
                         &modem_delta_, &trigger_level_})
    *value = in.get<uint8_t>();
  for (bool* value : {&fifo_enabled_, &transmitting_, &transmit_interrupt_, &line_high_})
    *value = in.get<uint8_t>() != 0;
  fifo_ = in.get_all<std::deque<uint8_t>>();
  backlog_ = in.get_all<std::deque<uint8_t>>();
  status_polls_ = 0;
  wires_.interrupt(line_high_);
}

uint8_t Serial::read_register(uint64_t offset) {
  finish_transmission();
  status_polls_ = offset == kLineStatus ? status_polls_ + 1 : 0;
  uint8_t value = 0;
  switch (offset) {
    case kData: value = line_control_ & kDivisorLatch ? divisor_low_ : read_data(); break;
    case kInterruptEnable: value = line_control_ & kDivisorLatch ? divisor_high_ : interrupt_enable_; break;
    case kInterruptId:
      value = interrupt_id();
      if (value == kIdTransmit) transmit_interrupt_ = false;
      value |= fifo_enabled_ ? kIdFifos : 0;
      break;
    case kLineControl: value = line_control_; break;
    case kModemControl: value = modem_control_; break;
    case kLineStatus:
      refill();
      value = kTransmitEmpty | (fifo_.empty() ? 0 : kDataReady);
      break;
    case kModemStatus:
      value = modem_status() | modem_delta_;
      modem_delta_ = 0;
      break;
    case kScratch: value = scratch_; break;
  }
  update_interrupt();
  return value;
}

void Serial::write_register(uint64_t offset, uint8_t value) {
  status_polls_ = 0;
  if (offset == kData && !(line_control_ & kDivisorLatch)) {
    transmit_byte(value);
    return update_interrupt();
  }
  finish_transmission();
  switch (offset) {
    case kData: divisor_low_ = value; break;
    case kInterruptEnable:
      if (line_control_ & kDivisorLatch)
        divisor_high_ = value;
      else
        write_interrupt_enable(value);
      break;
    case kInterruptId: write_fifo_control(value); break;
    case kLineControl: line_control_ = value; break;
    case kModemControl: write_modem_control(value); break;
    case kScratch: scratch_ = value; break;
  }
  update_interrupt();
}

uint8_t Serial::read_data() {
  if (fifo_.empty()) return 0;
  const uint8_t byte = fifo_.front();
  fifo_.pop_front();
  refill();
  return byte;
}

void Serial::transmit_byte(uint8_t byte) {
  transmit_interrupt_ = false;
  transmitting_ = true;
  if (modem_control_ & kLoop) {
    if (fifo_.size() < kFifoSize) fifo_.push_back(byte);
  } else {
    wires_.transmit(byte);
  }
}

void Serial::write_interrupt_enable(uint8_t value) {
  const uint8_t raised = value & ~interrupt_enable_;
  interrupt_enable_ = value & kEnableMask;
  // The holding register is empty: enabling its interrupt raises it.
  if (raised & kEnableTransmit) transmit_interrupt_ = true;
  refill();
}

void Serial::write_fifo_control(uint8_t value) {
  const bool enable = value & kFifoEnable;
  if (enable != fifo_enabled_ || (value & kFifoClearReceived)) fifo_.clear();
  fifo_enabled_ = enable;
  trigger_level_ = enable ? kTriggerLevels[value >> 6] : 1;
  refill();
}

void Serial::write_modem_control(uint8_t value) {
  const uint8_t before = modem_status();
  modem_control_ = value & kModemMask;
  const uint8_t changed = before ^ modem_status();
  // The delta bits stand four below their inputs; the ring indicator counts only when it ends.
  const uint8_t edges = (changed & (kCts | kDsr | kCarrier)) | (changed & before & kRing);
  modem_delta_ |= edges >> 4;
}

uint8_t Serial::modem_status() const {
  if (!(modem_control_ & kLoop)) return kCts | kDsr | kCarrier;
  uint8_t status = 0;
  if (modem_control_ & kRts) status |= kCts;
  if (modem_control_ & kDtr) status |= kDsr;
  if (modem_control_ & kOut1) status |= kRing;
  if (modem_control_ & kOut2) status |= kCarrier;
  return status;
}

uint8_t Serial::interrupt_id() const {
  if ((interrupt_enable_ & kEnableReceived) && !fifo_.empty())
    return fifo_.size() >= trigger_level_ ? kIdReceived : kIdTimeout;
  if ((interrupt_enable_ & kEnableTransmit) && transmit_interrupt_) return kIdTransmit;
  if ((interrupt_enable_ & kEnableModem) && modem_delta_ != 0) return kIdModem;
  return kIdNone;
}

void Serial::finish_transmission() {
  if (!transmitting_) return;
  transmitting_ = false;
  transmit_interrupt_ = true;
}

void Serial::refill() {
  const bool listening = (interrupt_enable_ & kEnableReceived) || status_polls_ >= kPollsForInput;
  if (!listening || (modem_control_ & kLoop)) return;
  const size_t room = fifo_enabled_ ? kFifoSize : 1;
  while (!backlog_.empty() && fifo_.size() < room) {
    fifo_.push_back(backlog_.front());
    backlog_.pop_front();
  }
}

void Serial::update_interrupt() {
  // On a PC's board OUT2 drives the buffer of the interrupt line. QEMU has no such buffer, and there are guests that
  // know only it.
  const bool level = interrupt_id() != kIdNone;
  if (level == line_high_) return;
  line_high_ = level;
  wires_.interrupt(level);
}

}  // namespace ring1::vmm
