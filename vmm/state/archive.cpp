// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/state/archive.h"

#include <fmt/format.h>

#include "vmm/failure.h"

namespace ring1::vmm {

namespace {

struct SectionHeader {
  char name[16];  // filled up with zeros
  uint32_t version;
  uint32_t reserved;
  uint64_t size;
};
static_assert(sizeof(SectionHeader) == 32);

}  // namespace

void SectionReader::fail() const {
  throw usage_failure(fmt::format("the saved machine's section {} is too short", name_));
}

std::span<const uint8_t> SectionReader::take(size_t size) {
  if (size > bytes_.size()) fail();
  const auto taken = bytes_.first(size);
  bytes_ = bytes_.subspan(size);
  return taken;
}

void ArchiveWriter::add(const std::string& name, uint32_t version, const SectionWriter& section) {
  SectionHeader header{};
  std::memcpy(header.name, name.data(), std::min(name.size(), sizeof(header.name) - 1));
  header.version = version;
  header.size = section.bytes().size();
  const auto* bytes = reinterpret_cast<const uint8_t*>(&header);
  bytes_.insert(bytes_.end(), bytes, bytes + sizeof(header));
  bytes_.insert(bytes_.end(), section.bytes().begin(), section.bytes().end());
}

Archive::Archive(std::vector<uint8_t> bytes) : bytes_(std::move(bytes)) {
  std::span<const uint8_t> rest(bytes_);
  while (!rest.empty()) {
    SectionReader reader("header", 0, rest);
    const auto header = reader.get<SectionHeader>();
    rest = rest.subspan(sizeof(header));
    if (header.size > rest.size()) throw usage_failure("the saved machine's state is cut short");
    const std::string name(header.name, ::strnlen(header.name, sizeof(header.name)));
    sections_[name] = {header.version, rest.first(header.size)};
    rest = rest.subspan(header.size);
  }
}

SectionReader Archive::section(const std::string& name, uint32_t newest) const {
  const auto found = sections_.find(name);
  if (found == sections_.end()) throw usage_failure(fmt::format("the saved machine has no section {}", name));
  if (found->second.version > newest)
    throw usage_failure(fmt::format("the saved machine's section {} has version {}; this tool knows {}", name,
                                    found->second.version, newest));
  return {name, found->second.version, found->second.bytes};
}

}  // namespace ring1::vmm
