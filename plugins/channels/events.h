// The events of a WebSocket endpoint, read from its definition.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/channels/payload.h"

namespace mimus::channels {

struct Event {
  std::string name;
  Payload payload;
  bool echo = false;           ///< Sends a message back as it came, and nothing else.
  bool repeats = false;        ///< Sent at intervals; else once, on connection.
  std::uint64_t delay_ms = 0;  ///< From the connection on; ahead of the first interval.
  std::uint64_t interval_ms = 0;
  std::uint64_t times = 0;  ///< 0: without end.
};

struct EventFault {
  std::string pointer, detail, code;  ///< `code` is "" for a plain bad value.
};

/// What is wrong with a definition's claimed fields beyond their schemas, which hold.
std::vector<EventFault> check_events(std::string_view fields);

/// REQUIRES: the schemas hold and check_events found nothing.
std::vector<Event> read_events(std::string_view fields);

}  // namespace mimus::channels
