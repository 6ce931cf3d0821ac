// A peer's address as text, without its port.
#pragma once

#include <string>

struct sockaddr_storage;

namespace mimus {

/// "" for a Unix socket. An IPv4 address mapped into IPv6 is shown as the IPv4 it is.
std::string peer_text(const sockaddr_storage& peer);

}  // namespace mimus
