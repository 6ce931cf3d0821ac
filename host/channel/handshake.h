// What a WebSocket handshake asks for (RFC 6455, 4.2.1).
#pragma once

#include <string>

#include "host/net/exchange.h"

namespace mimus {

/// True if the request asks for a WebSocket.
bool asks_for_websocket(const RequestHead& request);
/// The Sec-WebSocket-Accept to answer with; "" if it is no GET with version 13 and a sound key.
std::string handshake_accept(const RequestHead& request);

}  // namespace mimus
