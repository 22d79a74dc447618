// SPDX-License-Identifier: GPL-2.0-only
// Saved machines: the file, its sections, the devices in them, and the processor's features.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "vmm/devices/acpi_pm.h"
#include "vmm/devices/cmos.h"
#include "vmm/devices/i8042.h"
#include "vmm/devices/serial.h"
#include "vmm/failure.h"
#include "vmm/kvm/cpuid.h"
#include "vmm/run/save.h"
#include "vmm/state/snapshot.h"
#include "vmm/state/vcpu_state.h"

namespace ring1::vmm {
namespace {

template <class State>
std::vector<uint8_t> saved(const State& state) {
  SectionWriter out;
  state.save(out);
  return out.bytes();
}

template <class Device>
void restore(Device& device, const std::vector<uint8_t>& bytes) {
  SectionReader in("test", Device::kVersion, bytes);
  device.restore(in);
}

TEST(VmmArchive, SectionsByName) {
  SectionWriter one, two;
  one.put(uint32_t{7});
  two.put_all(std::vector<uint16_t>{1, 2, 3});
  ArchiveWriter writer;
  writer.add("one", 1, one);
  writer.add("two", 2, two);
  const Archive archive(writer.bytes());
  EXPECT_EQ(archive.section("one", 1).get<uint32_t>(), 7u);
  EXPECT_EQ(archive.section("two", 2).get_all<std::vector<uint16_t>>(), (std::vector<uint16_t>{1, 2, 3}));
  EXPECT_TRUE(archive.has("two"));
  EXPECT_THROW(archive.section("three", 1), Failure);
  EXPECT_THROW(archive.section("two", 1), Failure) << "newer than what is known";
  SectionReader section = archive.section("one", 1);
  EXPECT_THROW(section.get<uint64_t>(), Failure);
}

// Cut anywhere, or with a count that is too large: a Failure, and never a read beyond the end.
TEST(VmmArchive, DamagedBytes) {
  SectionWriter section;
  section.put_all(std::vector<uint64_t>{1, 2, 3});
  ArchiveWriter writer;
  writer.add("x", 1, section);
  for (size_t size = 1; size < writer.bytes().size(); size++) {
    std::vector<uint8_t> cut(writer.bytes().begin(), writer.bytes().begin() + static_cast<ptrdiff_t>(size));
    EXPECT_THROW(Archive{cut}, Failure) << size;
  }
  SectionWriter huge;
  huge.put(~uint64_t{0});
  SectionReader in("huge", 1, huge.bytes());
  EXPECT_THROW(in.get_all<std::vector<uint64_t>>(), Failure);
}

class VmmSnapshot : public ::testing::Test {
 protected:
  static constexpr uint64_t kSize = 16 << 20;
  VmmSnapshot() {
    char pattern[] = "/tmp/ring1-snapshot.XXXXXX";
    const int fd = ::mkstemp(pattern);
    ::close(fd);
    path_ = pattern;
    ::unlink(pattern);
  }
  ~VmmSnapshot() override { ::unlink(path_.c_str()); }
  void write(const GuestMemory& memory) {
    SectionWriter section;
    section.put(uint32_t{42});
    ArchiveWriter state;
    state.add("answer", 1, section);
    SnapshotWriter file(path_);
    for (uint64_t at = 0; at < kSize; at += 1 << 20) file.put_memory(memory, at, 1 << 20);
    file.finish(kSize, state);
  }
  std::string path_;
};

TEST_F(VmmSnapshot, MemoryAndState) {
  GuestMemory memory(kSize), copy(kSize);
  memory.put(Gpa(0x1000), uint64_t{1});
  memory.put(Gpa(0x500ff8), uint64_t{2});
  memory.put(Gpa(kSize - 8), uint64_t{3});
  write(memory);
  const Snapshot snapshot(path_);
  EXPECT_EQ(snapshot.memory_size(), kSize);
  EXPECT_EQ(snapshot.state().section("answer", 1).get<uint32_t>(), 42u);
  snapshot.load_memory(copy);
  EXPECT_EQ(std::memcmp(memory.base(), copy.base(), kSize), 0);
}

TEST_F(VmmSnapshot, WhatIsWrittenAgainCounts) {
  GuestMemory memory(kSize), copy(kSize);
  SnapshotWriter file(path_);
  memory.put(Gpa(0x3000), uint64_t{1});
  file.put_memory(memory, 0, kSize);
  memory.put(Gpa(0x3000), uint64_t{0});  // a page that has become zero again
  memory.put(Gpa(0x5000), uint64_t{5});
  file.put_memory(memory, 0x3000, kPageSize);
  file.put_memory(memory, 0x5000, kPageSize);
  std::vector<uint8_t> page(kPageSize);
  file.read_memory(0x5000, page);
  EXPECT_EQ(std::memcmp(page.data(), memory.base() + 0x5000, kPageSize), 0);
  file.finish(kSize, ArchiveWriter());
  Snapshot(path_).load_memory(copy);
  EXPECT_EQ(std::memcmp(memory.base(), copy.base(), kSize), 0);
}

// A name that somebody has put there in advance: his file is neither written nor kept open for him.
TEST_F(VmmSnapshot, NothingIsWrittenThroughALink) {
  const std::string victim = path_ + ".victim", partial = path_ + ".part";
  std::ofstream(victim) << "mine";
  ASSERT_EQ(::symlink(victim.c_str(), partial.c_str()), 0);
  write(GuestMemory(kSize));
  std::string text;
  std::ifstream(victim) >> text;
  EXPECT_EQ(text, "mine");
  EXPECT_NO_THROW(Snapshot{path_});
  ASSERT_EQ(::link(victim.c_str(), partial.c_str()), 0);
  { SnapshotWriter file(path_); }
  std::ifstream(victim) >> text;
  EXPECT_EQ(text, "mine");
  ASSERT_EQ(::symlink(path_.c_str(), partial.c_str()), 0);
  EXPECT_THROW(Snapshot{partial}, Failure);
  ::unlink(partial.c_str());
  ASSERT_EQ(::mkfifo(partial.c_str(), 0600), 0);
  EXPECT_THROW(Snapshot{partial}, Failure);
  ::unlink(partial.c_str());
  ::unlink(victim.c_str());
}

TEST_F(VmmSnapshot, WithoutItsEndItIsNone) {
  const GuestMemory memory(kSize);
  { SnapshotWriter file(path_); }
  EXPECT_NE(::access(path_.c_str(), F_OK), 0);
  EXPECT_NE(::access((path_ + ".part").c_str(), F_OK), 0);
  EXPECT_THROW(Snapshot{path_}, Failure);
  std::ofstream(path_) << "something else altogether, as long as a header is, and then some more of it";
  EXPECT_THROW(Snapshot{path_}, Failure);
  write(memory);
  EXPECT_NO_THROW(Snapshot{path_});
  ASSERT_EQ(::truncate(path_.c_str(), 4096 + kSize + 20), 0);
  EXPECT_THROW(Snapshot{path_}, Failure);
}

TEST(VmmSerialState, GoesOnWhereItWas) {
  bool line = false, other_line = false;
  std::string sent;
  Serial serial({[](uint8_t) {}, [&](bool level) { line = level; }});
  Serial other({[&](uint8_t byte) { sent += static_cast<char>(byte); }, [&](bool level) { other_line = level; }});
  serial.write(2, 1, 0xc1);  // FIFOs on, trigger at 14
  serial.write(4, 1, 0x08);  // OUT2
  serial.write(7, 1, 0x5a);
  serial.write(1, 1, 0x03);  // interrupts: received data, transmitter empty
  for (const char byte : std::string("twenty bytes of text")) serial.receive(static_cast<uint8_t>(byte));
  serial.write(0, 1, 'x');
  EXPECT_TRUE(line);
  restore(other, saved(serial));
  EXPECT_EQ(other_line, line);
  EXPECT_EQ(saved(other), saved(serial));
  EXPECT_EQ(other.waiting(), 4u);
  EXPECT_EQ(other.read(7, 1), 0x5au);
  EXPECT_EQ(other.read(2, 1), serial.read(2, 1));
  for (const char byte : std::string("twenty bytes of text")) EXPECT_EQ(other.read(0, 1), static_cast<uint8_t>(byte));
}

TEST(VmmCmosState, ShowsTheHostsTimeAgain) {
  constexpr int64_t kSecond = 1'000'000'000;
  int64_t now = 1700000000 * kSecond;
  bool line = false;
  unsigned deadlines = 0;
  const auto wires = [&]() -> Cmos::Wires {
    return {[&] { return now; }, [&](bool level) { line = level; }, [&] { deadlines++; }};
  };
  Cmos cmos(wires(), uint64_t{64} << 20), other(wires(), uint64_t{64} << 20);
  cmos.write(0, 1, 0x40), cmos.write(1, 1, 0x77);  // a byte of CMOS memory
  cmos.write(0, 1, 0x0b), cmos.write(1, 1, 0x12);  // update interrupt
  const auto bytes = saved(cmos);
  now += 3600 * kSecond;
  deadlines = 0;
  restore(other, bytes);
  EXPECT_GT(deadlines, 0u) << "the console thread must look at it";
  EXPECT_TRUE(other.poll().has_value() || line);
  other.write(0, 1, 4);
  EXPECT_EQ(other.read(1, 1), 0x23u) << "22:13 was an hour ago";
  other.write(0, 1, 0x40);
  EXPECT_EQ(other.read(1, 1), 0x77u);
}

TEST(VmmCmosState, GoesOnWhereItStood) {
  constexpr int64_t kSecond = 1'000'000'000;
  int64_t now = 1700000000 * kSecond;
  unsigned deadlines = 0;
  const auto wires = [&]() -> Cmos::Wires {
    return {[&] { return now; }, [](bool) {}, [&] { deadlines++; }};
  };
  Cmos cmos(wires(), uint64_t{64} << 20), other(wires(), uint64_t{64} << 20);
  const auto bytes = saved(cmos);
  now += 3600 * kSecond;
  restore(other, bytes);
  now += 7200 * kSecond;  // the VM's clock is set behind it
  deadlines = 0;
  other.go_on_from_saved();
  EXPECT_GT(deadlines, 0u);
  other.write(0, 1, 4);
  EXPECT_EQ(other.read(1, 1), 0x22u);
  now += 60 * kSecond;
  other.write(0, 1, 2);
  EXPECT_EQ(other.read(1, 1), 0x14u) << "22:13 and a minute";
}

// Whatever a file says of times: the clock goes on, and the next second of it is less than a second away.
TEST(VmmCmosState, AnyTime) {
  constexpr int64_t kSecond = 1'000'000'000;
  constexpr size_t kTimes = 129;  // behind the bytes and the index
  int64_t now = 1700000000 * kSecond + kSecond / 2;
  const auto wires = [&]() -> Cmos::Wires { return {[&] { return now; }, [](bool) {}, [] {}}; };
  Cmos cmos(wires(), uint64_t{64} << 20);
  cmos.write(0, 1, 0x0b), cmos.write(1, 1, 0x12);  // update interrupt
  for (const uint8_t byte : {0x00, 0x7f, 0x80, 0xff}) {
    auto bytes = saved(cmos);
    std::fill(bytes.begin() + kTimes, bytes.end(), byte);
    bytes[kTimes + 32] = 0;  // the line is low
    Cmos other(wires(), uint64_t{64} << 20);
    restore(other, bytes);
    for (const bool stood : {false, true}) {
      if (stood) other.go_on_from_saved();
      other.write(0, 1, 0x0c), other.read(1, 1);
      const auto next = other.poll();
      ASSERT_TRUE(next);
      EXPECT_GT(*next, now);
      EXPECT_LE(*next, now + kSecond);
    }
  }
}

TEST(VmmKeyboardState, KeepsWhatWasNotRead) {
  bool line = false;
  I8042 keyboard({[] {}, [](bool) {}}), other({[] {}, [&](bool level) { line = level; }});
  keyboard.write(4, 1, 0x60), keyboard.write(0, 1, 0x01);  // interrupts on
  keyboard.write(4, 1, 0xaa);                              // self-test
  restore(other, saved(keyboard));
  EXPECT_TRUE(line);
  EXPECT_EQ(other.read(0, 1), 0x55u);
  EXPECT_FALSE(line);
}

TEST(VmmAcpiPmState, TheTimerStandsWhileItIsSaved) {
  uint64_t host = 5'000'000'000;
  const auto wires = [&]() -> AcpiPm::Wires { return {[] {}, [&] { return host; }}; };
  AcpiPm timer(wires()), other(wires());
  const uint64_t before = timer.read(8, 4);
  const auto bytes = saved(timer);
  host = 99'000'000'000;
  restore(other, bytes);
  EXPECT_EQ(other.read(8, 4), before);
  host += 1'000'000'000;
  EXPECT_EQ(other.read(8, 4) - before, 3579545u);
  host = 1;  // another machine that was started later
  restore(other, bytes);
  EXPECT_EQ(other.read(8, 4), before);
}

TEST(VmmVcpuState, RoundTrip) {
  VcpuState state;
  state.regs.rip = 0x1234;
  state.sregs.cr3 = 0x5000;
  state.events.nmi.pending = 1;
  state.lapic.regs[0x380] = 9;
  state.tsc_khz = 2'000'000;
  state.msrs = {{.index = 0x174, .reserved = 0, .data = 0x60}, {.index = 0x10, .reserved = 0, .data = 7}};
  const auto bytes = saved(state);
  SectionReader in("vcpu", 1, bytes);
  const VcpuState back = VcpuState::restore(in);
  EXPECT_EQ(saved(back), bytes);
  EXPECT_EQ(back.msrs.size(), 2u);
  EXPECT_FALSE(back.xsave);
}

kvm_cpuid_entry2 leaf(uint32_t function, uint32_t eax, uint32_t ebx, uint32_t ecx, uint32_t edx) {
  kvm_cpuid_entry2 entry{};
  entry.function = function, entry.eax = eax, entry.ebx = ebx, entry.ecx = ecx, entry.edx = edx;
  return entry;
}

TEST(VmmCpuid, LevelledToTheLeast) {
  constexpr uint32_t kHypervisor = 1u << 31;
  Cpuid mine = {leaf(0, 7, 1, 2, 3), leaf(1, 0x800f12, 0x10800, 0x0f | kHypervisor, 0xff),
                leaf(0x80000001, 5, 0, 1, 1u << 29 | 1), leaf(0x80000008, 48 << 8 | 40, 0, 0, 0)};
  const Cpuid other = {leaf(0, 4, 9, 9, 9), leaf(1, 0x6fb, 0, 0x3c, 0xf0), leaf(0x80000001, 6, 0, 3, 1),
                       leaf(0x80000008, 32 << 8 | 44, 0, 0, 0)};
  EXPECT_EQ(missing_features(mine, other), "1.ecx.0 1.ecx.1 1.edx.0 1.edx.1 1.edx.2 1.edx.3 80000001.edx.29");
  level(mine, other);
  EXPECT_EQ(mine[0].eax, 7u) << "no set of features";
  EXPECT_EQ(mine[1].eax, 0x800f12u);
  EXPECT_EQ(mine[1].ecx, 0x0cu | kHypervisor) << "that one is the machine's";
  EXPECT_EQ(mine[1].edx, 0xf0u);
  EXPECT_EQ(mine[2].edx, 1u);
  EXPECT_EQ(mine[3].eax, 32u << 8 | 40);
  EXPECT_EQ(missing_features(mine, other), "");
  level(mine, {});
  EXPECT_EQ(mine[1].edx, 0u) << "a leaf that the other lacks has none of the features";
}

TEST(VmmCpuid, OneClockOrTheOther) {
  constexpr uint32_t kClock = 1u << 0 | 1u << 3 | 1u << 5 | 1u << 24, kOther = 1u << 1, kInvariantTsc = 1u << 8;
  const Cpuid offered = {leaf(0x40000000, 0x40000001, 1, 2, 3), leaf(0x40000001, kClock | kOther, 0, 0, 0),
                         leaf(0x80000007, 0, 0, 0, kInvariantTsc | 1)};
  Cpuid with = offered, without = offered;
  choose_clock(with, true);
  EXPECT_EQ(with[1].eax, kClock | kOther);
  EXPECT_EQ(with[2].edx, 1u);
  choose_clock(without, false);
  EXPECT_EQ(without[1].eax, kOther);
  EXPECT_EQ(without[2].edx, kInvariantTsc | 1);
  Cpuid nothing = {offered[2]};
  choose_clock(nothing, true);
  EXPECT_EQ(nothing[0].edx, kInvariantTsc | 1) << "a device without the clock";
}

TEST(VmmSave, Requests) {
  const SaveRequest plain = parse_save_request("/tmp/a file");
  EXPECT_EQ(plain.path, "/tmp/a file");
  EXPECT_FALSE(plain.keep || plain.verify);
  const SaveRequest both = parse_save_request("keep verify /keep");
  EXPECT_TRUE(both.keep && both.verify);
  EXPECT_EQ(both.path, "/keep");
  EXPECT_THROW(parse_save_request("keep relative"), Failure);
  EXPECT_THROW(parse_save_request(""), Failure);
}

}  // namespace
}  // namespace ring1::vmm
