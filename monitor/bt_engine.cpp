// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/bt_engine.h"

#include <cerrno>

#include "base/assert.h"
#include "monitor/hardware.h"
#include "monitor/monitor.h"

namespace ring1::monitor {
namespace {

constexpr unsigned kPageWork = 100;  // instructions to find that there is no code on a page, for Host::work()
constexpr unsigned kLineWork = 3000;  // of a line of the log

}  // namespace

BtEngine::BtEngine(Monitor& monitor)
    : Engine(monitor),
      block_(monitor.block),
      cache_({.size = monitor.shared.config.tc_bytes, .exec_base = 0, .chaining = monitor.shared.config.chaining != 0},
             monitor.pool, *this) {}

uint64_t BtEngine::init() {
  if (monitor_.tc_memory.init(shared_.config.tc_bytes) && monitor_.narrow_stack.init(monitor_.host.switch_page()) &&
      cache_.init() && monitor_.mmu.init())
    return 0;
  monitor_.log.line("no memory for the translation cache of %u bytes", shared_.config.tc_bytes);
  return ENOMEM;
}

void BtEngine::abandon() {
  live_ = Live::kState;
  resume_.fragment = nullptr;
}

void BtEngine::worked(unsigned instructions) { monitor_.host.work(instructions); }

void BtEngine::forget(uint64_t gfn, uint64_t count) {
  to_architectural();  // the guest may stand in a fragment that is about to go
  for (uint64_t i = 0; i < count; i++) {
    monitor_.host.work(kPageWork);
    cache_.invalidate_page(Gpa((gfn + i) << kPageShift));
  }
  monitor_.mmu.forget(Gpa(gfn << kPageShift), count);
  attend();
}

void BtEngine::flush_page(Gva page) {
  if (!flush_wanted_) hardware::invlpg(page.raw());
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
  uint32_t eip;
  tcache::Fragment* fragment;
  if (!in_cache(&eip, &fragment)) return;
  monitor_.log.line("stopped in the fragment of eip %08x, %u guest bytes, %u code bytes", fragment->eip,
                    uint32_t{fragment->guest_size}, uint32_t{fragment->code_size});
  uint8_t bytes[kBytes] = {};
  Gpa page;
  if (monitor_.machine.read_system(Gva(fragment->linear()), bytes, kBytes, &page))
    monitor_.log.bytes("guest code", fragment->linear(), bytes, kBytes);
  const uint32_t at = cache_.exec_address(TcOffset(fragment->start));
  for (unsigned i = 0; i < fragment->code_size; i += kBytes) {  // the monitor shares the guest's lower half
    monitor_.host.work(4 * kLineWork);
    monitor_.log.bytes("translated code", at + i, reinterpret_cast<const uint8_t*>(uint64_t{at + i}), kBytes);
  }
}

bool BtEngine::code_page(unsigned index, void** writable) { return monitor_.tc_memory.code_page(index, writable); }

bool BtEngine::return_table_page(unsigned index, void** writable) {
  return monitor_.tc_memory.return_table_page(index, writable);
}

bool BtEngine::test_and_clear_accessed(unsigned index) { return monitor_.tc_memory.test_and_clear_accessed(index); }

void BtEngine::accessed_sampled() { flush_all(); }

void BtEngine::code_page_gained(Gpa page) { monitor_.mmu.trace_write(page, shadowmmu::kTraceCode); }

void BtEngine::code_page_lost(Gpa page) { monitor_.mmu.untrace(page, shadowmmu::kTraceCode); }

}  // namespace ring1::monitor
