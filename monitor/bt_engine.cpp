// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/bt_engine.h"

#include <cerrno>

#include "base/assert.h"
#include "monitor/monitor.h"

namespace ring1::monitor {

BtEngine::BtEngine(Monitor& monitor)
    : monitor_(monitor), shared_(monitor.shared), cpu_(monitor.cpu), block_(monitor.block),
      cache_({.size = monitor.shared.config.tc_bytes, .exec_base = 0, .chaining = monitor.shared.config.chaining != 0},
             monitor.pool, *this) {}

void BtEngine::start() {
  if (!monitor_.tc_memory.init(shared_.config.tc_bytes) || !monitor_.narrow_stack.init(monitor_.host.switch_page()) ||
      !cache_.init() || !monitor_.mmu.init()) {
    shared_.exit.fail_entry.reason = ENOMEM;
    monitor_.log.line("no memory for the translation cache of %u bytes", shared_.config.tc_bytes);
    for (;;) monitor_.host.exit_to_user(KVM_EXIT_FAIL_ENTRY);
  }
  monitor_.devices.start();
  monitor_.devices.apic_base_written();
  monitor_.machine.paging_changed();
  choose_hole();
}

void BtEngine::state_written() {
  live_ = Live::kState;
  resume_.fragment = nullptr;
  monitor_.devices.apic_base_written();
  monitor_.machine.paging_changed();
  attend();
}

void BtEngine::forget(uint64_t gfn, uint64_t count) {
  for (uint64_t i = 0; i < count; i++) cache_.invalidate_page(Gpa((gfn + i) << kPageShift));
  monitor_.mmu.forget(Gpa(gfn << kPageShift), count);
  attend();
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
  const translator::MapEntry* entry = tcache::find_map_entry(**fragment, offset);
  *eip = entry && entry->eip == translator::MapEntry::Eip::kOffset ? (*fragment)->eip + entry->guest_offset
                                                                   : (*fragment)->eip;
  return true;
}

bool BtEngine::code_page(unsigned index, void** writable) { return monitor_.tc_memory.code_page(index, writable); }

bool BtEngine::return_table_page(unsigned index, void** writable) {
  return monitor_.tc_memory.return_table_page(index, writable);
}

bool BtEngine::test_and_clear_accessed(unsigned index) { return monitor_.tc_memory.test_and_clear_accessed(index); }

void BtEngine::accessed_sampled() { monitor_.flush_all(); }

void BtEngine::code_page_gained(Gpa page) { monitor_.mmu.trace_write(page, shadowmmu::kTraceCode); }

void BtEngine::code_page_lost(Gpa page) { monitor_.mmu.untrace(page, shadowmmu::kTraceCode); }

}  // namespace ring1::monitor
