// Who the client is behind proxies that we trust.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "host/net/exchange.h"
#include "mimus/result.h"

namespace mimus {

/// A block of addresses. IPv4 is kept as mapped into IPv6, so that one comparison does.
struct Cidr {
  std::array<std::uint8_t, 16> network{};
  unsigned bits = 128;
};

/// "10.0.0.0/8", "fd00::/8", or one address. Errors: invalid - is none, has bits beyond its
/// prefix, or a prefix that is too long; the message names the text
Result<Cidr> parse_cidr(std::string_view text);

/// Whether `address` (text, without port) lies in one of `blocks`. False for no address.
bool is_in(std::string_view address, std::span<const Cidr> blocks);

/// The rightmost hop that is not trusted: the peer itself unless it is trusted, else the
/// addresses that trusted hops have added, from the last one back. A hop that is no address
/// ("unknown", an obfuscated name) ends the walk at the trusted hop that told it. Where both
/// fields came, X-Forwarded-For is believed: a proxy that appends to it passes a client's
/// own Forwarded on unseen far more often than the other way round. Not thread-safe.
class ClientAddress {
 public:
  explicit ClientAddress(std::span<const Cidr> trusted) : trusted_(trusted) {}  ///< Must outlive it.

  /// `headers` are the request's, in the order they came in. Returns a view into its
  /// arguments, without port, brackets or quotes.
  std::string_view of(std::string_view peer, std::span<const Header> headers);

 private:
  const std::span<const Cidr> trusted_;
  std::string last_peer_;  // Nearly all requests come from the one proxy.
  bool last_trusted_ = false;
};

}  // namespace mimus
