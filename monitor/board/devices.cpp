// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/board/devices.h"

#include <cerrno>

#include "monitor/world/freestanding.h"
#include "monitor/world/hardware.h"

namespace ring1::monitor {

void Devices::start() {
  clock_.start(host_.shared().config.tsc_khz, hardware::read_tsc());
  chip_.set_listener(this);
  chip_.reset();
  pit_.reset(now());
}

uint64_t Devices::now() const {
  const uint64_t stopped_at = host_.shared().stopped_at;
  return clock_.ns(stopped_at ? stopped_at : hardware::read_tsc());
}

vtimer::TimerLine::Answer Devices::pulse() {
  const irqchip::Delivery delivery = chip_.set_line(0, true);
  chip_.set_line(0, false);
  switch (delivery) {
    case irqchip::Delivery::kMasked: return Answer::kMasked;
    case irqchip::Delivery::kCoalesced: return Answer::kCoalesced;
    default: return Answer::kDelivered;
  }
}

void Devices::line_taken(unsigned gsi) {
  if (gsi != 0) return;
  took_tick_ = true;
  pit_.line_taken();
}

void Devices::line_ended(unsigned gsi) {
  if (gsi == 0 && pit_.pending_ticks()) pit_.line_ended(now());
}

int Devices::acknowledge() {
  took_tick_ = false;
  const int vector = chip_.acknowledge();
  if (vector >= 0 && chip_.is_timer(static_cast<uint8_t>(vector))) took_tick_ = true;
  return vector;
}

bool Devices::internal_port(uint16_t port, unsigned size, uint32_t* value, bool is_write) {
  const ring1_config& config = host_.shared().config;
  if (config.irqchip && (is_write ? chip_.io_write(port, size, *value) : chip_.io_read(port, size, value))) return true;
  if (!config.pit) return false;
  return is_write ? pit_.io_write(port, size, *value, now()) : pit_.io_read(port, size, value, now());
}

bool Devices::port(uint16_t port, unsigned size, uint32_t* value, bool is_write) {
  touched_ = true;
  if (internal_port(port, size, value, is_write)) return true;
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
  if (host_.shared().config.irqchip && chip_.owns(gpa)) {
    uint64_t value = 0;
    if (is_write) {
      memcpy(&value, data, size);
      chip_.mmio_write(gpa, size, value, now());
    } else {
      chip_.mmio_read(gpa, size, &value, now());
      memcpy(data, &value, size);
    }
    return true;
  }
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

bool Devices::makes_up_now() const {
  const ring1_config& config = host_.shared().config;
  if (!config.irqchip) return false;
  const uint64_t time = now();
  return chip_.makes_up_now(time) || (config.pit && pit_.makes_up_now(time));
}

void Devices::update(bool at_work) {
  ring1_irq_queue& queue = host_.shared().irq_queue;
  const uint32_t head = __atomic_load_n(&queue.head, __ATOMIC_ACQUIRE);
  while (queue.tail != head) {
    const uint16_t entry = queue.entry[queue.tail % RING1_IRQ_QUEUE_SIZE];
    chip_.set_line(entry & 0x7fff, entry >> 15);
    __atomic_store_n(&queue.tail, queue.tail + 1, __ATOMIC_RELEASE);
  }
  if (!host_.shared().config.irqchip) return;
  const uint64_t time = now();
  if (time >= chip_.next_deadline()) chip_.advance(time, at_work);
  if (!host_.shared().config.pit) return;
  pit_.set_makes_up(!__atomic_load_n(&host_.shared().drop_late_ticks, __ATOMIC_RELAXED));
  if (time >= pit_.next_deadline()) pit_.advance(time, at_work);
}

uint64_t Devices::deadline_tsc() const {
  const ring1_config& config = host_.shared().config;
  uint64_t next = config.irqchip ? chip_.next_deadline() : vtimer::kNoDeadline;
  if (config.irqchip && config.pit && pit_.next_deadline() < next) next = pit_.next_deadline();
  return next == vtimer::kNoDeadline ? 0 : clock_.tsc(next);
}

void Devices::set_cr8(uint64_t value) {
  touched_ = true;
  chip_.set_cr8(value);
}

int Devices::command(ring1_command command) {
  ring1_vcpu_shared& shared = host_.shared();
  update(true);  // lines that were set before belong to the state, or to what is replaced; nothing new is made up for
  touched_ = true;
  switch (command) {
    case RING1_COMMAND_GET_IRQCHIP: return chip_.save(&shared.payload.irqchip) ? 0 : -EINVAL;
    case RING1_COMMAND_SET_IRQCHIP: return chip_.restore(shared.payload.irqchip) ? 0 : -EINVAL;
    case RING1_COMMAND_GET_PIT: pit_.save(&shared.payload.pit, now()); return 0;
    case RING1_COMMAND_SET_PIT:
      pit_.restore(shared.payload.pit, now());
      __atomic_store_n(&shared.drop_late_ticks, uint8_t{!pit_.makes_up()}, __ATOMIC_RELAXED);
      return 0;
    case RING1_COMMAND_GET_CLOCK: shared.payload.clock.clock = now() + kvm_clock_offset_; return 0;
    case RING1_COMMAND_SET_CLOCK: kvm_clock_offset_ = shared.payload.clock.clock - now(); return 0;
    case RING1_COMMAND_GET_LAPIC: chip_.save_lapic(&shared.payload.lapic, now()); return 0;
    case RING1_COMMAND_SET_LAPIC: chip_.restore_lapic(shared.payload.lapic, now()); return 0;
    default: return -EINVAL;
  }
}

}  // namespace ring1::monitor
