// A numeric network address, read as the system's resolver would read it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

struct sockaddr;

namespace mimus {

/// IPv4 or IPv6, in network order. An IPv4 address uses the first four bytes.
struct Address {
  bool v6 = false;
  std::array<std::uint8_t, 16> bytes{};

  /// Every form that inet_aton takes ("127.1", "0x7f.1", "2130706433", "0177.0.0.1", one dot
  /// at the end allowed) and IPv6 without brackets, its zone ignored. Nothing for a name.
  static std::optional<Address> parse(std::string_view text);
  /// Nothing for another family than IPv4 and IPv6.
  static std::optional<Address> from(const sockaddr& socket_address);
  static Address v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d);

  std::string text() const;  ///< As inet_ntop writes it.
  bool operator==(const Address&) const = default;
};

/// True where the last label can only be meant as a number, so that the host is an IPv4
/// address or nothing at all ("1.2.3.4", "256.256.256.256", "0x7f.1").
bool ends_in_number(std::string_view host);

}  // namespace mimus
