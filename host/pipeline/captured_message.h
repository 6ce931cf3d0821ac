// A message of a channel in the form in which it is kept and shown.
#pragma once

#include <string>
#include <string_view>

#include "host/channel/channels.h"

namespace mimus {

/// Bytes of one message, its binaries included, that are kept; as of a request's body.
inline constexpr std::size_t max_captured_message = 64u << 10;

/// Named as the journal's fields.
struct CapturedMessage {
  explicit CapturedMessage(const ChannelMessage& message);

  std::string_view direction;  ///< "in", "out"
  std::string_view type;       ///< "text", "binary", "event", "ack"
  std::string data;            ///< The text, base64, or the arguments as JSON (not if truncated).
  std::string binaries;        ///< A JSON array of base64, "" for none.
  bool truncated = false;
};

/// Bytes of the message and its binaries.
std::size_t size_of(const ChannelMessage& message);

}  // namespace mimus
