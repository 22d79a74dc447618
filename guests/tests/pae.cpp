// SPDX-License-Identifier: GPL-2.0-only
// PAE paging: 4 KiB and 2 MiB pages, no-execute, reserved bits, page-directory pointers.
#include "cpu.h"
#include "pages.h"
#include "test.h"
#include "user.h"

using namespace guest;

namespace {

constexpr uint32_t kVa = 0x40000000;
constexpr uint64_t kRw = kPteP | kPteW;

volatile uint32_t& at(uint32_t va) { return *reinterpret_cast<volatile uint32_t*>(va); }

void set(Pae& t, uint32_t va, uint64_t pa, uint64_t flags) {
  t.map(va, pa, flags);
  invlpg(reinterpret_cast<void*>(va));
}

void expect_page_fault(const char* name, const Caught& c, uint32_t error, uint32_t address) {
  expect_fault(name, c, kPf, error);
  if (c.vector == kPf) expect_equal("  CR2", c.cr2, address);
}

void basics(Pae& t, uint32_t page) {
  at(page) = 0x1111;
  set(t, kVa, page, kRw);
  expect_equal("a mapping", at(kVa), 0x1111);
  check((t.pte(kVa) & (kPteA | kPteD)) == kPteA, "a read sets A");
  at(kVa) = 0x2222;
  check(t.pte(kVa) & kPteD, "a write sets D");
  set(t, kVa, page, kPteP);
  write_cr0(read_cr0() | kCr0Wp);
  expect_page_fault("WP", ATTEMPT("movl $1, (%0)", : : "r"(kVa)), kPfP | kPfW, kVa);
  write_cr0(read_cr0() & ~kCr0Wp);
  set(t, kVa, page, 0);
  expect_page_fault("an absent page", ATTEMPT("movl (%0), %%eax", : : "r"(kVa) : "eax"), 0, kVa);
  t.map_large(kVa + (2u << 20), 20u << 20, kRw);
  at((20u << 20) + 0x1ffffc) = 0x3333;
  expect_equal("a 2 MiB page", at(kVa + (2u << 20) + 0x1ffffc), 0x3333);
  at(kVa + (2u << 20)) = 5;
  check(t.pde(kVa + (2u << 20)) & kPteD, "  D");
}

void reserved(Pae& t, uint32_t page) {
  set(t, kVa, page, kRw | 1ull << 62);
  const Caught c = ATTEMPT("movl (%0), %%eax", : : "r"(kVa) : "eax");
  // SDM 3A 4.7: RSVD comes with P; QEMU's TCG leaves P out.
  const uint32_t p = c.error & kPfP;
  if (!p) skip("P beside RSVD", "QEMU's TCG leaves it out");
  expect_page_fault("a reserved bit", c, p | kPfRsvd, kVa);
  set(t, kVa, page, kRw | kPteNx);
  expect_page_fault("NX without EFER.NXE is reserved", ATTEMPT("movl $0, (%0)", : : "r"(kVa)), p | kPfW | kPfRsvd, kVa);
}

void no_execute(Pae& t, uint32_t page) {
  if (!has_nx()) return skip("NX", "this processor has none");
  wrmsr(kMsrEfer, rdmsr(kMsrEfer) | kEferNxe);
  check(rdmsr(kMsrEfer) & kEferNxe, "EFER.NXE");
  *reinterpret_cast<volatile uint8_t*>(page) = 0xc3;
  set(t, kVa, page, kRw);
  expect_none("a call into a page without NX", ATTEMPT("call *%0", : : "r"(kVa) : "memory"));
  set(t, kVa, page, kRw | kPteNx);
  const Caught c = ATTEMPT("call *%0", : : "r"(kVa) : "memory");
  check(c.vector == kPf && c.error == (kPfP | kPfFetch) && c.cr2 == kVa, "a call into one with NX (error 0x%x)",
        c.error);
  expect_equal("  the fault is at the target", c.offset + attempt_start, kVa);
  expect_none("data there is no matter", ATTEMPT("movl (%0), %%eax", : : "r"(kVa) : "eax"));
  set(t, kVa, page, kRw);
  expect_none("NX taken back", ATTEMPT("call *%0", : : "r"(kVa) : "memory"));
  set_bits(t.pde(kVa), kPteNx);
  write_cr3(t.cr3());
  check(ATTEMPT("call *%0", : : "r"(kVa) : "memory").error == (kPfP | kPfFetch), "NX in the directory");
  clear_bits(t.pde(kVa), kPteNx);
  set(t, kVa, page, 0);
  check(ATTEMPT("call *%0", : : "r"(kVa) : "memory").error == kPfFetch, "a call into an absent page says fetch");
  wrmsr(kMsrEfer, rdmsr(kMsrEfer) & ~uint64_t{kEferNxe});
}

void pointers(Pae& t, uint32_t page) {
  // The four pointers are read when CR3 is loaded (SDM 3A 4.4.1).
  Pae other;
  other.identity(32u << 20, kRw | kPteU);
  other.map(kVa, page + kPage, kRw);
  at(page) = 0x4444;
  at(page + kPage) = 0x5555;
  set(t, kVa, page, kRw);
  expect_equal("one set of tables", at(kVa), 0x4444);
  write_cr3(other.cr3());
  expect_equal("another", at(kVa), 0x5555);
  write_cr3(t.cr3());
  expect_equal("the first again", at(kVa), 0x4444);
  t.pdpte(kVa) = t.pdpte(kVa) & ~uint64_t{kPteP};
  write_cr3(t.cr3());
  expect_page_fault("an absent pointer", ATTEMPT("movl (%0), %%eax", : : "r"(kVa) : "eax"), 0, kVa);
  set_bits(t.pdpte(kVa), kPteP);
  write_cr3(t.cr3());
  expect_equal("and there again", at(kVa), 0x4444);
  set_bits(t.pdpte(kVa), 2);
  const Caught c = ATTEMPT("movl %0, %%cr3", : : "r"(t.cr3()) : "memory");
  clear_bits(t.pdpte(kVa), 2);
  if (c.vector == kNoFault) {
    write_cr3(t.cr3());
    skip("a reserved bit of a pointer", "this processor does not check it when CR3 is loaded");
  } else {
    expect_fault("a reserved bit of a pointer", c, kGp, 0);
  }
}

// From PAE to two-level tables and back, with paging off in between.
void change_of_format(Pae& t, uint32_t page) {
  paging_off();
  TwoLevel two;
  two.identity(32u << 20, kPteP | kPteW);
  two.map(kVa, page + kPage, kPteP | kPteW);
  write_cr4(read_cr4() & ~kCr4Pae);
  paging_on(two.cr3());
  expect_equal("two-level tables", at(kVa), 0x5555);
  paging_off();
  write_cr4(read_cr4() | kCr4Pae);
  paging_on(t.cr3());
  expect_equal("PAE again", at(kVa), 0x4444);
}

}  // namespace

void run_tests() {
  if (!has_edx(kCpuidPae)) return skip("PAE", "this processor has none");
  const uint32_t page = address_of(allocate_page());
  (void)allocate_page();
  Pae tables;
  tables.identity(32u << 20, kRw | kPteU);
  tables.map(kVa, page, kRw);
  write_cr4(read_cr4() | kCr4Pae);
  paging_on(tables.cr3());
  check(true, "PAE paging is on");
  basics(tables, page);
  reserved(tables, page);
  no_execute(tables, page);
  pointers(tables, page);
  change_of_format(tables, page);
  paging_off();
  write_cr4(read_cr4() & ~kCr4Pae);
}
