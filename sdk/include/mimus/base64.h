// Base64 as RFC 4648, section 4, has it: with its padding, and nothing else between. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mimus::base64 {

/// Appends the four letters of every three bytes, the last ones padded with "=".
inline void encode(std::string& out, std::string_view bytes) {
  static constexpr char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto byte = [&](std::size_t at) {
    return static_cast<unsigned>(static_cast<unsigned char>(bytes[at]));
  };
  out.reserve(out.size() + (bytes.size() + 2) / 3 * 4);
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const unsigned bits = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    out += letters[bits >> 18];
    out += letters[bits >> 12 & 63];
    out += letters[bits >> 6 & 63];
    out += letters[bits & 63];
  }
  if (i == bytes.size()) return;
  const bool two = i + 2 == bytes.size();
  const unsigned bits = byte(i) << 16 | (two ? byte(i + 1) << 8 : 0);
  out += letters[bits >> 18];
  out += letters[bits >> 12 & 63];
  out += two ? letters[bits >> 6 & 63] : '=';
  out += '=';
}
inline std::string encoded(std::string_view bytes) {
  std::string out;
  encode(out, bytes);
  return out;
}

/// Nothing if the text is anything else: other letters, no padding, bits after the last byte.
inline std::optional<std::string> decoded(std::string_view text) {
  const auto sextet = [](char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+') return 62;
    return c == '/' ? 63 : -1;
  };
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  unsigned bits = 0, held = 0;
  for (const char c : text.substr(0, text.size() - padding)) {
    const int value = sextet(c);
    if (value < 0) return std::nullopt;
    held = (held << 6 | static_cast<unsigned>(value)) & 0xFFFF;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += static_cast<char>(held >> bits & 0xFF);
    }
  }
  if ((held & ((1u << bits) - 1)) != 0) return std::nullopt;
  return out;
}

}  // namespace mimus::base64
