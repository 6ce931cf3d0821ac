// What a WebSocket endpoint does of itself, read from its definition.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mimus/plugin.h"
#include "plugins/channels/payload.h"
#include "plugins/when/condition.h"

namespace mimus::channels {

enum class Trigger : std::uint8_t { connection, interval, message, ack, schedule, close_after };

/// Where a condition on a message may look.
enum class Where : std::uint8_t { event, data, text, auth };
inline constexpr when::Place places[] = {{"event", when::Place::Kind::text},
                                         {"data", when::Place::Kind::json},
                                         {"text", when::Place::Kind::text},
                                         {"auth", when::Place::Kind::json}};

/// What is done at once: rooms are left and joined, then at most one thing is sent or done.
struct Act {
  enum class What : std::uint8_t { nothing, event, text, binary, echo, close, fault };
  What what = What::nothing;
  std::string leave, join;  ///< "": none.
  bool to_sender = true;
  std::string room;                   ///< Where it is not to the sender; "": to all.
  std::string name;                   ///< Of an event.
  Payload payload;                    ///< Of an event or an acknowledgement.
  std::vector<std::string> binaries;  ///< That the payload refers to; none: those of a message.
  bool spread = false, asks_ack = false;
  std::string bytes;  ///< The text or binary, or the reason of a close.
  std::int32_t code = 0;
  mimus_channel_fault fault = MIMUS_FAULT_DROP;
  std::uint64_t value = 0;  ///< Of the fault.
};

struct Step {
  std::uint64_t after_ms = 0;  ///< Since the step before, or the start.
  Act act;
};

struct Event {
  Trigger trigger = Trigger::connection;
  std::uint64_t rank = 0;  ///< Its place in the definition.
  std::uint64_t delay_ms = 0, interval_ms = 0;
  std::uint64_t times = 0;  ///< 0: without end.
  Act act;
  std::vector<Step> steps;
  std::optional<when::Condition> condition;
  bool counts = false;  ///< Of a message or ack: how often it was answered matters.
};

/// What the connections of an endpoint misbehave in.
struct Faults {
  std::int32_t refuse_with = 0;
  std::uint32_t handshake_delay_ms = 0;
  bool ignore_pings = false;
  std::uint64_t bytes_per_second = 0;  ///< 0: as fast as it goes.
  std::optional<std::uint64_t> drop_after_ms;
  bool operator==(const Faults&) const = default;
};

struct Script {
  bool says_connected = true;  ///< To Socket.IO clients. A server that is relayed to would not.
  Faults faults;
  std::vector<Event> events;
};

struct EventFault {
  std::string pointer, detail;
};

/// What is wrong with a definition's claimed fields beyond their schemas, which hold.
std::vector<EventFault> check_events(std::string_view fields);

/// REQUIRES: check_events found nothing.
Script read_script(std::string_view fields);

inline constexpr std::size_t most_rooms = 64, most_room_bytes = 128;
inline constexpr std::uint64_t least_interval_ms = 50;

}  // namespace mimus::channels
