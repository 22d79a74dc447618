// SPDX-License-Identifier: GPL-2.0-only
// A device, virtual machines and vCPUs as objects that close their descriptors; ioctls answer with their result or
// -errno.
#pragma once

#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace ring1::ioctl_test {

// From the command line.
struct Options {
  const char* device = "/dev/ring1";
  bool guest = true;               // run guest code
  bool counted = false;            // the TSC counts instructions
  unsigned long machine_type = 0;  // of KVM_CREATE_VM; names an engine (include/ring1/api.h)
};
extern Options options;

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { close(); }
  void close();
  void adopt(long fd) { close(), fd_ = static_cast<int>(fd); }
  int get() const { return fd_; }
  template <class T>
  long call(unsigned long request, T argument) const {
    const int result = ::ioctl(fd_, request, argument);
    return result < 0 ? -errno : result;
  }
  long call(unsigned long request) const { return call(request, 0ul); }

 private:
  int fd_;
};

// A structure that ends with a flexible array has another size in C++ than in C, which is the kernel's: the headers'
// macro puts an empty structure before the array. So sizes and ioctl numbers of these are spelled out.
template <class Head>
inline constexpr size_t kHeadSize = 8;
template <>
inline constexpr size_t kHeadSize<kvm_msr_list> = 4;
template <>
inline constexpr size_t kHeadSize<kvm_signal_mask> = 4;
inline constexpr size_t kStatsDescSize = 16;

template <class Head>
constexpr unsigned long number_of(unsigned direction, unsigned number) {
  return _IOC(direction, KVMIO, number, kHeadSize<Head>);
}
inline constexpr unsigned long kGetMsrIndexList = number_of<kvm_msr_list>(_IOC_READ | _IOC_WRITE, 0x02);
inline constexpr unsigned long kGetSupportedCpuid = number_of<kvm_cpuid2>(_IOC_READ | _IOC_WRITE, 0x05);
inline constexpr unsigned long kSetGsiRouting = number_of<kvm_irq_routing>(_IOC_WRITE, 0x6a);
inline constexpr unsigned long kGetMsrs = number_of<kvm_msrs>(_IOC_READ | _IOC_WRITE, 0x88);
inline constexpr unsigned long kSetMsrs = number_of<kvm_msrs>(_IOC_WRITE, 0x89);
inline constexpr unsigned long kSetSignalMask = number_of<kvm_signal_mask>(_IOC_WRITE, 0x8b);
inline constexpr unsigned long kSetCpuid2 = number_of<kvm_cpuid2>(_IOC_WRITE, 0x90);
inline constexpr unsigned long kGetCpuid2 = number_of<kvm_cpuid2>(_IOC_READ | _IOC_WRITE, 0x91);

// Such a structure with room for its array.
template <class Head, class Entry, unsigned kCount>
class List {
 public:
  Head& head() { return *reinterpret_cast<Head*>(bytes_); }
  Entry* entries() { return reinterpret_cast<Entry*>(bytes_ + kHeadSize<Head>); }
  void* address() { return bytes_; }

 private:
  alignas(8) unsigned char bytes_[sizeof(Head) + kCount * sizeof(Entry)] = {};
};
using CpuidList = List<kvm_cpuid2, kvm_cpuid_entry2, 300>;

// Page-aligned memory of this process.
class Memory {
 public:
  explicit Memory(size_t size);
  Memory(const Memory&) = delete;
  ~Memory();
  uint8_t* data() const { return data_; }
  uint64_t address() const { return reinterpret_cast<uint64_t>(data_); }
  size_t size() const { return size_; }

 private:
  uint8_t* data_;
  size_t size_;
};

class Device : public Fd {
 public:
  Device();
  bool is_ring1() const;
  bool has_long_mode() const;  // a new VM's guest may be a 64-bit one
};

class Vm : public Fd {
 public:
  Vm();
  bool has_long_mode() const;  // of its own engine
  long set_region(uint32_t slot, uint64_t gpa, const Memory& memory, uint64_t size, uint32_t flags = 0) const;
  Device device;
};

class Vcpu : public Fd {
 public:
  explicit Vcpu(const Vm& vm, unsigned id = 0);
  ~Vcpu();
  long run() const { return call(KVM_RUN); }
  kvm_regs regs() const;
  kvm_sregs sregs() const;
  kvm_run* shared = nullptr;
  uint8_t* io_data() const { return reinterpret_cast<uint8_t*>(shared) + shared->io.data_offset; }

 private:
  size_t size_ = 0;
};

// A VM with 64 KiB of memory at 0 and a vCPU in real mode about to run `code` at 0x1000, stack below it.
class RealMode {
 public:
  enum Chips { kNone, kIrqchip };
  // identity_map: of KVM_SET_IDENTITY_MAP_ADDR, if not 0.
  explicit RealMode(std::initializer_list<uint8_t> code, Chips chips = kNone, uint64_t identity_map = 0);
  void start_at(uint16_t ip, uint64_t flags = 2);
  void enter_protected_mode();  // flat 32-bit segments, no paging
  void place(uint16_t address, std::initializer_list<uint8_t> bytes);
  void vector(uint8_t number, uint16_t handler);

  static constexpr uint16_t kCode = 0x1000;
  Memory memory;
  Vm vm;

 private:
  int chips_;

 public:
  Vcpu vcpu;
};

}  // namespace ring1::ioctl_test
