// Percent-encoding (RFC 3986, 2.1). Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mimus::percent {

/// What a hexadecimal digit of either case counts, -1 if it is none.
constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// The byte that the escape at `at` spells, -1 if there is none. REQUIRES: at < text.size()
constexpr int escape_value(std::string_view text, std::size_t at) {
  if (text[at] != '%' || text.size() - at < 3) return -1;
  const int high = hex_value(text[at + 1]);
  const int low = hex_value(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/// Whether "+" is a space, as in queries and forms.
enum class Plus : bool { itself, space };

/// Decodes `text` once into `out`, which has room for text.size() bytes, and returns how many were
/// written. An escape that is not two hex digits is copied as it is.
constexpr std::size_t decode(std::string_view text, char* out, Plus plus = Plus::itself) {
  std::size_t size = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const int value = escape_value(text, at);
    if (value >= 0) {
      out[size++] = static_cast<char>(value);
      at += 2;
    } else {
      out[size++] = plus == Plus::space && text[at] == '+' ? ' ' : text[at];
    }
  }
  return size;
}

/// The same, as a new text.
inline std::string decoded(std::string_view text, Plus plus = Plus::itself) {
  std::string out(text.size(), '\0');
  out.resize(decode(text, out.data(), plus));
  return out;
}

}  // namespace mimus::percent
