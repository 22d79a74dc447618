// SPDX-License-Identifier: GPL-2.0-only
// Control registers, debug registers, model-specific registers.
#include <initializer_list>

#include "cpu.h"
#include "tables.h"
#include "test.h"

using namespace guest;

namespace {

void register0() {
  const uint32_t old = read_cr0();
  check(old & kCr0Pe, "PE is set");
  check(old & kCr0Et, "ET is set");
  for (uint32_t bit : {kCr0Mp, kCr0Em, kCr0Ts, kCr0Ne, kCr0Wp, kCr0Am}) {
    write_cr0(old | bit);
    const bool set = read_cr0() & bit;
    write_cr0(old & ~bit);
    check(set && !(read_cr0() & bit), "CR0 bit 0x%x can be set and cleared", bit);
  }
  write_cr0(old | kCr0Ts);
  asm volatile("clts");
  check(!(read_cr0() & kCr0Ts), "CLTS");
  asm volatile("lmsw %w0" ::"r"((old & 0xffff) | kCr0Ts));
  check(read_cr0() & kCr0Ts, "LMSW sets TS");
  asm volatile("lmsw %w0" ::"r"(old & 0xfff0));
  check((read_cr0() & (kCr0Pe | kCr0Ts)) == kCr0Pe, "LMSW cannot clear PE");
  write_cr0(old);
  const Caught pg = ATTEMPT("mov %%eax, %%cr0", : : "a"((old & ~kCr0Cd) | kCr0Nw));
  if (pg.vector == kNoFault)
    skip("NW without CD", "this processor does not check it");
  else
    expect_fault("NW without CD", pg, kGp, 0);
  write_cr0(old);
}

void registers234() {
  write_cr2(0x12345678);
  expect_equal("CR2", read_cr2(), 0x12345678);
  const uint32_t cr3 = read_cr3();
  write_cr3(0x01000018);
  expect_equal("CR3", read_cr3(), 0x01000018);
  write_cr3(cr3);
  const uint32_t cr4 = read_cr4();
  for (uint32_t bit : {kCr4Pse, kCr4Pge, kCr4De, kCr4Tsd}) {
    write_cr4(cr4 | bit);
    const bool set = read_cr4() & bit;
    write_cr4(cr4 & ~bit);
    check(set && !(read_cr4() & bit), "CR4 bit 0x%x can be set and cleared", bit);
  }
  write_cr4(cr4);
  if (option("engine=bare"))
    skip("a reserved bit of CR4", "QEMU 7.2 never gets out of that instruction");
  else
    expect_fault("a reserved bit of CR4", ATTEMPT("mov %%eax, %%cr4", : : "a"(cr4 | 1u << 30)), kGp, 0);
  write_cr4(cr4);
  for (uint32_t bit : {kCr4Vme, kCr4Pvi}) {
    if (has_edx(kCpuidVme) || option("engine=bare") || option("engine=kvm"))
      skip("VME or PVI where CPUID has none", "this processor has them, or QEMU and KVM take them all the same");
    else
      expect_fault("VME or PVI where CPUID has none", ATTEMPT("mov %%eax, %%cr4", : : "a"(cr4 | bit)), kGp, 0);
  }
  write_cr4(cr4);
  expect_fault("MOV to CR1", ATTEMPT(".byte 0x0f, 0x22, 0xc8", : : "a"(0)), kUd);
  expect_fault("MOV from CR7", ATTEMPT(".byte 0x0f, 0x20, 0xf8", : : : "eax"), kUd);
}

void debug_registers() {
  write_dr7(0x400);
  write_dr0(0x11111111);
  write_dr3(0x33333333);
  expect_equal("DR0", read_dr0(), 0x11111111);
  expect_equal("DR3", read_dr3(), 0x33333333);
  write_dr6(0);
  expect_equal("DR6 has fixed ones", read_dr6() & 0xffff0ff0, 0xffff0ff0);
  expect_equal("DR7", read_dr7(), 0x400);
  write_cr4(read_cr4() & ~kCr4De);
  uint32_t value;
  asm volatile(".byte 0x0f, 0x21, 0xe0" : "=a"(value));  // mov eax, dr4
  expect_equal("DR4 is DR6 without CR4.DE", value, read_dr6());
  write_cr4(read_cr4() | kCr4De);
  expect_fault("DR4 with CR4.DE", ATTEMPT(".byte 0x0f, 0x21, 0xe0", : : : "eax"), kUd);
  write_cr4(read_cr4() & ~kCr4De);
}

void msrs() {
  if (has_edx(kCpuidSep)) {
    wrmsr(kMsrSysenterCs, kCode0);
    wrmsr(kMsrSysenterEsp, 0x12345678);
    wrmsr(kMsrSysenterEip, 0x9abcdef0);
    expect_equal("SYSENTER_CS", static_cast<uint32_t>(rdmsr(kMsrSysenterCs)), kCode0);
    expect_equal("SYSENTER_ESP", static_cast<uint32_t>(rdmsr(kMsrSysenterEsp)), 0x12345678);
    expect_equal("SYSENTER_EIP", static_cast<uint32_t>(rdmsr(kMsrSysenterEip)), 0x9abcdef0);
    wrmsr(kMsrSysenterCs, 0);
  }
  if (has_edx(kCpuidApic))
    expect_equal("APIC_BASE", static_cast<uint32_t>(rdmsr(kMsrApicBase)) & 0xfffff900, 0xfee00900);
  const Caught c = ATTEMPT("rdmsr", : : "c"(0x0badcafe) : "eax", "edx");
  if (c.vector == kNoFault)
    skip("an unknown MSR", "this processor reads it as something");
  else
    expect_fault("an unknown MSR", c, kGp, 0);
}

void identification() {
  const Cpuid zero = cpuid(0), one = cpuid(1);
  check(zero.eax >= 1, "CPUID has leaf 1");
  check(one.edx & 1, "there is an FPU");
  const Cpuid again = cpuid(1);
  check(one.eax == again.eax && one.edx == again.edx, "CPUID tells the same twice");
  check(!(cpuid(1).edx >> 30 & 1), "it is no IA-64");
}

}  // namespace

void run_tests() {
  register0();
  registers234();
  debug_registers();
  msrs();
  identification();
}
