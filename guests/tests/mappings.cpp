// SPDX-License-Identifier: GPL-2.0-only
// Mappings that come where there was nothing, anywhere in the address space: the processor has cached nothing of them, so the next
// instruction finds them without INVLPG or a load of CR3 (SDM 3A 4.10.4.3). A monitor that hides in the guest's address space has
// to be gone by then.
#include "cpu.h"
#include "pages.h"
#include "test.h"

using namespace guest;

namespace {

constexpr uint32_t kFlags = kPteP | kPteW;
constexpr uint32_t kBegin = 0x40000000, kFree = 0x48000000, kEnd = 0xfe000000;
constexpr uint32_t kRoom = kFree - kBegin;  // so much is free at any time: room to hide
constexpr unsigned kFrames = 32, kTables = 16, kWordsToRead = 4;

uint32_t frames[kFrames];

volatile uint32_t& at(uint32_t va) { return *reinterpret_cast<volatile uint32_t*>(va); }
uint32_t word_of(uint32_t frame, uint32_t offset) { return frame * 0x9e3779b1 + offset; }

uint32_t state = 1;
uint32_t random_below(uint32_t end) {
  state ^= state << 13, state ^= state >> 17, state ^= state << 5;
  return static_cast<uint32_t>(static_cast<uint64_t>(state) * end >> 32);
}

// One format: directory entries, and tables that any of them may point to.
template <class Tables, class Entry, unsigned kIndexBits>
class Script {
 public:
  static constexpr uint32_t kTableBytes = kPage << kIndexBits;

  explicit Script(Tables& tables) : tables_(tables) {
    for (auto& table : own_) table = static_cast<volatile Entry*>(allocate_page());
  }

  // From the top down: a table with everything in it at once, where there was none.
  void whole_tables() {
    for (unsigned i = 0; i < 1u << kIndexBits; i++) own_[0][i] = frames[i % kFrames] | kFlags;
    uint32_t wrong = 0;
    for (uint32_t va = kEnd - kTableBytes; va >= kFree; va -= kTableBytes) {
      tables_.pde(va) = address_of(own_[0]) | kFlags;
      wrong += wrong_words(va);
    }
    expect_equal("words that are wrong behind new tables", wrong, 0);
    forget();
  }

  // From the top down: tables with nothing in them, then one page in each.
  void single_pages() {
    for (uint32_t va = kEnd - kTableBytes; va >= kFree; va -= kTableBytes) tables_.pde(va) = address_of(empty()) | kFlags;
    write_cr3(tables_.cr3());
    uint32_t wrong = 0;
    for (uint32_t va = kEnd - kTableBytes; va >= kFree; va -= kTableBytes) {
      auto* table = static_cast<volatile Entry*>(allocate_page_again());
      tables_.pde(va) = address_of(table) | kFlags;
      const unsigned index = random_index();
      table[index] = frames[index % kFrames] | kFlags;
      wrong += wrong_word(va + index * kPage + 4 * random_below(1024));
      table[index] = 0;
      invlpg(reinterpret_cast<void*>(va + index * kPage));
    }
    expect_equal("words that are wrong in new pages", wrong, 0);
    forget();
  }

  // The room is somewhere else in each round, and behind it all is free again.
  void random(unsigned rounds) {
    uint32_t wrong = 0;
    for (unsigned i = 0; i < rounds; i++) {
      room_ = kBegin + random_below((kEnd - kRoom - kBegin) / kTableBytes) * kTableBytes;
      for (unsigned step = 0; step < kSteps; step++) wrong += random_step();
      forget();
    }
    expect_equal("words that are wrong in a random script", wrong, 0);
  }

 private:
  uint32_t random_table_address() {
    const uint32_t va = kBegin + random_below((kEnd - kRoom - kBegin) / kTableBytes) * kTableBytes;
    return va < room_ ? va : va + kRoom;
  }

  uint32_t random_step() {
    const uint32_t va = random_table_address();
    volatile Entry* table = own_[random_below(kTables)];
    const unsigned index = random_index();
    volatile Entry& directory = tables_.pde(va);
    switch (random_below(16)) {
      case 0:  // something goes
        if (random_below(2)) table[index] = 0;
        else directory = 0;
        write_cr3(tables_.cr3());
        break;
      case 1 ... 8:
        if (!(directory & kPteP)) directory = address_of(table) | kFlags;
        break;
      default:
        if (!(table[index] & kPteP)) table[index] = frames[random_below(kFrames)] | kFlags;
        break;
    }
    uint32_t wrong = 0;
    for (unsigned read = 0; read < kWordsToRead; read++) wrong += wrong_word(va + index * kPage + 4 * random_below(1024));
    // The same table may hang at many places.
    for (unsigned read = 0; read < kWordsToRead; read++) wrong += wrong_word(random_table_address() + index * kPage);
    return wrong;
  }

  void forget() {
    for (uint32_t va = kBegin; va < kEnd; va += kTableBytes) tables_.pde(va) = 0;
    for (auto* table : own_)
      for (unsigned i = 0; i < 1u << kIndexBits; i++) table[i] = 0;
    write_cr3(tables_.cr3());
  }

  volatile Entry* empty() { return own_[1]; }
  volatile Entry* allocate_page_again() {
    next_ = next_ == kTables - 1 ? 2 : next_ + 1;
    return own_[next_];
  }

  // 1 if the guest's own tables map the word and it is not what lies there.
  uint32_t wrong_word(uint32_t va) {
    const Entry directory = tables_.pde(va);
    if (!(directory & kPteP)) return 0;
    const auto* table = reinterpret_cast<volatile Entry*>(static_cast<uint32_t>(directory) & ~(kPage - 1));
    const Entry entry = table[va / kPage % (1u << kIndexBits)];
    if (!(entry & kPteP)) return 0;
    return at(va) != word_of(static_cast<uint32_t>(entry) & ~(kPage - 1), va % kPage);
  }

  // Some anywhere, and the first pages behind each boundary of 2 MiB: what hides may well begin at one.
  uint32_t wrong_words(uint32_t va) {
    uint32_t wrong = 0;
    for (unsigned i = 0; i < kWordsToRead; i++) wrong += wrong_word(va + 4 * random_below(kTableBytes / 4));
    for (uint32_t piece = 0; piece < kTableBytes; piece += kPiece)
      for (unsigned page = 0; page < kFirstPages; page++) wrong += wrong_word(va + piece + page * kPage);
    return wrong;
  }

  static unsigned random_index() {
    const unsigned index = random_below(1u << kIndexBits);
    return random_below(2) ? index : index / kPiecePages * kPiecePages + index % kFirstPages;
  }

  static constexpr uint32_t kPiece = 2u << 20, kPiecePages = kPiece / kPage;
  static constexpr unsigned kFirstPages = 8, kSteps = 100;
  uint32_t room_ = kBegin;
  Tables& tables_;
  volatile Entry* own_[kTables];
  unsigned next_ = 2;
};

template <class Tables, class Entry, unsigned kIndexBits>
void run(Tables& tables) {
  Script<Tables, Entry, kIndexBits> script(tables);
  script.whole_tables();
  script.single_pages();
  script.random(option("long") ? 10'000 : 20);
}

}  // namespace

void run_tests() {
  for (auto& frame : frames) {
    frame = address_of(allocate_page());
    for (uint32_t offset = 0; offset < kPage; offset += 4) at(frame + offset) = word_of(frame, offset);
  }
  TwoLevel two;
  two.identity(32u << 20, kFlags);
  paging_on(two.cr3());
  run<TwoLevel, uint32_t, 10>(two);
  paging_off();
  if (!has_edx(kCpuidPae)) return skip("PAE", "this processor has none");
  Pae pae;
  pae.identity(32u << 20, kFlags);
  write_cr4(read_cr4() | kCr4Pae);
  paging_on(pae.cr3());
  run<Pae, uint64_t, 9>(pae);
  paging_off();
  write_cr4(read_cr4() & ~kCr4Pae);
}
