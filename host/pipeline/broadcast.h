// One event to the channels of an endpoint on all workers.
#pragma once

#include <string>

#include "host/channel/channels.h"

namespace mimus {

class Server;

/// Sends the event to the endpoint's open channels in `room` ("": all): to those
/// of this worker at once, to the others' by one post each. False: more than 64 MiB wait for other
/// workers already, and nothing was sent. `server` may be nullptr: this worker alone.
/// REQUIRES: on the worker of `from`.
bool broadcast(Server* server, const Channel& from, std::string room, EventParts parts, bool but_me);

}  // namespace mimus
