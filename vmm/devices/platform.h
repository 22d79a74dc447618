// SPDX-License-Identifier: GPL-2.0-only
// The machine's fixed ports, interrupt lines and values: where devices and firmware tables must agree.
#pragma once

#include <cstdint>

namespace ring1::vmm {

inline constexpr uint16_t kKeyboardDataPort = 0x60;
inline constexpr uint16_t kKeyboardCommandPort = 0x64;
inline constexpr uint16_t kCmosPort = 0x70;
inline constexpr uint16_t kSystemControlPort = 0x92;
inline constexpr uint16_t kDebugExitPort = 0xf4;
inline constexpr uint16_t kSerialPort = 0x3f8;
inline constexpr uint16_t kPmEventPort = 0x600;
inline constexpr uint16_t kPmControlPort = 0x604;
inline constexpr uint16_t kPmTimerPort = 0x608;
inline constexpr uint16_t kPciAddressPort = 0xcf8;
inline constexpr uint16_t kResetPort = 0xcf9;

inline constexpr uint8_t kKeyboardIrq = 1;
inline constexpr uint8_t kSerialIrq = 4;
inline constexpr uint8_t kRtcIrq = 8;
inline constexpr uint8_t kSciIrq = 9;

inline constexpr uint8_t kCmosCentury = 0x32;
inline constexpr uint8_t kSleepTypeOff = 5;  // SLP_TYP of S5
inline constexpr uint8_t kResetNow = 0x06;   // to kResetPort: full reset, now

}  // namespace ring1::vmm
