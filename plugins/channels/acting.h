// Doing what an event or step says, on one connection.
#pragma once

#include <cstdint>

#include "mimus/plugin.hpp"
#include "plugins/channels/events.h"
#include "plugins/channels/message.h"

namespace mimus::channels {

/// On what occasion something is done. Borrows all of it.
struct Occasion {
  const Host& host;
  const Peer& peer;
  const Message* message = nullptr;  ///< That is answered; null: none is.
  std::uint64_t count = 1;           ///< Times that this has been done here, now included.
  std::int64_t ack_id = 0;           ///< Of the acknowledgement that is asked for, if one is.
};

/// False: the channel is closing, and nothing of its may be touched any more.
bool perform(const Act& act, const Occasion& on);

/// Acknowledges the event `ack` with the act's payload. False as above.
bool acknowledge(const Act& act, const Occasion& on, std::int64_t ack);

}  // namespace mimus::channels
