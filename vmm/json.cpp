// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/json.h"

#include <fmt/format.h>

namespace ring1::vmm {

std::string json_quote(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (code < 0x20) {
      result += fmt::format("\\u{:04x}", code);
    } else {
      result += c;
    }
  }
  return result + "\"";
}

JsonObject& JsonObject::raw(std::string_view name, std::string_view value) {
  if (!members_.empty()) members_ += ", ";
  members_ += json_quote(name);
  members_ += ": ";
  members_ += value;
  return *this;
}

JsonObject& JsonObject::number(std::string_view name, uint64_t value) { return raw(name, std::to_string(value)); }

JsonObject& JsonObject::numbers(std::string_view name, const std::vector<uint64_t>& values) {
  std::string list;
  for (const uint64_t value : values) list += (list.empty() ? "" : ", ") + std::to_string(value);
  return raw(name, "[" + list + "]");
}

JsonObject& JsonObject::string(std::string_view name, std::string_view value) { return raw(name, json_quote(value)); }

JsonObject& JsonObject::boolean(std::string_view name, bool value) { return raw(name, value ? "true" : "false"); }

JsonObject& JsonObject::object(std::string_view name, const JsonObject& value) { return raw(name, value.text()); }

}  // namespace ring1::vmm
