// SPDX-License-Identifier: GPL-2.0-only
#include "emulator/decode.h"

#include "emulator/decode_cache.h"

namespace ring1::emulator {
namespace {

constexpr unsigned kMaxLength = InstructionBytes::kMax;

// The bytes at CS:RIP. What is not known is fetched page by page: the second page is touched only if the instruction
// reaches it.
class Fetcher {
 public:
  Fetcher(Context& context, const InstructionBytes* known)
      : c(context), known_(known && known->count ? known : nullptr) {
    if (c.code64()) {
      start_ = c.cpu.rip;
      return;
    }
    const uint32_t rip = static_cast<uint32_t>(c.cpu.rip), limit = c.cpu.seg[kCs].limit;
    const uint64_t left = rip <= limit ? uint64_t{limit} - rip + 1 : 0;
    allowed_ = left < kMaxLength ? static_cast<unsigned>(left) : kMaxLength;
    start_ = static_cast<uint32_t>(c.cpu.seg[kCs].base + rip);
  }

  // Fetches more; false with a fault if there is no more to have.
  bool more() {
    if (known_ && !count_) {
      count_ = known_->count;
      __builtin_memcpy(bytes_, known_->bytes, count_);
      return true;
    }
    if (count_ >= allowed_) return c.fail(Vector::kGp);  // beyond the limit, or longer than 15 bytes
    const Gva address(c.code64() ? start_ + count_ : static_cast<uint32_t>(start_ + count_));
    if (c.code64() && !c.canonical(address.raw())) return c.fail(Vector::kGp);
    const uint64_t in_page = kPageSize - address.offset();
    const unsigned wanted = allowed_ - count_;
    const unsigned size = in_page < wanted ? static_cast<unsigned>(in_page) : wanted;
    if (!c.read_linear(address, bytes_ + count_, size, Purpose::kFetch)) return false;
    count_ += size;
    return true;
  }

  // Are these bytes there? Fetches no more than them.
  bool matches(const uint8_t* bytes, unsigned length) {
    if (known_) return length <= known_->count && __builtin_memcmp(known_->bytes, bytes, length) == 0;
    const Gva address(start_);
    if (length > allowed_ || address.offset() + length > kPageSize) return false;
    if (c.code64() && !c.canonical(start_)) return false;
    if (!c.read_linear(address, bytes_, length, Purpose::kFetch)) return false;
    return __builtin_memcmp(bytes_, bytes, length) == 0;
  }

  uint64_t start() const { return start_; }
  const uint8_t* bytes() const { return bytes_; }
  unsigned count() const { return count_; }

 private:
  Context& c;
  const InstructionBytes* known_;
  uint64_t start_;
  unsigned allowed_ = kMaxLength, count_ = 0;
  uint8_t bytes_[kMaxLength];
};

ZydisMachineMode mode_of(const Context& c) {
  if (c.code64()) return ZYDIS_MACHINE_MODE_LONG_64;
  if (c.code32()) return ZYDIS_MACHINE_MODE_LEGACY_32;
  return c.protected_mode() ? ZYDIS_MACHINE_MODE_LEGACY_16 : ZYDIS_MACHINE_MODE_REAL_16;
}

ZydisStackWidth stack_width(ZydisMachineMode mode) {
  if (mode == ZYDIS_MACHINE_MODE_LONG_64) return ZYDIS_STACK_WIDTH_64;
  return mode == ZYDIS_MACHINE_MODE_LEGACY_32 ? ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_16;
}

Outcome decode_bytes(Context& c, Fetcher& fetcher, ZydisMachineMode mode, Decoded* decoded) {
  ZydisDecoder decoder;
  ZydisDecoderInit(&decoder, mode, stack_width(mode));
  ZydisDecoderContext state;
  ZyanStatus status;
  do {
    if (!fetcher.more()) return c.failure;
    status = ZydisDecoderDecodeInstruction(&decoder, &state, fetcher.bytes(), fetcher.count(), &decoded->instruction);
  } while (status == ZYDIS_STATUS_NO_MORE_DATA);
  if (status == ZYDIS_STATUS_INSTRUCTION_TOO_LONG) return c.raise(Vector::kGp);
  if (!ZYAN_SUCCESS(status)) return c.raise(Vector::kUd);

  const unsigned visible = decoded->instruction.operand_count_visible;
  const unsigned count = visible < Decoded::kMaxOperands ? visible : Decoded::kMaxOperands;
  if (count == 0) return Outcome::kDone;
  status = ZydisDecoderDecodeOperands(&decoder, &state, &decoded->instruction, decoded->operands,
                                      static_cast<ZyanU8>(count));
  return ZYAN_SUCCESS(status) ? Outcome::kDone : c.raise(Vector::kUd);
}

void use(Context& c, const Decoded& decoded) {
  c.instruction = &decoded.instruction;
  c.operands = decoded.operands;
}

}  // namespace

Outcome decode(Context& c, DecodeCache* cache, const InstructionBytes* known, Decoded* decoded) {
  const ZydisMachineMode mode = mode_of(c);
  Fetcher fetcher(c, known);
  DecodeCache::Entry* entry = nullptr;
  if (cache) {
    const DecodeCache::Entry* found = cache->find(fetcher.start(), mode);
    if (found && fetcher.matches(found->bytes, found->length)) return use(c, found->decoded), Outcome::kDone;
    entry = &cache->replace(fetcher.start(), mode);
    decoded = &entry->decoded;
  }
  const Outcome outcome = decode_bytes(c, fetcher, mode, decoded);
  if (outcome != Outcome::kDone) return outcome;
  if (entry) {
    __builtin_memcpy(entry->bytes, fetcher.bytes(), decoded->instruction.length);
    entry->length = decoded->instruction.length;
  }
  use(c, *decoded);
  return Outcome::kDone;
}

}  // namespace ring1::emulator
