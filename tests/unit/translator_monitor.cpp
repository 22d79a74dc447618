// SPDX-License-Identifier: GPL-2.0-only
#include "translator_monitor.h"

#include <Zydis/Zydis.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "translator_text.h"
#include "x86/registers.h"

namespace ring1::translator::test {
namespace {

[[noreturn]] void die(const char* why, uint32_t eip) {
  std::fprintf(stderr, "translated code: %s at %08x\n", why, eip);
  std::abort();
}

}  // namespace

Monitor::Monitor(const Mode& mode, unsigned max_instructions) : mode_(mode), max_instructions_(max_instructions) {
  miss_stub_ = Arena::kCache;
  const uint8_t stub[] = {0xcd, static_cast<uint8_t>(CalloutVector::kIndirectMiss)};
  std::memcpy(at<>(miss_stub_), stub, sizeof stub);
  used_ = sizeof stub;
  for (unsigned n = 0; n < kReturnTableEntries; ++n) at<uint32_t>(Arena::kShared + kReturnTableOffset)[n] = miss_stub_;
  shared() = SharedPage{.interrupt_flag = 1,
                        .virtual_cs = mode.code32 ? Cpu::kFlatCode : Cpu::kCode16,
                        .virtual_ss = Cpu::kFlatData,
                        .virtual_gs = Cpu::kShared};
  for (unsigned bits = 0; bits < 256; ++bits) shared().popped_flags[bits] = popped_flags(bits);
}

Monitor::Unit& Monitor::unit_for(uint32_t guest_eip) {
  std::unique_ptr<Unit>& slot = by_eip_[guest_eip];
  if (slot) return *slot;
  slot = std::make_unique<Unit>();
  slot->first_eip = guest_eip;
  slot->base = Arena::kCache + used_;
  slot->buffer.resize(Translation::kMaxCode);
  slot->translation.code = slot->buffer.data();
  const Source source{guest_eip, at<>(mode_.cs_base + guest_eip), kMaxGuestBytes, max_instructions_};
  if (translate(source, mode_, &slot->translation) != Outcome::kOk) die("cannot translate", guest_eip);
  std::memcpy(at<>(slot->base), slot->buffer.data(), slot->translation.code_size);
  used_ += slot->translation.code_size;
  if (used_ > Arena::kCacheBytes - Translation::kMaxCode) die("test cache full", guest_eip);
  by_base_[slot->base] = slot.get();
  for (unsigned n = 0; n < slot->translation.return_count; ++n) {
    const ReturnPoint& point = slot->translation.returns[n];
    at<uint32_t>(Arena::kShared + kReturnTableOffset)[point.return_eip & 0xffff] = slot->base + point.code_offset;
  }
  return *slot;
}

uint32_t Monitor::enter(uint32_t guest_eip) {
  Unit& unit = unit_for(guest_eip);
  return unit.base + unit.translation.body;
}

const Monitor::Unit* Monitor::unit_at(uint32_t eip) const {
  auto above = by_base_.upper_bound(eip);
  if (above == by_base_.begin()) return nullptr;
  const Unit* unit = (--above)->second;
  return eip < unit->base + unit->translation.code_size ? unit : nullptr;
}

std::string Monitor::where(uint32_t eip) const {
  const Unit* unit = unit_at(eip);
  return unit == nullptr ? "miss stub" : describe(unit->translation, unit->first_eip);
}

Registers Monitor::recover(const Registers& real) const {
  Registers guest = real;
  const uint32_t esp = real.gpr[kRsp];
  if (real.eip == miss_stub_) {
    guest.eip = *at<uint32_t>(esp);
    guest.gpr[kRcx] = *at<uint32_t>(esp - 8);
    guest.gpr[kRsp] = esp + 4;
    return guest;
  }
  const Unit* unit = unit_at(real.eip);
  if (unit == nullptr) die("outside the cache", real.eip);
  const MapEntry* entry = map_entry_at(unit->translation, real.eip - unit->base);
  if (entry == nullptr) die("no map entry", real.eip);
  switch (entry->eip) {
    case MapEntry::Eip::kOffset: guest.eip = unit->first_eip + entry->guest_offset; break;
    case MapEntry::Eip::kAtStack: guest.eip = *at<uint32_t>(esp + entry->eip_disp); break;
    case MapEntry::Eip::kPopped:
      guest.eip = unit->first_eip + entry->guest_offset;
      guest.eflags = (guest.eflags & ~kVisibleFlags) | (*at<uint32_t>(esp) & kVisibleFlags);
      break;
    case MapEntry::Eip::kExitTarget: guest.eip = unit->translation.exits[entry->guest_offset].target_eip; break;
  }
  if (entry->ecx_spilled)
    guest.gpr[kRcx] =
        entry->ecx_in_gs ? at<SharedPage>(Arena::kShared)->spill[0] : *at<uint32_t>(esp + entry->ecx_disp);
  guest.gpr[kRsp] = esp + entry->esp_delta;
  return guest;
}

// What the random programs leave to the monitor.
void Monitor::emulate(const Unit& unit, const Callout& callout, Trap& trap) {
  Registers& guest = trap.registers;
  const uint8_t* bytes = at<>(mode_.cs_base + guest.eip);
  ++emulated;
  switch (callout.mnemonic) {
    case ZYDIS_MNEMONIC_POPFD: {
      const uint32_t flags = *at<uint32_t>(guest.gpr[kRsp]);
      guest.eflags = (guest.eflags & ~kVisibleFlags) | (flags & kVisibleFlags);
      shared().interrupt_flag = (flags & eflags::kIf) != 0;
      guest.gpr[kRsp] += 4;
      guest.eip += callout.length;
      break;
    }
    case ZYDIS_MNEMONIC_RET:
      guest.eip = *at<uint32_t>(guest.gpr[kRsp]);
      guest.gpr[kRsp] += 4u + bytes[1] + 256u * bytes[2];
      break;
    default: die("unexpected callout", guest.eip);
  }
  // Go on in the same unit if it has the next instruction.
  for (unsigned n = 0; n < unit.translation.map_count; ++n) {
    const MapEntry& entry = unit.translation.map[n];
    if (entry.boundary && unit.first_eip + entry.guest_offset == guest.eip) {
      guest.eip = unit.base + entry.code_offset;
      return;
    }
  }
  guest.eip = enter(guest.eip);
}

bool Monitor::serve(Trap& trap) {
  const Registers real = trap.registers;
  const Registers guest = recover(real);
  const Unit* unit = unit_at(real.eip);
  switch (static_cast<CalloutVector>(trap.software)) {
    case CalloutVector::kExit: {
      ++exits;
      Translation& from = const_cast<Unit*>(unit)->translation;
      for (unsigned n = 0; n < from.exit_count; ++n) {
        const DirectExit& exit = from.exits[n];
        if (unit->base + exit.stub_offset != real.eip) continue;
        const Unit& to = unit_for(exit.target_eip);
        const uint32_t target = to.base + (exit.is_call ? to.translation.call_entry : to.translation.body);
        const uint32_t distance = target - (unit->base + exit.patch_offset + 4);
        std::memcpy(at<>(unit->base + exit.patch_offset), &distance, 4);
        trap.registers.eip = target;
        return true;
      }
      die("exit without a record", real.eip);
    }
    case CalloutVector::kIndirectMiss: {
      ++misses;
      const Unit& to = unit_for(guest.eip);
      at<uint32_t>(Arena::kShared + kReturnTableOffset)[guest.eip & 0xffff] = to.base + to.translation.indirect_entry;
      trap.registers = guest;
      trap.registers.eip = to.base + to.translation.body;
      return true;
    }
    case CalloutVector::kInterrupt:
      ++interrupts;
      shared().pending = 0;
      trap.registers.eip = real.eip + 2;
      return true;
    case CalloutVector::kBrief:
    case CalloutVector::kEmulate:
      for (unsigned n = 0; n < unit->translation.callout_count; ++n) {
        const Callout& callout = unit->translation.callouts[n];
        if (unit->base + callout.code_offset != real.eip) continue;
        trap.registers = guest;
        if (callout.mnemonic == ZYDIS_MNEMONIC_HLT) return false;
        emulate(*unit, callout, trap);
        return true;
      }
      die("callout without a record", real.eip);
    default: die("unexpected trap", real.eip);
  }
}

}  // namespace ring1::translator::test
