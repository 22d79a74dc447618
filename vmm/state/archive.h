// SPDX-License-Identifier: GPL-2.0-only
// Named sections of bytes, each with a version of its own: what a saved machine is made of besides its memory.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace ring1::vmm {

class SectionWriter {
 public:
  template <class T>
  void put(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    const auto* bytes = reinterpret_cast<const uint8_t*>(&value);
    bytes_.insert(bytes_.end(), bytes, bytes + sizeof(T));
  }
  // A count, then the elements.
  template <class Container>
  void put_all(const Container& values) {
    put(static_cast<uint64_t>(values.size()));
    for (const auto& value : values) put(value);
  }
  const std::vector<uint8_t>& bytes() const { return bytes_; }

 private:
  std::vector<uint8_t> bytes_;
};

// Throws a Failure where the section ends too early.
class SectionReader {
 public:
  SectionReader(std::string name, uint32_t version, std::span<const uint8_t> bytes)
      : name_(std::move(name)), version_(version), bytes_(bytes) {}

  uint32_t version() const { return version_; }
  template <class T>
  T get() {
    static_assert(std::is_trivially_copyable_v<T>);
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }
  template <class Container>
  Container get_all() {
    using T = typename Container::value_type;
    const auto count = get<uint64_t>();
    if (count > bytes_.size() / sizeof(T)) fail();
    Container values;
    for (uint64_t i = 0; i < count; i++) values.push_back(get<T>());
    return values;
  }

 private:
  std::span<const uint8_t> take(size_t size);
  [[noreturn]] void fail() const;

  std::string name_;
  uint32_t version_;
  std::span<const uint8_t> bytes_;
};

class ArchiveWriter {
 public:
  void add(const std::string& name, uint32_t version, const SectionWriter& section);
  const std::vector<uint8_t>& bytes() const { return bytes_; }

 private:
  std::vector<uint8_t> bytes_;
};

class Archive {
 public:
  explicit Archive(std::vector<uint8_t> bytes);

  bool has(const std::string& name) const { return sections_.contains(name); }
  // Throws a Failure if it is missing or newer than `newest`.
  SectionReader section(const std::string& name, uint32_t newest) const;

 private:
  struct Section {
    uint32_t version;
    std::span<const uint8_t> bytes;
  };
  std::vector<uint8_t> bytes_;
  std::map<std::string, Section> sections_;
};

}  // namespace ring1::vmm
