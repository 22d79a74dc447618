// SPDX-License-Identifier: GPL-2.0-only
// Bits of EFLAGS, the control registers and EFER (SDM 3A 2.3, 2.5, 2.2.1), and register numbers as encoded.
#pragma once

#include <cstdint>

namespace ring1 {

enum Gpr : uint8_t { kRax, kRcx, kRdx, kRbx, kRsp, kRbp, kRsi, kRdi };
enum SegmentRegister : uint8_t { kEs, kCs, kSs, kDs, kFs, kGs, kSegmentCount };

namespace eflags {
inline constexpr uint32_t kCf = 1u << 0, kFixed1 = 1u << 1, kPf = 1u << 2, kAf = 1u << 4, kZf = 1u << 6;
inline constexpr uint32_t kSf = 1u << 7, kTf = 1u << 8, kIf = 1u << 9, kDf = 1u << 10, kOf = 1u << 11;
inline constexpr unsigned kIoplShift = 12;
inline constexpr uint32_t kIopl = 3u << kIoplShift, kNt = 1u << 14, kRf = 1u << 16, kVm = 1u << 17;
inline constexpr uint32_t kAc = 1u << 18, kVif = 1u << 19, kVip = 1u << 20, kId = 1u << 21;
inline constexpr uint32_t kArithmetic = kCf | kPf | kAf | kZf | kSf | kOf;
}  // namespace eflags

namespace cr0 {
inline constexpr uint64_t kPe = 1u << 0, kMp = 1u << 1, kEm = 1u << 2, kTs = 1u << 3, kEt = 1u << 4;
inline constexpr uint64_t kNe = 1u << 5, kWp = 1u << 16, kAm = 1u << 18, kNw = 1u << 29, kCd = 1u << 30;
inline constexpr uint64_t kPg = 1u << 31;
}  // namespace cr0

namespace cr4 {
inline constexpr uint64_t kVme = 1u << 0, kPvi = 1u << 1, kTsd = 1u << 2, kDe = 1u << 3, kPse = 1u << 4;
inline constexpr uint64_t kPae = 1u << 5, kMce = 1u << 6, kPge = 1u << 7, kPce = 1u << 8, kOsfxsr = 1u << 9;
inline constexpr uint64_t kOsxmmexcpt = 1u << 10, kUmip = 1u << 11, kLa57 = 1u << 12, kFsgsbase = 1u << 16;
inline constexpr uint64_t kPcide = 1u << 17, kOsxsave = 1u << 18, kSmep = 1u << 20, kSmap = 1u << 21;
inline constexpr uint64_t kPke = 1u << 22;
}  // namespace cr4

namespace efer {
inline constexpr uint64_t kSce = 1u << 0, kLme = 1u << 8, kLma = 1u << 10, kNxe = 1u << 11;
}  // namespace efer

}  // namespace ring1
