// WebSocket handshakes: checked, bound, and turned into channels.
#pragma once

#include "host/channel/channels.h"
#include "host/pipeline/worker.h"

namespace mimus {

/// True if the request asks for a WebSocket (RFC 6455, 4.2.1).
bool asks_for_websocket(const RequestHead& request);

/// Answers a request below /ws/: 101 and a channel, or a problem. [the worker]
void take_upgrade(WorkerContext& worker, ChannelTable& channels, Exchange& exchange);

}  // namespace mimus
