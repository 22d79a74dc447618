// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <unistd.h>
#include "worklist.h"

enum { kStations = 6, kRounds = 300, kBulk = 4 << 20 };
static int ring[kStations][2];

// Takes a number from its left, adds to it, gives it to its right.
static int station(int place) {
  for (int round = 0; round < kRounds; round++) {
    uint32_t token;
    if (read(ring[place - 1][0], &token, sizeof token) != sizeof token) return 1;
    token = mix(token, place);
    if (write(ring[place][1], &token, sizeof token) != sizeof token) return 2;
  }
  return 0;
}

static int flood(int out) {
  static unsigned char block[10007];
  for (size_t sent = 0; sent < kBulk;) {
    for (size_t i = 0; i < sizeof block; i++) block[i] = (sent + i) * 2654435761u >> 24;
    size_t size = kBulk - sent < sizeof block ? kBulk - sent : sizeof block;
    for (size_t done = 0; done < size;) {
      ssize_t part = write(out, block + done, size - done);
      if (part <= 0) return 1;
      done += part;
    }
    sent += size;
  }
  return 0;
}

void work_pipes(void) {
  pid_t children[kStations];
  for (int i = 0; i < kStations; i++) if (pipe(ring[i])) die("pipe");
  for (int i = 1; i < kStations; i++) children[i] = start(station, i);
  uint32_t token = 1;
  for (int round = 0; round < kRounds; round++) {
    if (write(ring[0][1], &token, sizeof token) != sizeof token) die("write");
    if (read(ring[kStations - 1][0], &token, sizeof token) != sizeof token) die("read");
  }
  int bad = 0;
  for (int i = 1; i < kStations; i++) bad += wait_for(children[i]) != 0;
  printf("ring: token %08x after %d rounds, %d bad stations\n", token, kRounds, bad);

  int bulk[2];
  if (pipe(bulk)) die("pipe");
  pid_t writer = start(flood, bulk[1]);
  close(bulk[1]);
  static unsigned char block[4096];
  uint32_t hash = 1, total = 0;
  for (ssize_t part; (part = read(bulk[0], block, sizeof block)) > 0; total += part)
    for (ssize_t i = 0; i < part; i++) hash = mix(hash, block[i]);
  printf("bulk: %u bytes, hash %08x, writer %d\n", total, hash, wait_for(writer));
}
