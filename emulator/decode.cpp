// SPDX-License-Identifier: GPL-2.0-only
#include "emulator/decode.h"

namespace ring1::emulator {
namespace {

constexpr unsigned kMaxLength = 15;  // SDM 2A 2.3.11

// The bytes at CS:RIP, fetched page by page: the second page is touched only if the instruction reaches it.
class Fetcher {
 public:
  explicit Fetcher(Context& context) : c(context) {
    const uint32_t rip = static_cast<uint32_t>(c.cpu.rip), limit = c.cpu.seg[kCs].limit;
    const uint64_t left = rip <= limit ? uint64_t{limit} - rip + 1 : 0;
    allowed_ = left < kMaxLength ? static_cast<unsigned>(left) : kMaxLength;
    start_ = static_cast<uint32_t>(c.cpu.seg[kCs].base + rip);
  }

  // Fetches more; false with a fault if there is no more to have.
  bool more() {
    if (count_ == allowed_) return c.fail(Vector::kGp);  // beyond the limit, or longer than 15 bytes
    const Gva address(static_cast<uint32_t>(start_ + count_));
    const uint64_t in_page = kPageSize - address.offset();
    const unsigned wanted = allowed_ - count_;
    const unsigned size = in_page < wanted ? static_cast<unsigned>(in_page) : wanted;
    if (!c.read_linear(address, bytes_ + count_, size, Purpose::kFetch)) return false;
    count_ += size;
    return true;
  }

  const uint8_t* bytes() const { return bytes_; }
  unsigned count() const { return count_; }

 private:
  Context& c;
  uint32_t start_;
  unsigned allowed_, count_ = 0;
  uint8_t bytes_[kMaxLength];
};

void init_decoder(const Context& c, ZydisDecoder* decoder) {
  if (c.code32()) {
    ZydisDecoderInit(decoder, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
  } else if (c.protected_mode()) {
    ZydisDecoderInit(decoder, ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
  } else {
    ZydisDecoderInit(decoder, ZYDIS_MACHINE_MODE_REAL_16, ZYDIS_STACK_WIDTH_16);
  }
}

}  // namespace

Outcome decode(Context& c, Decoded* decoded) {
  if ((c.cpu.efer & efer::kLma) && (c.cpu.seg[kCs].access & RING1_AR_L)) return Outcome::kUnsupported;
  ZydisDecoder decoder;
  init_decoder(c, &decoder);
  Fetcher fetcher(c);
  ZydisDecoderContext state;
  ZyanStatus status;
  do {
    if (!fetcher.more()) return c.failure;
    status = ZydisDecoderDecodeInstruction(&decoder, &state, fetcher.bytes(), fetcher.count(), &decoded->instruction);
  } while (status == ZYDIS_STATUS_NO_MORE_DATA);
  if (status == ZYDIS_STATUS_INSTRUCTION_TOO_LONG) return c.raise(Vector::kGp);
  if (!ZYAN_SUCCESS(status)) return c.raise(Vector::kUd);

  const ZydisDecodedInstruction& instruction = decoded->instruction;
  if (instruction.operand_count_visible) {
    status = ZydisDecoderDecodeOperands(&decoder, &state, &instruction, decoded->operands,
                                        instruction.operand_count_visible);
    if (!ZYAN_SUCCESS(status)) return c.raise(Vector::kUd);
  }
  c.instruction = &instruction;
  c.operands = decoded->operands;
  return Outcome::kDone;
}

}  // namespace ring1::emulator
