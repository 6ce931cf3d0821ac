// What a WebSocket handshake asks for (RFC 6455, 4.2.1).
#pragma once

#include <string>

#include "host/net/exchange.h"

namespace mimus {

/// True if the request asks for a WebSocket.
bool asks_for_websocket(const RequestHead& request);
/// The Sec-WebSocket-Accept to answer with; "" if it is no GET of HTTP/1.1 with version
/// 13 and a sound key, each of them once.
std::string handshake_accept(const RequestHead& request);

}  // namespace mimus
