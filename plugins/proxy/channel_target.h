// Where a WebSocket endpoint relays to: its proxyTarget, and the URL made of it for a client. Pure.
#pragma once

#include <string>
#include <string_view>

#include "mimus/result.h"

namespace mimus::proxy {

/// A sound target with http or https, whose rules are the same, in the place of ws or wss.
/// Errors: invalid - another scheme, no host, a fragment, or a character that no URL may hold
Result<std::string> http_form(std::string_view target);

/// The target, and in its query what the client came with (`query`, without "?"), after the
/// target's own. What Engine.IO puts into a query of its own is left out where `socket_io`.
std::string channel_url(std::string_view target, std::string_view query, bool socket_io);

}  // namespace mimus::proxy
