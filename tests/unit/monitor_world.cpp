// SPDX-License-Identifier: GPL-2.0-only
#include "monitor_world.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "monitor/world/tables.h"

namespace ring1::monitor {

// The descriptor tables are the processor's business.
void load_tables(const ring1_switch&) {}

FakeWorld::FakeWorld()
    : shared_memory(new ring1_vcpu_shared{}),
      shared(*shared_memory),
      host((page.to_host = reinterpret_cast<uint64_t>(&to_host), page), shared),
      log(shared.log),
      pool(host) {
  void* const window = reinterpret_cast<void*>(RING1_GUEST_WINDOW);
  if (mmap(window, kRam, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != window)
    std::abort();
  // The world of a page is found by the page.
  page.shared = reinterpret_cast<uint64_t>(this);
  shared.config.tsc_khz = 1'000'000;
  shared.config.physical_bits = 36;
  host.set_command_handler(this);
}

FakeWorld::~FakeWorld() {
  munmap(reinterpret_cast<void*>(RING1_GUEST_WINDOW), kRam);
  for (void* given : given_) std::free(given);
}

void FakeWorld::to_host(ring1_switch* page) { reinterpret_cast<FakeWorld*>(page->shared)->serve(); }

void FakeWorld::serve() {
  requests_[shared.request]++;
  shared.withdrawn.count = 0;
  switch (shared.request) {
    case RING1_REQUEST_PAGES: give_pages(); break;
    case RING1_REQUEST_PIN: pin(); break;
    case RING1_REQUEST_EXIT: answer(shared.exit); break;
    case RING1_REQUEST_WALL_CLOCK: shared.wall_clock_ns = 1'700'000'000'123'456'789; break;
    case RING1_REQUEST_PANIC: std::abort();
    default: break;
  }
  for (const ring1_page_range& range : withdraw) shared.withdrawn.range[shared.withdrawn.count++] = range;
  withdraw.clear();
  shared.command = RING1_COMMAND_RUN;
  const bool may_command = shared.request != RING1_REQUEST_PAGES && shared.request != RING1_REQUEST_POLL;
  if (may_command && !commands.empty()) {
    shared.command = commands.front();
    commands.pop_front();
  }
}

void FakeWorld::give_pages() {
  unsigned given = 0;
  for (; given < shared.pages.count && pages_left; given++, pages_left--) {
    given_.push_back(std::aligned_alloc(kPageSize, kPageSize));
    std::memset(given_.back(), 0, kPageSize);
    shared.pages.hpa[given] = reinterpret_cast<uint64_t>(given_.back());  // page.direct_map is 0
  }
  shared.pages.count = given;
}

// One page at a time is what a host may always answer.
void FakeWorld::pin() {
  ring1_pin_request& request = shared.pin;
  const auto said = backing.find(request.gfn);
  request.backing = said != backing.end()              ? said->second
                    : request.gfn < kRam >> kPageShift ? RING1_BACKING_RAM
                                                       : RING1_BACKING_DEVICE;
  if (request.backing == RING1_BACKING_RETRY) backing.erase(said);
  if (request.backing == RING1_BACKING_CLEAN && request.write)
    request.backing = backing[request.gfn] = RING1_BACKING_RAM;
  request.count = request.backing <= RING1_BACKING_CLEAN ? 1 : 0;
  request.hpa[0] = (request.gfn << kPageShift) + (uint64_t{1} << 40);
}

int FakeWorld::command(ring1_command command) {
  commanded.push_back(command);
  return command == RING1_COMMAND_GET_PIT ? -EINVAL : 0;
}

void FakeWorld::withdrawn(const ring1_withdrawn& pages) {
  for (unsigned i = 0; i < pages.count; i++) withdrawn_pages.push_back(pages.range[i]);
}

}  // namespace ring1::monitor
