// Internet addresses as bytes, from text. Pure.
#pragma once

#include <arpa/inet.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace mimus {

/// An IPv6 address, or an IPv4 address in its mapped form (::ffff:a.b.c.d).
using IpAddress = std::array<std::uint8_t, 16>;

inline constexpr IpAddress mapped_ipv4 = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

inline bool is_ipv4(const IpAddress& address) {
  return std::memcmp(address.data(), mapped_ipv4.data(), 12) == 0;
}

/// Dotted decimal, four parts without leading zeros, as inet_pton(3) reads it. By hand, since
/// inet_pton and the copy it needs were a tenth of a request's instructions.
inline std::optional<IpAddress> parse_ipv4(std::string_view text) {
  IpAddress out = mapped_ipv4;
  std::size_t at = 0;
  for (std::size_t part = 12; part < 16; ++part) {
    if (part > 12 && (at == text.size() || text[at++] != '.')) return std::nullopt;
    unsigned value = 0, digits = 0;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, ++digits) {
      if (digits > 0 && value == 0) return std::nullopt;
      value = value * 10 + static_cast<unsigned>(text[at] - '0');
      if (value > 255) return std::nullopt;
    }
    if (digits == 0) return std::nullopt;
    out[part] = static_cast<std::uint8_t>(value);
  }
  if (at != text.size()) return std::nullopt;
  return out;
}

/// From text without brackets, port or zone. Nothing if it is no address.
inline std::optional<IpAddress> parse_ip_address(std::string_view text) {
  if (auto v4 = parse_ipv4(text)) return v4;
  char copy[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof copy || text.find('\0') != text.npos) return std::nullopt;
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  IpAddress out{};
  if (::inet_pton(AF_INET6, copy, out.data()) == 1) return out;
  return std::nullopt;
}

}  // namespace mimus
