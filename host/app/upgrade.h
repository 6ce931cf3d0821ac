// WebSocket handshakes: checked, and turned into channels.
#pragma once

#include "host/channel/channels.h"
#include "host/channel/door.h"
#include "host/net/exchange.h"

namespace mimus {

/// Answers a request below /ws/: 101 and a channel, or a problem. Both must outlive the exchange.
/// [the worker]
void take_upgrade(ChannelTable& channels, Door& door, Exchange& exchange);

}  // namespace mimus
