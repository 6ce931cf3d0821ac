#include "host/pipeline/captured_message.h"

#include "mimus/base64.h"

namespace mimus {
namespace {

std::string_view type_name(Outgoing::Kind kind) {
  switch (kind) {
    case Outgoing::Kind::text:
      return "text";
    case Outgoing::Kind::binary:
      return "binary";
    case Outgoing::Kind::event:
      return "event";
    default:
      return "ack";
  }
}

/// At most `room` bytes, no character cut in two.
std::string_view clipped(std::string_view text, std::size_t room) {
  if (text.size() <= room) return text;
  while (room > 0 && (static_cast<unsigned char>(text[room]) & 0xC0) == 0x80) --room;
  return text.substr(0, room);
}

}  // namespace

CapturedMessage::CapturedMessage(const ChannelMessage& message)
    : direction(message.out ? "out" : "in"),
      type(type_name(message.kind)),
      truncated(size_of(message) > max_captured_message) {
  std::size_t room = max_captured_message;
  if (message.kind == Outgoing::Kind::binary) {
    base64::encode(data, message.data.substr(0, room));
    return;
  }
  data = clipped(message.data, room);
  room -= data.size();
  for (const std::string_view one : message.binaries) {
    if (one.size() > room) break;
    room -= one.size();
    binaries += binaries.empty() ? "[\"" : ",\"";
    base64::encode(binaries, one);
    binaries += '"';
  }
  if (!binaries.empty()) binaries += ']';
}

std::size_t size_of(const ChannelMessage& message) {
  std::size_t out = message.data.size();
  for (const std::string_view one : message.binaries) out += one.size();
  return out;
}

}  // namespace mimus
