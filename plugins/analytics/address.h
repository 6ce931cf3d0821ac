// Internet addresses as bytes. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "mimus/ip_address.h"

namespace mimus::analytics {

using Address = IpAddress;

/// From text without a port; a zone ("%eth0") is ignored. Nothing if it is no address.
std::optional<Address> parse_address(std::string_view text);

/// Loopback, private, link-local, carrier-grade NAT, unique local and unspecified ones.
bool is_local(const Address& address);

}  // namespace mimus::analytics
