// SPDX-License-Identifier: GPL-2.0-only
// The little JSON the tool writes: objects of numbers, strings and nested objects, in the order of insertion.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ring1::vmm {

std::string json_quote(std::string_view text);

class JsonObject {
 public:
  JsonObject& number(std::string_view name, uint64_t value);
  JsonObject& numbers(std::string_view name, const std::vector<uint64_t>& values);
  JsonObject& string(std::string_view name, std::string_view value);
  JsonObject& boolean(std::string_view name, bool value);
  JsonObject& object(std::string_view name, const JsonObject& value);
  JsonObject& raw(std::string_view name, std::string_view value);

  std::string text() const { return "{" + members_ + "}"; }

 private:
  std::string members_;
};

}  // namespace ring1::vmm
