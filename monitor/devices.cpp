// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/devices.h"

#include <cerrno>

#include "monitor/freestanding.h"

namespace ring1::monitor {

bool Devices::port(uint16_t port, unsigned size, uint32_t* value, bool is_write) {
  touched_ = true;
  ring1_exit& exit = host_.shared().exit;
  exit.io.port = port;
  exit.io.size = static_cast<uint8_t>(size);
  exit.io.out = is_write;
  exit.io.value = is_write ? *value : 0;
  host_.shared().stats.io_exits++;
  host_.exit_to_user(KVM_EXIT_IO);
  if (!is_write) *value = exit.io.value;
  return true;
}

bool Devices::memory(Gpa gpa, uint8_t* data, unsigned size, bool is_write) {
  touched_ = true;
  ring1_exit& exit = host_.shared().exit;
  exit.mmio.gpa = gpa.raw();
  exit.mmio.size = size;
  exit.mmio.is_write = is_write;
  memset(exit.mmio.data, 0, sizeof exit.mmio.data);
  if (is_write) memcpy(exit.mmio.data, data, size);
  host_.shared().stats.mmio_exits++;
  host_.exit_to_user(KVM_EXIT_MMIO);
  if (!is_write) memcpy(data, exit.mmio.data, size);
  return true;
}

void Devices::update() {}
uint64_t Devices::deadline_tsc() const { return 0; }
bool Devices::has_interrupt() const { return false; }
int Devices::acknowledge() { return -1; }
bool Devices::take_nmi() { return false; }
bool Devices::apic_enabled() const { return false; }
uint8_t Devices::task_priority() const { return 0; }
void Devices::set_task_priority(uint8_t) {}
int Devices::command(ring1_command) { return -EINVAL; }

}  // namespace ring1::monitor
