// permessage-deflate (RFC 7692): what is agreed on in the handshake, and compressed frames.
//
// No context is taken over in either direction, so that a connection holds no compression
// state between messages.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "host/channel/framing.h"

namespace mimus {

/// What was agreed on with a client.
struct DeflateTerms {
  int server_window_bits = 15;  ///< At most so large a window for what we send: 8 to 15.
  std::string answer;           ///< The Sec-WebSocket-Extensions of the 101.
};

/// Whether all values of Sec-WebSocket-Extensions are lists of extensions (RFC 6455, 9.1): a
/// handshake in which they are not must be refused.
bool are_extension_lists(std::span<const std::string_view> offers);

/// The first offer of permessage-deflate that can be accepted, in the order of the values of
/// Sec-WebSocket-Extensions; nothing if there is none. Offers with unknown, repeated or malformed
/// parameters are declined; so is all if the values are no lists of extensions.
std::optional<DeflateTerms> agree_on_deflate(std::span<const std::string_view> offers);

/// Smaller messages are not worth the work.
inline constexpr std::size_t min_deflated_bytes = 1024;

/// One whole frame for a peer that agreed on permessage-deflate: compressed if it is a message
/// of min_deflated_bytes or more and becomes smaller by it, else as `frame` makes it.
/// `window_bits` is 8 to 15. Each thread that compresses keeps up to 264 KiB for it.
std::string deflated_frame(Opcode opcode, std::string_view payload, int window_bits);

}  // namespace mimus
