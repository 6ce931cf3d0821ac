// What a handshake says: of a WebSocket (RFC 6455, 4.2.1), or of Engine.IO.
#pragma once

#include <string>
#include <string_view>

#include "host/net/exchange.h"

namespace mimus {

/// The first value of a field, or "".
std::string_view field_of(const RequestHead& request, std::string_view name);
/// The token of "Authorization: Bearer TOKEN", or "".
std::string_view bearer_token(const RequestHead& request);
/// True if the request asks for a WebSocket.
bool asks_for_websocket(const RequestHead& request);
/// The Sec-WebSocket-Accept to answer with; "" if it is no GET of HTTP/1.1 with version
/// 13 and a sound key, each of them once.
std::string handshake_accept(const RequestHead& request);

}  // namespace mimus
