// Which bytes may stand where in HTTP: tokens, targets, hosts.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace mimus {

namespace detail {

constexpr std::array<bool, 256> bytes_in(std::string_view extra) {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[c] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[c] = table[c + 32] = true;
  for (const char c : extra) table[static_cast<unsigned char>(c)] = true;
  return table;
}

inline constexpr auto token_bytes = bytes_in("!#$%&'*+-.^_`|~");
inline constexpr auto host_bytes = bytes_in("-._~%!$&'()*+,;=");
// RFC 3986, and what browsers leave unescaped (WHATWG URL): a mock host that refuses
// `?ids[]=1` is of no use. Not in it: controls, white space, `"<>#`, bytes >= 0x80.
inline constexpr auto path_bytes = bytes_in("-._~%!$&'()*+,;=:@/[]^`{|}");
inline constexpr auto query_bytes = bytes_in("-._~%!$&'()*+,;=:@/?[]^`{|}\\");

}  // namespace detail

inline bool is_token_byte(char c) { return detail::token_bytes[static_cast<unsigned char>(c)]; }

inline bool all_in(std::string_view text, const std::array<bool, 256>& table) {
  bool all = true;
  for (const char c : text) all &= table[static_cast<unsigned char>(c)];
  return all;
}

inline bool is_token(std::string_view text) { return !text.empty() && all_in(text, detail::token_bytes); }

/// No byte that would end a line or a C string. Eight bytes at a time where none is a control.
inline bool is_safe_value(std::string_view text) {
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, 8);
    const bool control = ((word - 0x2020202020202020) & ~word & 0x8080808080808080) != 0;
    if (control && text.substr(at, 8).find_first_of(std::string_view("\r\n\0", 3)) != text.npos) return false;
  }
  for (; at < text.size(); ++at) {
    if (text[at] == '\r' || text[at] == '\n' || text[at] == '\0') return false;
  }
  return true;
}

}  // namespace mimus
