// SPDX-License-Identifier: GPL-2.0-only
// KVM's paravirtual clock and steal time: the clock follows the TSC and never goes back, and its records are written
// like any other memory, wherever the guest says they are.
#include <initializer_list>

#include "cpu.h"
#include "devices.h"
#include "pages.h"
#include "tables.h"
#include "test.h"
#include "user.h"

using namespace guest;

namespace {

constexpr uint32_t kWallClockOld = 0x11, kSystemTimeOld = 0x12;
constexpr uint32_t kWallClock = 0x4b564d00, kSystemTime = 0x4b564d01, kStealTime = 0x4b564d03;
constexpr uint32_t kFeatureClock = 1, kFeatureClock2 = 1u << 3, kFeatureSteal = 1u << 5;
constexpr uint64_t kEnabled = 1;
constexpr unsigned kReads = 5000;

struct Time {
  uint32_t version, pad;
  uint64_t tsc, ns;
  uint32_t multiplier;
  int8_t shift;
  uint8_t flags, pad2[2];
};
struct Wall {
  uint32_t version, seconds, nanoseconds;
};
struct Steal {
  uint64_t ns;
  uint32_t version, flags;
  uint8_t preempted, pad[3];
  uint32_t pad2[11];
};

volatile Time* record;
volatile uint64_t last;
volatile uint32_t steps_back;
bool on_kvm;

uint64_t scale(uint64_t count, uint32_t multiplier) {
  return (count >> 32) * multiplier + ((count & 0xffffffff) * multiplier >> 32);
}

uint64_t clock_ns() {
  for (;;) {
    const uint32_t version = record->version;
    uint64_t delta = rdtsc() - record->tsc;
    const int shift = record->shift;
    delta = shift < 0 ? delta >> -shift : delta << shift;
    const uint64_t ns = record->ns + scale(delta, record->multiplier);
    if (version == record->version && !(version & 1)) return ns;
  }
}

void look() {
  const uint64_t now = clock_ns();
  if (now < last) steps_back = steps_back + 1;
  last = now;
}

void look_often() {
  for (unsigned i = 0; i < kReads; ++i) look();
}

void enable_clock(volatile void* where) {
  record = static_cast<volatile Time*>(where);
  wrmsr(kSystemTime, address_of(where) | kEnabled);
}

void values() {
  auto* const page = static_cast<uint8_t*>(allocate_page());
  enable_clock(page);
  expect_equal("the register reads as written", static_cast<uint32_t>(rdmsr(kSystemTime)), address_of(page) | 1);
  expect_equal("  and under its old number", static_cast<uint32_t>(rdmsr(kSystemTimeOld)), address_of(page) | 1);
  check(record->version != 0 && !(record->version & 1), "the record is there at once");
  check(record->multiplier != 0 && rdtsc() >= record->tsc, "  with a rate and a TSC of now");
  last = clock_ns();
  look_often();
  expect_equal("kernel: no step back", steps_back, 0);
  run_user(look_often, kFlagFixed | kFlagIf);
  expect_equal("user: no step back", steps_back, 0);
  auto* const wall = reinterpret_cast<volatile Wall*>(page + 64);
  wrmsr(kWallClock, address_of(wall));
  constexpr uint32_t kYear2020 = 1577836800;
  check(wall->version != 0 && !(wall->version & 1) && wall->seconds > kYear2020 && wall->nanoseconds < 1000000000,
        "the wall clock");
  const uint32_t before = wall->version;
  wrmsr(kWallClockOld, address_of(wall));
  check(wall->version != before, "  and under its old number");
}

// The PIT and this clock are views of one.
void rate() {
  constexpr uint32_t kCount = 60000;  // 50.3 ms
  static volatile bool over;
  set_handler(kPitVector, [](Frame&) {
    over = true;
    pic_eoi(0);
  });
  pic_unmask(0);
  const uint64_t begin = clock_ns();
  pit_start(kCount, 0);
  while (!over) {
    asm volatile("sti; hlt; cli" ::: "memory");
    look();
  }
  const uint64_t passed = clock_ns() - begin;
  pic_mask_all();
  check(passed >= 50000000, "the PIT's 50.3 ms are no less here");
  expect_equal("across HLT: no step back", steps_back, 0);
}

// The clock neither goes back nor far ahead.
void tsc_set(uint32_t msr, uint64_t value, const char* name) {
  look();
  const uint32_t version = record->version;
  const uint64_t before = last;
  wrmsr(msr, value);
  look();
  check(record->version != version, "%s", name);
  expect_equal("  and the clock does not go back", steps_back, 0);
  expect_equal("  nor far ahead", static_cast<uint32_t>((last - before) >> 36), 0);
}

void tsc_written() {
  constexpr uint32_t kTsc = 0x10, kTscAdjust = 0x3b;
  if (cpuid(0).eax >= 7 && (cpuid(7).ebx >> 1 & 1)) {
    tsc_set(kTscAdjust, 1ull << 45, "the record follows TSC_ADJUST");
    tsc_set(kTscAdjust, -(1ull << 20), "  and back");
  }
  if (on_kvm) {
    skip("a write of the TSC", "KVM's record does not follow it");
  } else {
    tsc_set(kTsc, 1000, "the record follows a write of the TSC");
    tsc_set(kTsc, 1ull << 45, "  and another one");
  }
  wrmsr(kSystemTime, address_of(record));
  const uint32_t off = record->version;
  wrmsr(kTsc, 1000);
  expect_equal("switched off it stays as it is", record->version, off);
}

void steal() {
  auto* const page = static_cast<volatile Steal*>(allocate_page());
  const uint32_t at = address_of(page);
  for (uint32_t bit = 1; bit < 6; ++bit)
    expect_fault("reserved bits of the steal time's address",
                 ATTEMPT("wrmsr", : : "c"(kStealTime), "a"(at | 1u << bit), "d"(0) : "memory"), kGp);
  wrmsr(kStealTime, at | kEnabled);
  expect_equal("the register reads as written", static_cast<uint32_t>(rdmsr(kStealTime)), at | 1);
  check(page->version != 0 && !(page->version & 1), "the record is there at once");
  uint64_t before = page->ns;
  bool back = false;
  for (unsigned i = 0; i < kReads; ++i) {
    const uint64_t now = page->ns;
    back |= now < before;
    before = now;
  }
  check(!back, "stolen time only grows");
  wrmsr(kStealTime, 0);
}

// mov $VERSION, %eax; ret, where the operand is the version of a steal time record: the last byte of the time in front
// of it is the opcode, and the flags behind it, which nobody writes, are the return.
void over_code() {
  auto* const page = static_cast<volatile uint8_t*>(allocate_page());
  page[7] = 0xb8;
  page[12] = 0xc3;
  const auto function = reinterpret_cast<uint32_t (*)()>(address_of(page) + 7);
  auto& version = reinterpret_cast<volatile Steal*>(page)->version;
  version = 0x1234;
  bool same = true;
  for (unsigned i = 0; i < 20; ++i) same &= function() == 0x1234;
  wrmsr(kStealTime, address_of(page) | kEnabled);
  check(same && version != 0x1234, "a record in a page of code");
  for (unsigned i = 0; i < 20; ++i) {
    const uint32_t before = version, seen = function();
    same &= seen == before || before != version;  // time may be stolen in between
  }
  check(same, "  changes what the code does");
  wrmsr(kStealTime, 0);
}

// The version as a page-table entry: odd, it maps a page; the next even one does not.
void over_page_table() {
  if (on_kvm) return skip("a record in a page table", "KVM's shadow tables do not hear of it");
  constexpr uint32_t kWindow = 0x20000000;
  auto* const target = static_cast<volatile uint32_t*>(allocate_page());
  TwoLevel tables;
  tables.identity(64 << 20, kPteP | kPteW);
  tables.map(kWindow, 0, 0);
  auto* const steal = reinterpret_cast<volatile Steal*>(&tables.pte(kWindow));
  auto* const mapped = reinterpret_cast<volatile uint32_t*>(kWindow + 2 * kPage);
  *target = 0xabcd;
  steal->version = address_of(target) | kPteP | kPteW | kPteU;
  paging_on(tables.cr3());
  expect_equal("a page mapped by a record", *mapped, 0xabcd);
  wrmsr(kStealTime, address_of(steal) | kEnabled);
  invlpg(const_cast<const uint32_t*>(mapped));
  check(!(steal->version & kPteP), "  which is written");
  expect_fault("  is mapped no longer", ATTEMPT("movl (%0), %%eax", : : "r"(mapped) : "eax", "memory"), kPf);
  wrmsr(kStealTime, 0);
  paging_off();
}

// The version as the first half of a descriptor: it moves the base from 0 to 1, for who loads it afterwards.
void over_descriptor() {
  constexpr unsigned kIndex = 9;  // behind 64 bytes, and 8 of the record
  auto* const page = static_cast<uint8_t*>(allocate_page());
  const TablePointer old = sgdt();
  const unsigned size = old.limit + 1u < 64 ? old.limit + 1u : 64;
  for (unsigned i = 0; i < size; ++i) page[i] = reinterpret_cast<uint8_t*>(old.base)[i];
  auto* const descriptor = reinterpret_cast<volatile uint32_t*>(page + 8 * kIndex);
  descriptor[0] = 0x0000ffff;
  descriptor[1] = 0x00cf9300;  // data, writable, 4 GiB
  auto* const words = static_cast<volatile uint8_t*>(allocate_page());
  words[0] = 10;
  words[1] = 11;
  const auto read = [&] {
    uint8_t value;
    asm volatile("movb %%fs:(%1), %0" : "=q"(value) : "r"(words) : "memory");
    return value;
  };
  lgdt({8 * kIndex + 7, address_of(page)});
  write_fs(8 * kIndex);
  expect_equal("a segment whose descriptor lies in a record", read(), 10);
  wrmsr(kStealTime, address_of(page + 64) | kEnabled);
  expect_equal("  keeps its base", read(), 10);
  descriptor[0] = 0x0001ffff;  // whatever version it is by now
  write_fs(8 * kIndex);
  expect_equal("  until it is loaded again", read(), 11);
  wrmsr(kStealTime, address_of(page + 64) | kEnabled);
  for (unsigned i = 0; i < kReads; ++i) clock_ns();
  expect_equal("  and keeps the other one", read(), 11);
  wrmsr(kStealTime, 0);
  lgdt(old);
  write_fs(read_ds());
}

void hidden() {
  for (const uint32_t index : {kWallClockOld, kSystemTimeOld, kWallClock, kSystemTime, kStealTime}) {
    expect_fault("a hidden register is read", ATTEMPT("rdmsr", : : "c"(index) : "eax", "edx", "memory"), kGp);
    expect_fault("  and written", ATTEMPT("wrmsr", : : "c"(index), "a"(0), "d"(0) : "memory"), kGp);
  }
}

// Whatever address: nobody is hurt, and the next one is good again.
void wild() {
  auto* const page = static_cast<uint8_t*>(allocate_page());
  const uint64_t addresses[] = {0xfee00000, 0xfffff000, 0xfffffff0, 0x3ffffff0, 0xf00000000000,
                                0xfffffffffffff000, 0xffffffffffffffc0, 0xa0000};
  for (const uint64_t address : addresses) {
    wrmsr(kSystemTime, address | kEnabled);
    wrmsr(kWallClock, address);
    wrmsr(kStealTime, (address & ~63ull) | kEnabled);
    asm volatile("sti; nop; cli" ::: "memory");
  }
  wrmsr(kStealTime, 0);
  check(true, "records where no memory is");
  enable_clock(page + 2);
  last = 0;
  look_often();
  check(record->version && !(record->version & 1) && record->multiplier, "a record at an odd place");
  expect_equal("  no step back", steps_back, 0);
  check(last != 0, "  and time is not 0");
  if (on_kvm) return skip("a record across two pages", "KVM has none");
  allocate_page();
  enable_clock(page + kPage - 16);
  look_often();
  check(!(record->version & 1) && record->multiplier != 0 && steps_back == 0, "a record across two pages");
  wrmsr(kSystemTime, 0);
}

// KVM: Documentation/virt/kvm/x86/hypercalls.rst. Each vendor has an instruction of its own.
uint32_t hypercall(uint32_t number) {
  const bool amd = cpuid(0).ecx == 0x444d4163;  // "AuthenticAMD"
  if (amd)
    asm volatile("vmmcall" : "+a"(number) : "b"(0), "c"(0), "d"(0), "S"(0) : "memory");
  else
    asm volatile("vmcall" : "+a"(number) : "b"(0), "c"(0), "d"(0), "S"(0) : "memory");
  return number;
}

void hypercalls() {
  constexpr uint32_t kNoSuchCall = static_cast<uint32_t>(-1000);
  expect_equal("a hypercall that does nothing", hypercall(1), 0);
  expect_equal("a number that nobody has", hypercall(0x12345), kNoSuchCall);
  expect_equal("the highest number", hypercall(~0u), kNoSuchCall);
}

}  // namespace

void run_tests() {
  const Cpuid base = cpuid(0x40000000);
  const bool kvm = (cpuid(1).ecx >> 31 & 1) && base.ebx == 0x4b4d564b && base.ecx == 0x564b4d56 && base.edx == 0x4d;
  on_kvm = option("engine=kvm");
  constexpr uint32_t kFeatures = kFeatureClock | kFeatureClock2 | kFeatureSteal;
  if (!kvm) return skip("kvmclock", "not under KVM's name");
  hypercalls();
  const uint32_t features = cpuid(0x40000001).eax & kFeatures;
  if (!features && !on_kvm) return hidden();
  if (features != kFeatures) return skip("kvmclock", "KVM does not offer it");
  values();
  rate();
  tsc_written();
  steal();
  over_code();
  over_page_table();
  over_descriptor();
  wild();
}
