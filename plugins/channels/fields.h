// Reading single fields of a definition, whose schema holds.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mimus/json_text.h"

namespace mimus::channels {

/// A whole number of at least 0 in any spelling that JSON Schema counts as an integer; else 0.
inline std::uint64_t number_of(std::string_view object, std::string_view key) {
  constexpr double most = 1e12;
  const auto text = json::member(object, key);
  double value = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), value);
  return value > 0 ? static_cast<std::uint64_t>(std::min(value, most)) : 0;
}

/// "" where it is absent.
inline std::string text_of(std::string_view object, std::string_view key) {
  const auto quoted = json::member(object, key);
  return quoted ? json::unquote(*quoted) : std::string();
}

inline bool is_true(std::string_view object, std::string_view key) {
  return json::member(object, key) == "true";
}

/// Whether a peer may be sent it (RFC 6455, 7.4.1, and its registry).
inline bool is_close_code(std::uint64_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

}  // namespace mimus::channels
