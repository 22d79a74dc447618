// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/run/save.h"

#include <fmt/format.h>

#include <numeric>
#include <vector>

#include "vmm/failure.h"
#include "vmm/state/dirty_log.h"

namespace ring1::vmm {

namespace {

constexpr uint64_t kPiece = 1 << 20;
// The guest is stopped when so little is left to copy, or when it writes faster than that.
constexpr uint64_t kFewBytes = 2 << 20;
constexpr unsigned kPasses = 4;

uint64_t copy(SnapshotWriter& file, const GuestMemory& memory, const std::vector<DirtyLog::Run>& runs) {
  uint64_t bytes = 0;
  for (const DirtyLog::Run& run : runs) {
    for (uint64_t done = 0; done < run.size; done += kPiece)
      file.put_memory(memory, run.offset + done, std::min(kPiece, run.size - done));
    bytes += run.size;
  }
  return bytes;
}

// The vCPU stands until this goes.
class StandStill {
 public:
  explicit StandStill(VcpuThread& thread) : thread_(thread), stands_(thread.pause()) {}
  ~StandStill() { thread_.resume(); }
  StandStill(const StandStill&) = delete;
  StandStill& operator=(const StandStill&) = delete;
  explicit operator bool() const { return stands_; }

 private:
  VcpuThread& thread_;
  bool stands_;
};

void compare(const SnapshotWriter& file, const GuestMemory& memory) {
  std::vector<uint8_t> page(kPageSize);
  for (uint64_t offset = 0; offset < memory.size(); offset += kPageSize) {
    file.read_memory(offset, page);
    if (std::memcmp(page.data(), memory.base() + offset, kPageSize) != 0)
      throw Failure(kExitEnvironment,
                    fmt::format("the guest wrote page {:#x} and the dirty log does not say so", offset));
  }
}

}  // namespace

SaveRequest parse_save_request(const std::string& words) {
  SaveRequest request;
  std::string rest = words;
  for (;;) {
    if (rest.starts_with("keep "))
      request.keep = true;
    else if (rest.starts_with("verify "))
      request.verify = true;
    else
      break;
    rest.erase(0, rest.find(' ') + 1);
  }
  if (!rest.starts_with("/")) throw usage_failure("an absolute path is needed");
  request.path = rest;
  return request;
}

std::string save_machine(const KvmSystem& system, Machine& machine, VcpuThread& thread, const SaveRequest& request) {
  const GuestMemory& memory = machine.memory();
  SnapshotWriter file(request.path);
  DirtyLog log(machine.vm(), memory);
  uint64_t before = copy(file, memory, {{0, memory.size()}}), stopped = 0;
  for (unsigned pass = 1; pass < kPasses; pass++) {
    const auto runs = log.take();
    const uint64_t bytes = copy(file, memory, runs);
    before += bytes;
    if (bytes < kFewBytes) break;
  }
  const uint64_t from = monotonic_ns();
  {
    const StandStill still(thread);
    if (!still) throw Failure(kExitEnvironment, "the guest has ended");
    stopped = copy(file, memory, log.take());
    if (request.verify) compare(file, memory);
    file.finish(memory.size(), machine.save(system));
    if (!request.keep) thread.stop({Outcome::Kind::saved});
  }
  constexpr uint64_t kNsPerMs = 1'000'000;
  return fmt::format("{}: {} KiB while the guest ran, {} KiB in {} ms while it stood", request.path, before >> 10,
                     stopped >> 10, (monotonic_ns() - from) / kNsPerMs);
}

}  // namespace ring1::vmm
