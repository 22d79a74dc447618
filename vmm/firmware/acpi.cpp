// SPDX-License-Identifier: GPL-2.0-only
// The least ACPI that gives a guest interrupt routing, a timer, power-off and reset (ACPI 3.0, chapter 5).
#include <array>
#include <cstddef>
#include <vector>

#include "vmm/boot/memory_map.h"
#include "vmm/devices/platform.h"
#include "vmm/firmware/tables.h"

namespace ring1::vmm {

namespace {

constexpr Gpa kRsdp = kFirmwareTables;
constexpr Gpa kFacs = kFirmwareTables + 0x1000;
constexpr Gpa kFirstTable = kFirmwareTables + 0x1100;

struct __attribute__((packed)) Rsdp {
  char signature[8] = {'R', 'S', 'D', ' ', 'P', 'T', 'R', ' '};
  uint8_t checksum = 0;
  char oem[6] = {'R', 'I', 'N', 'G', '1', ' '};
  uint8_t revision = 0;
  uint32_t rsdt = 0;
};
static_assert(sizeof(Rsdp) == 20);

struct __attribute__((packed)) TableHeader {
  char signature[4];
  uint32_t length;
  uint8_t revision;
  uint8_t checksum = 0;
  char oem[6] = {'R', 'I', 'N', 'G', '1', ' '};
  char oem_table[8] = {'R', 'I', 'N', 'G', '1', 'V', 'M', ' '};
  uint32_t oem_revision = 1;
  char creator[4] = {'R', 'N', 'G', '1'};
  uint32_t creator_revision = 1;
};
static_assert(sizeof(TableHeader) == 36);

// 5.2.3.1; a port.
struct __attribute__((packed)) GenericAddress {
  uint8_t space = 1;
  uint8_t width = 0;
  uint8_t offset = 0;
  uint8_t access = 0;
  uint64_t address = 0;
};

// 5.2.9
struct __attribute__((packed)) Fadt {
  TableHeader header{{'F', 'A', 'C', 'P'}, sizeof(Fadt), 3};
  uint32_t facs, dsdt;
  uint8_t reserved0 = 0, profile = 0;
  uint16_t sci = kSciIrq;
  uint32_t smi_command = 0;  // none: the machine is always in ACPI mode
  uint8_t acpi_enable = 0, acpi_disable = 0, s4bios = 0, pstate = 0;
  uint32_t pm1a_event = kPmEventPort, pm1b_event = 0, pm1a_control = kPmControlPort, pm1b_control = 0, pm2_control = 0,
           pm_timer = kPmTimerPort, gpe0 = 0, gpe1 = 0;
  uint8_t pm1_event_length = 4, pm1_control_length = 2, pm2_control_length = 0, pm_timer_length = 4, gpe0_length = 0,
          gpe1_length = 0, gpe1_base = 0, cstate = 0;
  uint16_t c2_latency = 0xffff, c3_latency = 0xffff, flush_size = 0, flush_stride = 0;
  uint8_t duty_offset = 0, duty_width = 0, day_alarm = 0, month_alarm = 0, century = kCmosCentury;
  // Bit 0: devices on the ISA bus; bit 1, an 8042 with a keyboard, is clear: it spares the guest a probe.
  uint16_t boot_architecture = 1;
  uint8_t reserved1 = 0;
  // WBINVD works, C1 works, no fixed power button, no fixed sleep button, RTC wake is not fixed, reset register.
  uint32_t flags = 1 << 0 | 1 << 2 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 10;
  GenericAddress reset_register{1, 8, 0, 1, kResetPort};
  uint8_t reset_value = kResetNow;
  uint8_t reserved2[3] = {};
  uint64_t x_facs = 0, x_dsdt;
  GenericAddress x_pm1a_event{1, 32, 0, 2, kPmEventPort}, x_pm1b_event{}, x_pm1a_control{1, 16, 0, 2, kPmControlPort},
      x_pm1b_control{}, x_pm2_control{}, x_pm_timer{1, 32, 0, 3, kPmTimerPort}, x_gpe0{}, x_gpe1{};
};
static_assert(sizeof(Fadt) == 244);

struct __attribute__((packed)) Facs {
  char signature[4] = {'F', 'A', 'C', 'S'};
  uint32_t length = sizeof(Facs);
  uint32_t hardware_signature = 0, waking_vector = 0, global_lock = 0, flags = 0;
  uint8_t reserved[40] = {};
};
static_assert(sizeof(Facs) == 64);

// 5.2.11
struct __attribute__((packed)) Madt {
  TableHeader header{{'A', 'P', 'I', 'C'}, sizeof(Madt), 1};
  uint32_t local_apic = kLocalApicAddress;
  uint32_t flags = 1;  // two 8259 exist as well
  struct __attribute__((packed)) {
    uint8_t type = 0, length = 8, processor = 0, apic_id = kBootProcessorApicId;
    uint32_t flags = 1;
  } processor;
  struct __attribute__((packed)) {
    uint8_t type = 1, length = 12, id = kIoApicId, reserved = 0;
    uint32_t address = kIoApicAddress, first_gsi = 0;
  } io_apic;
  struct __attribute__((packed)) {
    uint8_t type = 2, length = 10, bus = 0, source = kTimerIrq;
    uint32_t gsi = kTimerGsi;
    uint16_t flags = 0;  // as on the ISA bus
  } timer_override;
  struct __attribute__((packed)) {
    uint8_t type = 2, length = 10, bus = 0, source = kSciIrq;
    uint32_t gsi = kSciIrq;
    uint16_t flags = 0xd;  // active high, level
  } sci_override;
  struct __attribute__((packed)) {
    uint8_t type = 4, length = 6, processor = 0xff;
    uint16_t flags = 0;
    uint8_t lint = 1;
  } nmi;
};

// Name (\_S5, Package () { kSleepTypeOff, kSleepTypeOff, 0, 0 }), assembled by hand (chapter 17).
constexpr std::array<uint8_t, 15> kSleepStates = {0x08, '\\', '_',           'S',  '5',           '_',  0x12, 0x08,
                                                  0x04, 0x0a, kSleepTypeOff, 0x0a, kSleepTypeOff, 0x00, 0x00};

template <size_t kTables>
struct __attribute__((packed)) Rsdt {
  TableHeader header{{'R', 'S', 'D', 'T'}, sizeof(Rsdt), 1};
  uint32_t tables[kTables];
};

struct __attribute__((packed)) Dsdt {
  TableHeader header{{'D', 'S', 'D', 'T'}, sizeof(Dsdt), 1};
  std::array<uint8_t, kSleepStates.size()> code = kSleepStates;
};

// Writes tables one behind the other.
class Writer {
 public:
  explicit Writer(GuestMemory& memory) : memory_(memory) {}

  template <class Table>
  uint32_t append(Table table) {
    table.header.checksum = checksum(&table, sizeof(table));
    const Gpa where = next_;
    memory_.put(where, table);
    next_ = Gpa((next_.raw() + sizeof(table) + 15) & ~uint64_t{15});
    return static_cast<uint32_t>(where.raw());
  }

 private:
  GuestMemory& memory_;
  Gpa next_ = kFirstTable;
};

}  // namespace

uint8_t checksum(const void* table, size_t size) {
  uint8_t sum = 0;
  for (size_t i = 0; i < size; i++) sum = static_cast<uint8_t>(sum + static_cast<const uint8_t*>(table)[i]);
  return static_cast<uint8_t>(-sum);
}

Gpa write_acpi_tables(GuestMemory& memory) {
  Writer writer(memory);
  memory.put(kFacs, Facs{});
  Fadt fadt{};
  fadt.facs = static_cast<uint32_t>(kFacs.raw());
  fadt.dsdt = writer.append(Dsdt{});
  fadt.x_dsdt = fadt.dsdt;
  Rsdt<2> rsdt{};
  rsdt.tables[0] = writer.append(fadt);
  rsdt.tables[1] = writer.append(Madt{});
  Rsdp rsdp{};
  rsdp.rsdt = writer.append(rsdt);
  rsdp.checksum = checksum(&rsdp, sizeof(rsdp));
  memory.put(kRsdp, rsdp);
  return kRsdp;
}

}  // namespace ring1::vmm
