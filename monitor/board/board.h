// SPDX-License-Identifier: GPL-2.0-only
// What a virtual machine has once: its memory and its devices.
#pragma once

#include "monitor/board/devices.h"
#include "monitor/board/guest_memory.h"
#include "monitor/world/world.h"

namespace ring1::monitor {

struct Board {
  explicit Board(World& world) : memory(world.host, world.pool), devices(world.host) {}

  GuestMemory memory;
  Devices devices;
};

}  // namespace ring1::monitor
