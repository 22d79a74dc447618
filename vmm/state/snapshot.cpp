// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/state/snapshot.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>

#include "vmm/boot/memory_map.h"
#include "vmm/failure.h"

namespace ring1::vmm {

namespace {

constexpr uint32_t kFormat = 1;
constexpr uint64_t kMemoryOffset = 4096, kMostState = 64 << 20;

struct Header {
  char magic[8];
  uint32_t format;
  uint32_t header_size;
  uint64_t memory_offset, memory_size;
  uint64_t state_offset, state_size;
  uint64_t state_checksum;
};
constexpr char kMagic[8] = {'R', 'I', 'N', 'G', '1', 'V', 'M', '\n'};

// FNV-1a, 64 bits: against files that were cut or damaged, not against malice.
uint64_t checksum(std::span<const uint8_t> bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

void write_all(int fd, const uint8_t* bytes, uint64_t size, uint64_t offset, const std::string& path) {
  while (size != 0) {
    const ssize_t n = ::pwrite(fd, bytes, size, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw system_failure("cannot write " + path);
    bytes += n, size -= static_cast<uint64_t>(n), offset += static_cast<uint64_t>(n);
  }
}

// What lies beyond the end of the file reads as zero.
void read_all(int fd, uint8_t* bytes, uint64_t size, uint64_t offset, const std::string& path) {
  while (size != 0) {
    const ssize_t n = ::pread(fd, bytes, size, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw system_failure("cannot read " + path);
    if (n == 0) {
      std::memset(bytes, 0, size);
      return;
    }
    bytes += n, size -= static_cast<uint64_t>(n), offset += static_cast<uint64_t>(n);
  }
}

bool is_zero(const uint8_t* bytes, uint64_t size) {
  return std::all_of(bytes, bytes + size, [](uint8_t byte) { return byte == 0; });
}

}  // namespace

SnapshotWriter::SnapshotWriter(std::string path) : path_(std::move(path)), partial_(path_ + ".part") {
  // What has the name may be left from a tool that was killed, or be another user's, who wants to read the guest's memory or
  // have something overwritten: it goes, or the file cannot be had.
  ::unlink(partial_.c_str());
  fd_ = UniqueFd(::open(partial_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd_) throw system_failure("cannot write " + partial_);
}

SnapshotWriter::~SnapshotWriter() {
  if (!finished_) ::unlink(partial_.c_str());
}

void SnapshotWriter::put_memory(const GuestMemory& memory, uint64_t offset, uint64_t size) {
  const uint8_t* bytes = memory.at(Gpa(offset), size);
  const uint64_t place = kMemoryOffset + offset;
  struct stat status {};
  if (::fstat(fd_.get(), &status) != 0) throw system_failure("cannot write " + partial_);
  // Zero pages that the file has not reached yet stay holes.
  if (static_cast<uint64_t>(status.st_size) <= place && is_zero(bytes, size)) return;
  write_all(fd_.get(), bytes, size, place, partial_);
}

void SnapshotWriter::read_memory(uint64_t offset, std::span<uint8_t> to) const {
  read_all(fd_.get(), to.data(), to.size(), kMemoryOffset + offset, partial_);
}

void SnapshotWriter::finish(uint64_t memory_size, const ArchiveWriter& state) {
  Header header{};
  std::memcpy(header.magic, kMagic, sizeof(kMagic));
  header.format = kFormat;
  header.header_size = sizeof(header);
  header.memory_offset = kMemoryOffset;
  header.memory_size = memory_size;
  header.state_offset = kMemoryOffset + memory_size;
  header.state_size = state.bytes().size();
  header.state_checksum = checksum(state.bytes());
  write_all(fd_.get(), state.bytes().data(), state.bytes().size(), header.state_offset, partial_);
  write_all(fd_.get(), reinterpret_cast<const uint8_t*>(&header), sizeof(header), 0, partial_);
  if (::fsync(fd_.get()) != 0 && errno != EINVAL) throw system_failure("cannot write " + partial_);
  if (std::rename(partial_.c_str(), path_.c_str()) != 0) throw system_failure("cannot write " + path_);
  finished_ = true;
}

// Not through a symbolic link, whose owner might be another user; O_NONBLOCK so that a pipe does not keep us.
Snapshot::Snapshot(const std::string& path)
    : path_(path), fd_(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)) {
  if (!fd_)
    throw usage_failure(
        fmt::format("cannot open {}: {}", path, errno == ELOOP ? "a symbolic link" : std::strerror(errno)));
  struct stat status {};
  if (::fstat(fd_.get(), &status) != 0 || !S_ISREG(status.st_mode)) throw usage_failure(path + " is not a regular file");
  Header header{};
  read_all(fd_.get(), reinterpret_cast<uint8_t*>(&header), sizeof(header), 0, path);
  if (std::memcmp(header.magic, kMagic, sizeof(kMagic)) != 0) throw usage_failure(path + " holds no saved machine");
  if (header.format != kFormat || header.memory_offset != kMemoryOffset)
    throw usage_failure(fmt::format("{} has format {}; this tool knows {}", path, header.format, kFormat));
  if (header.state_size > kMostState || header.memory_size > kLargestMemory || header.memory_size < kSmallestMemory ||
      header.memory_size % kPageSize != 0 || header.state_offset != kMemoryOffset + header.memory_size)
    throw usage_failure(path + " is damaged");
  std::vector<uint8_t> state(header.state_size);
  read_all(fd_.get(), state.data(), state.size(), header.state_offset, path);
  if (checksum(state) != header.state_checksum) throw usage_failure(path + " is damaged or cut short");
  memory_size_ = header.memory_size;
  state_ = Archive(std::move(state));
}

void Snapshot::load_memory(GuestMemory& memory) const {
  const auto end = static_cast<off_t>(kMemoryOffset + memory_size_);
  off_t at = kMemoryOffset;
  while (at < end) {
    const off_t data = ::lseek(fd_.get(), at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) return;
    // A file system without holes has data everywhere.
    const off_t from = data < 0 ? at : std::max(at, data);
    off_t to = data < 0 ? end : ::lseek(fd_.get(), from, SEEK_HOLE);
    if (to < 0 || to > end) to = end;
    if (from >= end) return;
    const auto size = static_cast<uint64_t>(to - from);
    read_all(fd_.get(), memory.at(Gpa(static_cast<uint64_t>(from) - kMemoryOffset), size), size,
             static_cast<uint64_t>(from), path_);
    at = to;
  }
}

}  // namespace ring1::vmm
