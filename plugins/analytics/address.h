// Internet addresses as bytes. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mimus::analytics {

/// An IPv6 address, or an IPv4 address in its mapped form (::ffff:a.b.c.d).
using Address = std::array<std::uint8_t, 16>;

/// From text without a port; a zone ("%eth0") is ignored. Nothing if it is no address.
std::optional<Address> parse_address(std::string_view text);

bool is_ipv4(const Address& address);

/// Loopback, private, link-local, carrier-grade NAT, unique local and unspecified ones.
bool is_local(const Address& address);

}  // namespace mimus::analytics
