// SPDX-License-Identifier: GPL-2.0-only
// The command words of the 8259A: ICW1 to ICW4 in sequence, OCW1 to OCW3 at any time.
#include "irqchip/pic.h"

namespace ring1::irqchip {

namespace {
constexpr uint8_t kIcw1 = 0x10, kIcw1NeedsIcw4 = 0x01;
constexpr uint8_t kOcw3 = 0x08, kOcw3ReadCommand = 0x02, kOcw3ReadIsr = 0x01, kOcw3Poll = 0x04;
constexpr uint8_t kOcw3SetSpecialMask = 0x40, kOcw3SpecialMask = 0x20;
constexpr uint8_t kIcw4AutoEoi = 0x02, kIcw4SpecialFullyNested = 0x10;
constexpr uint8_t kPollInterrupt = 0x80;
enum InitState : uint8_t { kReady, kWantsIcw2, kWantsIcw3, kWantsIcw4 };
// OCW2 bits 7..5.
enum EoiCommand : uint8_t {
  kRotateInAutoEoiClear,
  kNonSpecific,
  kNoOperation,
  kSpecific,
  kRotateInAutoEoiSet,
  kRotateNonSpecific,
  kSetPriority,
  kRotateSpecific,
};
}  // namespace

void Pic::initialize(uint8_t icw1) {
  kvm_pic_state fresh = {};
  fresh.elcr = s_.elcr;
  fresh.elcr_mask = s_.elcr_mask;
  fresh.irq_base = s_.irq_base;
  fresh.irr = s_.irr & s_.elcr;  // latched edges are forgotten, a level is still there
  fresh.init4 = icw1 & kIcw1NeedsIcw4;
  fresh.init_state = kWantsIcw2;
  s_ = fresh;
}

void Pic::end_of_interrupt(uint8_t ocw2, uint8_t* ended) {
  const auto command = static_cast<EoiCommand>(ocw2 >> 5);
  unsigned pin = ocw2 % kPins;
  switch (command) {
    case kRotateInAutoEoiClear:
    case kRotateInAutoEoiSet: s_.rotate_on_auto_eoi = command == kRotateInAutoEoiSet; return;
    case kNoOperation: return;
    case kSetPriority: s_.priority_add = static_cast<uint8_t>((pin + 1) % kPins); return;
    case kNonSpecific:
    case kRotateNonSpecific: {
      // In the special mask mode what is masked is not ended by this command.
      const uint8_t candidates = s_.special_mask ? s_.isr & static_cast<uint8_t>(~s_.imr) : s_.isr;
      const unsigned best = priority(candidates);
      if (best == kNone) return;
      pin = pin_of(best);
      break;
    }
    case kSpecific:
    case kRotateSpecific: break;
  }
  const auto bit = static_cast<uint8_t>(1u << pin);
  *ended |= s_.isr & bit;
  s_.isr &= static_cast<uint8_t>(~bit);
  if (command == kRotateNonSpecific || command == kRotateSpecific) {
    s_.priority_add = static_cast<uint8_t>((pin + 1) % kPins);
  }
}

void Pic::write_ocw3(uint8_t value) {
  if (value & kOcw3Poll) s_.poll = 1;
  if (value & kOcw3ReadCommand) s_.read_reg_select = value & kOcw3ReadIsr;
  if (value & kOcw3SetSpecialMask) s_.special_mask = (value & kOcw3SpecialMask) != 0;
}

void Pic::write_data(uint8_t value) {
  switch (s_.init_state) {
    case kReady: s_.imr = value; break;
    case kWantsIcw2:
      s_.irq_base = value & 0xf8;
      s_.init_state = kWantsIcw3;
      break;
    case kWantsIcw3:  // the wiring of the cascade is fixed
      s_.init_state = s_.init4 ? kWantsIcw4 : kReady;
      break;
    case kWantsIcw4:
      s_.auto_eoi = (value & kIcw4AutoEoi) != 0;
      s_.special_fully_nested_mode = (value & kIcw4SpecialFullyNested) != 0;
      s_.init_state = kReady;
      break;
  }
}

void Pic::write(unsigned address, uint8_t value, uint8_t* ended) {
  *ended = 0;
  if (address) {
    write_data(value);
  } else if (value & kIcw1) {
    *ended = s_.isr | (s_.irr & static_cast<uint8_t>(~s_.elcr));
    initialize(value);
  } else if (value & kOcw3) {
    write_ocw3(value);
  } else {
    end_of_interrupt(value, ended);
  }
}

uint8_t Pic::read(unsigned address, uint8_t* ended) {
  *ended = 0;
  if (s_.poll) {  // the read acts as the acknowledgement
    s_.poll = 0;
    const int pin = pending();
    if (pin < 0) return 0;
    acknowledge(static_cast<unsigned>(pin));
    if (s_.auto_eoi) *ended = static_cast<uint8_t>(1u << pin);
    return static_cast<uint8_t>(kPollInterrupt | pin);
  }
  if (address) return s_.imr;
  return s_.read_reg_select ? s_.isr : s_.irr;
}

}  // namespace ring1::irqchip
