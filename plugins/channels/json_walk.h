// Steps through JSON text where json_text.h has none: strings and keys in place. Pure.
#pragma once

#include <string_view>

namespace mimus::channels {

/// The index after the string that begins at `at` in valid JSON.
inline std::size_t string_end(std::string_view json, std::size_t at) {
  for (++at; at < json.size() && json[at] != '"'; ++at) {
    if (json[at] == '\\') ++at;
  }
  return at < json.size() ? at + 1 : json.size();
}

/// Whether the string that ends there is a member's name.
inline bool is_key(std::string_view json, std::size_t after_string) {
  const std::size_t at = json.find_first_not_of(" \t\r\n", after_string);
  return at != json.npos && json[at] == ':';
}

}  // namespace mimus::channels
