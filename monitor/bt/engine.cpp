// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/bt/engine.h"

#include <cerrno>

#include "base/assert.h"
#include "monitor/world/hardware.h"
#include "monitor/world/tables.h"
#include "monitor/vcpu/vcpu.h"
#include "x86/exception.h"

namespace ring1::monitor {
namespace {

constexpr unsigned kPageWork = 100;   // instructions to find that there is no code on a page, for Host::work()
constexpr unsigned kLineWork = 3000;  // of a line of the log
constexpr unsigned kSystemCallVector = 0x80;

}  // namespace

BtEngine::BtEngine(Vcpu& vcpu)
    : Engine(vcpu),
      tc_memory_(vcpu.pool),
      narrow_stack_(vcpu.pool),
      segments_(vcpu.host.switch_page(), cpu_, vcpu.machine),
      view_(mmu_, installed_),
      gates_(cpu_, view_, segments_),
      cache_({.size = shared_.config.tc_bytes, .exec_base = 0, .chaining = shared_.config.chaining != 0}, tc_memory_,
             *this) {
  block_.switch_page = &vcpu.host.switch_page();
  block_.engine = this;
}

// Who may reach a vector by INT n; everything else raises #GP, and the monitor decodes the instruction.
void BtEngine::open_gates() {
  using translator::CalloutVector;
  ring1_switch& page = vcpu_.host.switch_page();
  constexpr CalloutVector kOfRing1[] = {CalloutVector::kExit, CalloutVector::kEmulate, CalloutVector::kIndirectMiss,
                                        CalloutVector::kInterrupt, CalloutVector::kBrief};
  for (const CalloutVector vector : kOfRing1) open_gate(page, static_cast<unsigned>(vector), 1);
  constexpr unsigned kOfRing3[] = {static_cast<unsigned>(Vector::kBp), static_cast<unsigned>(Vector::kOf),
                                   kSystemCallVector};
  for (const unsigned vector : kOfRing3) open_gate(page, vector, 3);
}

uint64_t BtEngine::init() {
  ring1_switch& page = vcpu_.host.switch_page();
  reinterpret_cast<TrapBlock**>(page.stack)[TB_STACK_SLOT / sizeof(TrapBlock*)] = &block_;
  set_trap_stack(page, reinterpret_cast<uint64_t>(&block_) + TB_END);
  open_gates();
  vcpu_.machine.set_store_watcher(this);
  if (tc_memory_.init(shared_.config.tc_bytes) && narrow_stack_.init(page) && cache_.init() && mmu_.init()) return 0;
  vcpu_.log.line("no memory for the translation cache of %u bytes", shared_.config.tc_bytes);
  return ENOMEM;
}

void BtEngine::abandon() {
  live_ = Live::kState;
  resume_.fragment = nullptr;
}

void BtEngine::forget(uint64_t gfn, uint64_t count) {
  to_architectural();  // the guest may stand in a fragment that is about to go
  for (uint64_t i = 0; i < count; i++) {
    vcpu_.host.work(kPageWork);
    cache_.invalidate_page(Gpa((gfn + i) << kPageShift));
  }
  mmu_.forget(Gpa(gfn << kPageShift), count);
  attend();
}

void BtEngine::flush_page(Gva page) {
  if (!installed_.flush_wanted) hardware::invlpg(page.raw());
}

const char* BtEngine::live_name() const {
  switch (live_) {
    case Live::kState: return "state";
    case Live::kTranslated: return "translated code";
    case Live::kDirect: return "user code";
  }
  return "?";
}

bool BtEngine::in_cache(uint32_t* eip, tcache::Fragment** fragment) {
  TcOffset position;
  unsigned offset = 0;
  if (live_ != Live::kTranslated || !cache_.contains(tc_eip(), &position)) return false;
  *fragment = cache_.find(position, &offset);
  if (!*fragment) return false;
  translator::MapEntry entry;
  *eip = (*fragment)->eip;
  if (tcache::find_map_entry(**fragment, offset, &entry) && entry.eip == translator::MapEntry::Eip::kOffset)
    *eip += entry.guest_offset;
  return true;
}

bool BtEngine::at_architectural_rip() {
  uint32_t eip;
  tcache::Fragment* fragment;
  return !in_cache(&eip, &fragment);
}

void BtEngine::dump() {
  constexpr unsigned kBytes = 64;
  vcpu_.log.line("  block: eax %08lx ebx %08lx ecx %08lx edx %08lx esi %08lx edi %08lx ebp %08lx esp %08lx", block_.rax,
                 block_.rbx, block_.rcx, block_.rdx, block_.rsi, block_.rdi, block_.rbp, block_.rsp);
  vcpu_.log.line("  block: eip %08lx cs %lx ss %lx ds %x es %x fs %x gs %x eflags %lx vector %lu error %lx cr2 %lx",
                 block_.rip, block_.cs, block_.ss, uint32_t{block_.ds}, uint32_t{block_.es}, uint32_t{block_.fs},
                 uint32_t{block_.gs}, block_.rflags, block_.vector, block_.error, hardware::read_cr2());
  vcpu_.host.work(2 * kLineWork);
  uint32_t eip;
  tcache::Fragment* fragment;
  if (!in_cache(&eip, &fragment)) return;
  vcpu_.log.line("stopped in the fragment of eip %08x, %u guest bytes, %u code bytes", fragment->eip,
                 uint32_t{fragment->guest_size}, uint32_t{fragment->code_size});
  uint8_t bytes[kBytes] = {};
  Gpa page;
  if (vcpu_.machine.read_system(Gva(fragment->linear()), bytes, kBytes, &page))
    vcpu_.log.bytes("guest code", fragment->linear(), bytes, kBytes);
  const uint32_t at = cache_.exec_address(TcOffset(fragment->start));
  for (unsigned i = 0; i < fragment->code_size; i += kBytes) {  // the monitor shares the guest's lower half
    vcpu_.host.work(4 * kLineWork);
    vcpu_.log.bytes("translated code", at + i, reinterpret_cast<const uint8_t*>(uint64_t{at + i}), kBytes);
  }
}

bool BtEngine::code_page(unsigned index, void** writable) { return tc_memory_.code_page(index, writable); }

bool BtEngine::return_table_page(unsigned index, void** writable) {
  return tc_memory_.return_table_page(index, writable);
}

bool BtEngine::test_and_clear_accessed(unsigned index) { return tc_memory_.test_and_clear_accessed(index); }

void BtEngine::accessed_sampled() { flush_all(); }

void BtEngine::code_page_gained(Gpa page) { mmu_.trace_write(page, shadowmmu::kTraceCode); }

void BtEngine::code_page_lost(Gpa page) { mmu_.untrace(page, shadowmmu::kTraceCode); }

}  // namespace ring1::monitor
