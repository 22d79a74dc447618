// SPDX-License-Identifier: GPL-2.0-only
// Random page tables, random changes to them, random accesses: always as the guest's own tables say.
#include <random>

#include "tests/unit/shadowmmu_machine.h"

namespace ring1::shadowmmu {
namespace {

struct Setup {
  PagingMode mode;
  const char* name;
  bool prefetch = false;
  unsigned max_pages = 64;
};

class Random : public testing::TestWithParam<Setup> {
 protected:
  static constexpr unsigned kTables = 12, kPages = 1100;
  std::mt19937 rng{4711};
  unsigned pick(unsigned n) { return rng() % n; }

  // Frames: mostly tables and a few data pages, so that pages are tables at several levels, and map themselves.
  uint64_t random_entry(const PagingMode& mode, bool directory) {
    uint64_t flags = 0;
    if (pick(8)) flags |= kP;
    if (pick(4)) flags |= kW;
    if (pick(4)) flags |= kU;
    if (pick(2)) flags |= kA;
    if (pick(2)) flags |= kD;
    if (!pick(4)) flags |= kG;
    if (mode.pae && !pick(5)) flags |= kNx;
    if (mode.pae && !pick(60)) flags |= uint64_t{1} << 45;
    uint64_t frame = directory ? pick(kTables) : pick(3) ? pick(kTables + 20) : pick(kPages + 8);
    if (directory && !pick(6)) {
      flags |= kPs;
      frame = pick(10) ? uint64_t{pick(3)} << (mode.pae ? 9 : 10) : pick(kPages);
    }
    return flags | frame << 12;
  }

  // A few addresses, so that they meet: any directory entry of the first eight, any of eight pages in it, at both ends.
  uint64_t random_address(const PagingMode& mode) {
    const unsigned shift = mode.pae ? 21 : 22, entries = mode.pae ? 512 : 1024;
    const uint64_t page = pick(2) ? pick(8) : entries - 1 - pick(8);
    return (uint64_t{pick(4)} << 30 | uint64_t{pick(4)} << shift | page << 12 | pick(4096)) & 0xffff'ffff;
  }

  void random_store(Machine& machine, const PagingMode& mode) {
    const unsigned entries = mode.pae ? 512 : 1024, bytes = mode.pae ? 8 : 4;
    const bool directory = pick(3) == 0;
    unsigned index = pick(2) ? pick(8) : entries - 1 - pick(8);
    if (directory) index = mode.pae ? pick(4) : pick(4) << 8 | pick(4);
    const uint64_t where = pick(kTables) * kPageSize + index * bytes;
    const uint64_t value = random_entry(mode, directory);
    switch (pick(12)) {
      case 0: machine.store<uint8_t>(where, value); break;
      case 1: machine.store<uint8_t>(where + pick(4), value); break;
      case 2: machine.store<uint16_t>(where + pick(bytes - 1), value); break;
      case 3: machine.store<uint32_t>(where + pick(4), value); break;
      default:
        if (mode.pae && pick(2)) {
          machine.store<uint32_t>(where + 4, value >> 32);
          machine.store<uint32_t>(where, value);
        } else if (mode.pae) {
          machine.store<uint64_t>(where, value);
        } else {
          machine.store<uint32_t>(where, value);
        }
    }
  }

  void random_access(Machine& machine) {
    const uint64_t gva = random_address(machine.mode);
    const unsigned kind = pick(6);
    const Access access{kind == 1 || kind == 3, kind >= 2 && kind != 5, kind >= 4};
    const bool flushed = pick(4);
    if (flushed) machine.mmu.invlpg(Gva(gva));
    const Expected expected = machine.walk(gva, access);
    const Outcome outcome = machine.access(gva, access);
    if (!flushed) return;
    if (!expected.ok) {
      ASSERT_EQ(outcome.kind, FaultKind::kGuest);
      ASSERT_EQ(outcome.error, expected.error);
      return;
    }
    ASSERT_NE(outcome.kind, FaultKind::kGuest) << std::hex << outcome.error;
    ASSERT_EQ(outcome.gpa, expected.gpa);
    if (machine.mmu.hole().covers(Gva(gva))) {
      ASSERT_EQ(outcome.kind, FaultKind::kHole);
      return;
    }
    const bool ram = expected.gpa < kPages * kPageSize;
    const bool traced = access.write && machine.mmu.reasons(Gpa(expected.gpa));
    ASSERT_EQ(outcome.kind, !ram ? FaultKind::kDevice : traced ? FaultKind::kTraced : FaultKind::kHidden);
    const Walk walk = machine.mmu.peek(Gva(gva));
    for (unsigned i = 0; i < walk.entry_count; ++i) ASSERT_TRUE(walk.entries[i].value & kA);
    ASSERT_TRUE(walk.dirty || !access.write || !ram);
  }

  // Over the first directory entries of a slot; its page tables are empty.
  void move_hole(Machine& machine, const Page (&tables)[2]) {
    const HoleTable hole[] = {{tables[0].hpa}, {tables[1].hpa}};
    const unsigned count = pick(3);
    ASSERT_TRUE(machine.mmu.set_hole(Gva(uint64_t{pick(4)} << 30 | uint64_t{pick(4)} << 21), hole, count));
  }

  void load(Machine& machine, PagingMode mode) {
    uint64_t cr3 = pick(3) * kPageSize;
    if (mode.pae) {
      cr3 = 1000 * kPageSize + 32 * pick(4);
      for (unsigned i = 0; i < 4; ++i)
        machine.ram<uint64_t>(cr3 + 8 * i) = pick(kTables) * kPageSize | (pick(5) ? kP : 0);
    }
    machine.load(mode, cr3);
  }
};

TEST_P(Random, AgreesWithTheGuestsTables) {
  for (unsigned round = 0; round < 12; ++round) {
    Limits limits;
    limits.max_shadow_pages = GetParam().max_pages;
    limits.flood_run = round % 2 ? 3 : 200;
    limits.flood_writes = round % 2 ? 10 : 1000;
    Machine machine(kPages, limits);
    machine.prefetch = GetParam().prefetch;
    PagingMode mode = GetParam().mode;
    for (unsigned table = 0; table < kTables; ++table) {
      for (unsigned i = 0; i < 600; ++i) random_store(machine, mode);
    }
    load(machine, mode);
    Page hole[2];
    ASSERT_TRUE(machine.allocate(&hole[0]) && machine.allocate(&hole[1]));
    for (unsigned step = 0; step < 1500 && !HasFatalFailure(); ++step) {
      const unsigned what = pick(100);
      if (what < 34)
        random_store(machine, mode);
      else if (what < 35)
        move_hole(machine, hole);
      else if (what < 92)
        random_access(machine);
      else if (what < 95)
        load(machine, mode);
      else if (what < 96)
        machine.mmu.unprotect(Gpa(pick(kTables) * kPageSize));
      else if (what < 97)
        machine.mmu.trace_write(Gpa(pick(kTables + 20) * kPageSize), kTraceCode);
      else if (what < 98)
        machine.mmu.untrace(Gpa(pick(kTables + 20) * kPageSize), kTraceCode);
      else if (what < 99) {
        const uint64_t from = pick(kTables + 20) * kPageSize, pages = 1 + pick(4);
        machine.mmu.forget(Gpa(from), pages);
      } else if (!pick(3)) {
        mode.wp = !mode.wp;
        load(machine, mode);
      } else if (!pick(3)) {
        load(machine, PagingMode{});
        machine.access(pick(kPages) * kPageSize, Machine::kWrite);
        load(machine, mode);
      }
      if (step % 8 == 0) {
        machine.check();
        const Hole& place = machine.mmu.hole();
        ASSERT_EQ(machine.mmu.hole_collides(),
                  place.count() && !machine.mmu.range_is_free(place.base(), place.bytes()));
      }
    }
    machine.release(hole[0]);
    machine.release(hole[1]);
    ASSERT_FALSE(HasFatalFailure()) << "round " << round;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Formats, Random,
    testing::Values(Setup{{.paging = true, .wp = true}, "legacy"}, Setup{{.paging = true, .pse = true}, "pse"},
                    Setup{{.paging = true, .pse = true, .wp = true, .pge = true}, "pse_prefetch", true},
                    Setup{{.paging = true, .pae = true, .wp = true}, "pae"},
                    Setup{{.paging = true, .pae = true, .nxe = true, .wp = true}, "pae_nx", true},
                    Setup{{.paging = true, .pse = true, .wp = true}, "pse_few_pages", true, 16},
                    Setup{{.paging = true, .pae = true, .nxe = true}, "pae_few_pages", true, 16}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace ring1::shadowmmu
