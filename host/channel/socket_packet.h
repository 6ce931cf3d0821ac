// Socket.IO packets as text (protocol 5).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mimus {

enum class SocketType : std::uint8_t {
  connect = 0,
  disconnect = 1,
  event = 2,
  acknowledgement = 3,
  connect_error = 4,
  binary_event = 5,
  binary_acknowledgement = 6
};

/// One packet: "452-/chat,7[…]" without Engine.IO's "4". `ns` is left out where it is "/"; an
/// `id` below 0 and an empty payload likewise; `attachments` counts for the binary types alone.
std::string socket_packet(SocketType type, std::string_view ns, std::int64_t id, std::string_view payload,
                          std::size_t attachments = 0);

}  // namespace mimus
