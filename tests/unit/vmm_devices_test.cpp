// SPDX-License-Identifier: GPL-2.0-only
// The small devices, and the bus that finds them.
#include <gtest/gtest.h>

#include <utility>

#include "vmm/devices/acpi_pm.h"
#include "vmm/devices/bus.h"
#include "vmm/devices/i8042.h"
#include "vmm/devices/system_ports.h"
#include "vmm/run/escape.h"

namespace ring1::vmm {
namespace {

struct Recorder : Device {
  uint64_t read(uint64_t offset, unsigned size) override { return 0x10 * size + offset; }
  void write(uint64_t offset, unsigned size, uint64_t value) override { writes.push_back({offset, size, value}); }
  struct Write {
    uint64_t offset;
    unsigned size;
    uint64_t value;
    bool operator==(const Write& other) const {
      return offset == other.offset && size == other.size && value == other.value;
    }
  };
  std::vector<Write> writes;
};

TEST(VmmBus, NobodyAnswersWithOnes) {
  Bus bus;
  EXPECT_EQ(bus.read(0xcfc, 1), 0xffu);
  EXPECT_EQ(bus.read(0xcfc, 2), 0xffffu);
  EXPECT_EQ(bus.read(0xcfc, 4), 0xffffffffu);
  EXPECT_EQ(bus.read(0xe0000000, 8), ~uint64_t{0});
  bus.write(0x80, 1, 5);
}

TEST(VmmBus, SplitsForByteDevicesAndAtTheirEnds) {
  Recorder narrow, wide;
  Bus bus;
  bus.attach(0x100, 2, Bus::Width::bytes, narrow);
  bus.attach(0x200, 4, Bus::Width::any, wide, 0x8);
  EXPECT_EQ(bus.read(0x100, 2), 0x1110u);
  EXPECT_EQ(bus.read(0x101, 2), 0xff11u);
  EXPECT_EQ(bus.read(0xff, 2), 0x10ffu);
  EXPECT_EQ(bus.read(0x200, 4), 0x48u);
  EXPECT_EQ(bus.read(0x202, 4), 0xffff1b1au);
  bus.write(0x100, 4, 0x04030201);
  EXPECT_EQ(narrow.writes, (std::vector<Recorder::Write>{{0, 1, 1}, {1, 1, 2}}));
  bus.write(0x200, 4, 0x04030201);
  EXPECT_EQ(wide.writes, (std::vector<Recorder::Write>{{8, 4, 0x04030201}}));
}

TEST(VmmAcpiPm, PowerOff) {
  unsigned offs = 0;
  AcpiPm pm({[&] { offs++; }, [] { return uint64_t{0}; }});
  EXPECT_EQ(pm.read(4, 2), 1u) << "SCI_EN";
  pm.write(4, 2, 5 << 10);
  pm.write(4, 2, 1 << 13 | 1 << 10);
  EXPECT_EQ(offs, 0u);
  pm.write(4, 2, 1 << 13 | 5 << 10);
  EXPECT_EQ(offs, 1u);
  EXPECT_EQ(pm.read(4, 2), 5u << 10 | 1);
  pm.write(5, 1, 1 << 5 | 5 << 2);
  EXPECT_EQ(offs, 2u);
}

TEST(VmmAcpiPm, TimerRunsAtItsRate) {
  uint64_t now = 0;
  AcpiPm pm({[] {}, [&] { return now; }});
  EXPECT_EQ(pm.read(8, 4), 0u);
  now = 1'000'000'000;
  EXPECT_EQ(pm.read(8, 4), 3579545u);
  now = 10'000'000'000;
  EXPECT_EQ(pm.read(8, 4), 35795450u & 0xffffff);
  pm.write(2, 2, 0x0101);
  EXPECT_EQ(pm.read(0, 4), 0x01010000u);
}

class VmmI8042 : public ::testing::Test {
 protected:
  uint64_t status() { return device_.read(I8042::kCommandOffset, 1); }
  uint64_t data() { return device_.read(I8042::kDataOffset, 1); }
  void command(uint8_t value) { device_.write(I8042::kCommandOffset, 1, value); }
  void send(uint8_t value) { device_.write(I8042::kDataOffset, 1, value); }

  unsigned resets_ = 0;
  bool line_ = false;
  I8042 device_{{[this] { resets_++; }, [this](bool level) { line_ = level; }}};
};

TEST_F(VmmI8042, ResetCommand) {
  command(0xfe);
  EXPECT_EQ(resets_, 1u);
  command(0xff);
  EXPECT_EQ(resets_, 1u) << "pulses nothing";
  command(0xd1);
  send(0x02);
  EXPECT_EQ(resets_, 2u);
}

TEST_F(VmmI8042, SelfTestAndCommandByte) {
  EXPECT_EQ(status() & 3, 0u) << "nothing to read, ready for a command";
  command(0xaa);
  EXPECT_EQ(status() & 1, 1u);
  EXPECT_EQ(data(), 0x55u);
  EXPECT_EQ(status() & 1, 0u);
  command(0x60);
  send(0x41);
  command(0x20);
  EXPECT_EQ(data(), 0x41u);
  EXPECT_FALSE(line_);
}

TEST_F(VmmI8042, A20IsWhatWasWritten) {
  const auto a20 = [this] {
    command(0xd0);
    EXPECT_EQ(status() & 1, 1u);
    return data() & 2;
  };
  EXPECT_EQ(a20(), 2u);
  command(0xd1);
  send(0xdd);
  EXPECT_EQ(a20(), 0u);
  command(0xd1);
  send(0xdf);
  EXPECT_EQ(a20(), 2u);
  command(0xdd);
  EXPECT_EQ(a20(), 0u);
  command(0xdf);
  EXPECT_EQ(a20(), 2u);
  command(0xc0);
  EXPECT_EQ(data(), 0x80u);
  EXPECT_EQ(resets_, 0u);
}

TEST_F(VmmI8042, NoKeyboardAnswersAtOnce) {
  command(0x60);
  send(0x01);
  send(0xf2);
  EXPECT_TRUE(line_);
  EXPECT_EQ(data(), 0xfeu);
  EXPECT_FALSE(line_);
}

TEST_F(VmmI8042, OutputDoesNotGrowWithoutEnd) {
  for (int i = 0; i < 1000; i++) command(0xaa);
  unsigned count = 0;
  for (; status() & 1; count++) data();
  EXPECT_LE(count, 16u);
}

// As Linux' search for PCI does it: a dword at 0xcf8 whose second byte would be a reset at 0xcf9.
TEST(VmmSystemPorts, ThePciAddressIsNoReset) {
  unsigned resets = 0;
  ResetPort port([&] { resets++; });
  Bus bus;
  bus.attach(0xcf8, ResetPort::kSize, Bus::Width::any, port);
  bus.write(0xcf8, 4, 0x80000600);
  bus.write(0xcf8, 2, 0x0600);
  bus.write(0xcfa, 2, 0x0606);
  EXPECT_EQ(resets, 0u);
  EXPECT_EQ(bus.read(0xcf8, 4), 0xffffffffu) << "no PCI";
  bus.write(0xcf9, 1, 0x02);
  EXPECT_EQ(bus.read(0xcf9, 1), 0x02u);
  EXPECT_EQ(bus.read(0xcf8, 4), 0xffffffffu);
  bus.write(0xcf9, 1, 0x06);
  EXPECT_EQ(resets, 1u);
}

TEST(VmmSystemPorts, Reset) {
  unsigned resets = 0;
  ResetPort port([&] { resets++; });
  port.write(ResetPort::kOffset, 1, 0x02);
  EXPECT_EQ(resets, 0u);
  EXPECT_EQ(port.read(ResetPort::kOffset, 1), 0x02u);
  port.write(ResetPort::kOffset, 1, 0x06);
  EXPECT_EQ(resets, 1u);
  SystemControlPort control([&] { resets++; });
  EXPECT_EQ(control.read(0, 1), 0x02u);
  control.write(0, 1, 0x02);
  EXPECT_EQ(resets, 1u);
  control.write(0, 1, 0x03);
  EXPECT_EQ(resets, 2u);
}

TEST(VmmSystemPorts, A20IsWhatWasWritten) {
  SystemControlPort control([] {}), other([] {});
  EXPECT_EQ(control.read(0, 1) & 2, 2u);
  control.write(0, 1, 0);
  EXPECT_EQ(control.read(0, 1) & 2, 0u);
  SectionWriter out;
  control.save(out);
  SectionReader in("ports", 1, out.bytes());
  other.restore(in);
  EXPECT_EQ(other.read(0, 1) & 2, 0u);
  control.write(0, 1, 2);
  EXPECT_EQ(control.read(0, 1) & 2, 2u);
}

TEST(VmmSystemPorts, DebugExit) {
  int code = 0;
  DebugExitPort port([&](int value) { code = value; });
  port.write(0, 1, 0x10);
  EXPECT_EQ(code, 0x21);
  port.write(0, 4, 0);
  EXPECT_EQ(code, 1);
}

TEST(VmmEscape, ControlA) {
  EscapeFilter filter;
  EXPECT_EQ(filter.feed('x').byte, 'x');
  EXPECT_FALSE(filter.feed(1).byte);
  EXPECT_EQ(filter.feed('x').command, ConsoleCommand::quit);
  filter.feed(1);
  EXPECT_EQ(filter.feed('s').command, ConsoleCommand::statistics);
  filter.feed(1);
  EXPECT_EQ(filter.feed(1).byte, 1);
  filter.feed(1);
  EXPECT_FALSE(filter.feed('q').byte);
  EXPECT_EQ(filter.feed('q').byte, 'q');
}

}  // namespace
}  // namespace ring1::vmm
