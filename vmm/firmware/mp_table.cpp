// SPDX-License-Identifier: GPL-2.0-only
// The table of the MultiProcessor Specification 1.4, chapter 4.
#include <vector>

#include "vmm/boot/memory_map.h"
#include "vmm/firmware/tables.h"

namespace ring1::vmm {

namespace {

constexpr Gpa kFloatingPointer = kFirmwareTables + 0x40;
constexpr Gpa kConfiguration = kFirmwareTables + 0x100;

constexpr uint8_t kSpecRevision = 4;
constexpr uint8_t kApicVersion = 0x14, kIoApicVersion = 0x11;
constexpr uint8_t kIsaBus = 0;
constexpr unsigned kIsaIrqs = 16;
constexpr uint8_t kAllApics = 0xff;

enum InterruptType : uint8_t { kVectored = 0, kNmi = 1, kExternal = 3 };

struct __attribute__((packed)) FloatingPointer {
  char signature[4] = {'_', 'M', 'P', '_'};
  uint32_t table = static_cast<uint32_t>(kConfiguration.raw());
  uint8_t length = 1, revision = kSpecRevision, checksum = 0, features[5] = {};
};
static_assert(sizeof(FloatingPointer) == 16);

struct __attribute__((packed)) Header {
  char signature[4] = {'P', 'C', 'M', 'P'};
  uint16_t length = 0;
  uint8_t revision = kSpecRevision, checksum = 0;
  char oem[8] = {'R', 'I', 'N', 'G', '1', ' ', ' ', ' '};
  char product[12] = {'R', 'I', 'N', 'G', '1', ' ', 'V', 'M', ' ', ' ', ' ', ' '};
  uint32_t oem_table = 0;
  uint16_t oem_size = 0, entries = 0;
  uint32_t local_apic = kLocalApicAddress, extended = 0;
};
static_assert(sizeof(Header) == 44);

struct __attribute__((packed)) Processor {
  uint8_t type = 0, apic_id = kBootProcessorApicId, version = kApicVersion, flags = 3;  // enabled, boots
  uint32_t signature = 0x600, features = 0x201;
  uint64_t reserved = 0;
};
static_assert(sizeof(Processor) == 20);

struct __attribute__((packed)) Bus {
  uint8_t type = 1, id = kIsaBus;
  char name[6] = {'I', 'S', 'A', ' ', ' ', ' '};
};

struct __attribute__((packed)) IoApic {
  uint8_t type = 2, id = kIoApicId, version = kIoApicVersion, flags = 1;
  uint32_t address = kIoApicAddress;
};

struct __attribute__((packed)) Interrupt {
  uint8_t type, kind;
  uint16_t flags;
  uint8_t bus, irq, apic, input;
};
static_assert(sizeof(Interrupt) == 8);

struct Table {
  std::vector<uint8_t> bytes = std::vector<uint8_t>(sizeof(Header));
  Header header;

  template <class Entry>
  void append(const Entry& entry) {
    const auto* raw = reinterpret_cast<const uint8_t*>(&entry);
    bytes.insert(bytes.end(), raw, raw + sizeof(entry));
    header.entries++;
  }
  void finish() {
    header.length = static_cast<uint16_t>(bytes.size());
    std::memcpy(bytes.data(), &header, sizeof(header));
    header.checksum = checksum(bytes.data(), bytes.size());
    std::memcpy(bytes.data(), &header, sizeof(header));
  }
};

}  // namespace

void write_mp_table(GuestMemory& memory) {
  Table table;
  table.append(Processor{});
  table.append(Bus{});
  table.append(IoApic{});
  for (uint8_t irq = 0; irq < kIsaIrqs; irq++)
    if (irq != kCascadeIrq)
      table.append(Interrupt{3, kVectored, 0, kIsaBus, irq, kIoApicId, irq == kTimerIrq ? kTimerGsi : irq});
  table.append(Interrupt{4, kExternal, 0, kIsaBus, 0, kAllApics, 0});
  table.append(Interrupt{4, kNmi, 0, kIsaBus, 0, kAllApics, 1});
  table.finish();
  memory.write(kConfiguration, table.bytes);

  FloatingPointer pointer;
  pointer.checksum = checksum(&pointer, sizeof(pointer));
  memory.put(kFloatingPointer, pointer);
}

}  // namespace ring1::vmm
