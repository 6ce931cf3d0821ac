// A definition that plays what was recorded of a real server.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mimus::channels {

inline constexpr std::size_t most_steps = 10'000, most_events = 1000;

struct Replay {
  std::string patch;         ///< JSON Merge Patch for the endpoint's definition.
  std::size_t left_out = 0;  ///< Messages beyond what a definition may hold, or that it cannot express.
};

/// `session` is as mimus_session_v1 has it; a message may have `ack`, and `binaries` in base64, too. What
/// the server sent becomes a schedule with its timing. An event of the server's without a name acknowledges
/// the client's event of the same `ack`, or without one its last that was not acknowledged, and becomes a
/// rule for the events of that name; where more of that name follow, it is used once. The endpoint no
/// longer relays.
Replay replay_of(std::string_view session);

}  // namespace mimus::channels
