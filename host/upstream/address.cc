// Numeric addresses: the forms of inet_aton and RFC 4291, nothing else.
#include "host/upstream/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <charconv>
#include <cstring>

namespace mimus {
namespace {

bool is_hex(std::string_view label) {
  return label.size() >= 2 && label[0] == '0' && (label[1] == 'x' || label[1] == 'X');
}

std::string_view without_last_dot(std::string_view host) {
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  return host;
}

/// Decimal, "0" octal, "0x" hexadecimal; "0x" alone is 0, as in glibc.
std::optional<std::uint64_t> number(std::string_view label) {
  int base = 10;
  if (is_hex(label)) {
    label.remove_prefix(2);
    base = 16;
    if (label.empty()) return 0;
  } else if (label.size() > 1 && label[0] == '0') {
    label.remove_prefix(1);
    base = 8;
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(label.data(), label.data() + label.size(), value, base);
  if (error != std::errc() || end != label.data() + label.size() || value > UINT32_MAX) return std::nullopt;
  return value;
}

std::optional<Address> parse_v4(std::string_view text) {
  text = without_last_dot(text);
  std::uint64_t address = 0;
  for (int parts = 1; parts <= 4; ++parts) {
    const std::size_t dot = text.find('.');
    const auto value = number(text.substr(0, dot));
    if (!value) return std::nullopt;
    if (dot == std::string_view::npos) {
      // The last number fills all the bytes that are left.
      const int left = 5 - parts;
      if (*value >> (8 * left) != 0) return std::nullopt;
      address |= *value;
      return Address::v4(address >> 24 & 255, address >> 16 & 255, address >> 8 & 255, address & 255);
    }
    if (*value > 255) return std::nullopt;
    address |= *value << (8 * (4 - parts));
    text.remove_prefix(dot + 1);
  }
  return std::nullopt;
}

}  // namespace

Address Address::v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  Address out;
  out.bytes = {a, b, c, d};
  return out;
}

std::optional<Address> Address::parse(std::string_view text) {
  if (text.find(':') == std::string_view::npos) return parse_v4(text);
  const std::string plain(text.substr(0, text.find('%')));
  Address out;
  out.v6 = true;
  if (::inet_pton(AF_INET6, plain.c_str(), out.bytes.data()) != 1) return std::nullopt;
  return out;
}

std::optional<Address> Address::from(const sockaddr& socket_address) {
  Address out;
  if (socket_address.sa_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(socket_address);
    std::memcpy(out.bytes.data(), &in.sin_addr, 4);
    return out;
  }
  if (socket_address.sa_family != AF_INET6) return std::nullopt;
  const auto& in6 = reinterpret_cast<const sockaddr_in6&>(socket_address);
  out.v6 = true;
  std::memcpy(out.bytes.data(), &in6.sin6_addr, 16);
  return out;
}

std::string Address::text() const {
  char buffer[INET6_ADDRSTRLEN];
  return ::inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), buffer, sizeof buffer);
}

bool ends_in_number(std::string_view host) {
  host = without_last_dot(host);
  const std::string_view last = host.substr(host.rfind('.') + 1);
  if (last.empty()) return false;
  const bool hex = is_hex(last);
  return last.find_first_not_of(hex ? "0123456789abcdefABCDEF" : "0123456789", hex ? 2 : 0) ==
         std::string_view::npos;
}

}  // namespace mimus
