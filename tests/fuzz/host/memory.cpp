// SPDX-License-Identifier: GPL-2.0-only
// Guest memory and kvm_run pages taken away, exchanged, protected and written to.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "worker.h"

namespace ring1::fuzz {

namespace {

constexpr int kAdvice[] = {MADV_DONTNEED, MADV_FREE, MADV_REMOVE, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_COLD, MADV_PAGEOUT,
                           MADV_WILLNEED, MADV_MERGEABLE, MADV_DONTFORK, MADV_DOFORK, MADV_WIPEONFORK, MADV_KEEPONFORK,
                           MADV_POPULATE_WRITE, MADV_POPULATE_READ};

struct Piece {
  uint8_t* start;
  size_t size;
};

// Of the arena; at times where the guest's code is, at times 2 MiB that a huge page may hold.
Piece some_piece(Random& random) {
  constexpr size_t kHuge = 2 << 20;
  if (random.one_in(4)) return {pool->arena + 0x20000, 0x9000};
  if (random.one_in(8)) return {pool->arena + kHuge * random.below(Pool::kArena / kHuge), kHuge};
  const size_t start = 4096 * random.below(Pool::kArena / 4096);
  const size_t most = (Pool::kArena - start) / 4096;
  return {pool->arena + start, 4096 * (1 + random.below(most < 64 ? most : 64))};
}

// A file's pages, holes punched into them.
long map_file(const Piece& piece, int flags) {
  const int fd = memfd_create("fuzz", MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, static_cast<off_t>(piece.size))) return -errno;
  const void* mapped = mmap(piece.start, piece.size, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0);
  touched([&] { piece.start[0] = 1; });
  fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096);
  if (piece.size > 8192) ftruncate(fd, 4096);
  close(fd);
  return mapped == MAP_FAILED ? -errno : 0;
}

long map_anew(const Piece& piece) {
  return mmap(piece.start, piece.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) ==
                 MAP_FAILED ? -errno : 0;
}

}  // namespace

void change_memory(Worker& worker) {
  Random& random = worker.random;
  const Piece piece = some_piece(random);
  const auto address = reinterpret_cast<uint64_t>(piece.start);
  switch (random.below(12)) {
    case 0: worker.begin("munmap", address, piece.size).result = munmap(piece.start, piece.size); return;
    case 1: worker.begin("mmap file", address, piece.size).result = map_file(piece, MAP_SHARED); return;
    case 2: worker.begin("mmap file privately", address, piece.size).result = map_file(piece, MAP_PRIVATE); return;
    case 3: {
      const int protection = static_cast<int>(random.below(4));
      worker.begin("mprotect", address, piece.size, static_cast<uint64_t>(protection)).result = mprotect(piece.start, piece.size, protection);
      return;
    }
    case 4: {
      const Piece to = some_piece(random);
      const bool fits = to.start + piece.size <= pool->arena + Pool::kArena;
      worker.begin("mremap", address, piece.size, reinterpret_cast<uint64_t>(to.start)).result =
          fits && mremap(piece.start, piece.size, piece.size, MREMAP_MAYMOVE | MREMAP_FIXED, to.start) != MAP_FAILED ? 0 : -1;
      return;
    }
    case 5: {
      const unsigned i = static_cast<unsigned>(random.below(Pool::kMachines));
      worker.begin("munmap kvm_run", i).result = munmap(pool->run_area(i), 4096);
      mmap(pool->run_area(i), Pool::kRunArea, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, pool->vcpu[i], 0);
      return;
    }
    case 6: case 7: case 8: {
      const int advice = random.of(kAdvice);
      worker.begin("madvise", address, piece.size, static_cast<uint64_t>(advice)).result = madvise(piece.start, piece.size, advice);
      return;
    }
    default: worker.begin("mmap", address, piece.size).result = map_anew(piece); return;
  }
}

// Code, stack, descriptors, and what the guest has just told in kvm_run.
void scribble(Worker& worker) {
  Random& random = worker.random;
  Step& step = worker.begin("scribble");
  for (unsigned n = 0; n < 200; n++) {
    uint8_t* where = random.one_in(8) ? pool->run_areas + random.below(Pool::kMachines * Pool::kRunArea)
                     : random.one_in(2) ? pool->arena + 0x20000 + random.below(0x9000)
                                        : pool->arena + random.below(Pool::kArena);
    const uint64_t value = random.odd_number();
    touched([&] { std::memcpy(where, &value, random.one_in(2) ? 1 : 8); });
  }
  step.result = 0;
}

}  // namespace ring1::fuzz
