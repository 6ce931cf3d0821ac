#include "host/channel/socket_packet.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "host/channel/json_check.h"
#include "mimus/json_text.h"

namespace mimus {
namespace {

/// What is listened to at a client or server as if it were an event.
constexpr std::string_view reserved_names[] = {"connect",       "connect_error", "disconnect",
                                               "disconnecting", "newListener",   "removeListener"};

constexpr std::uint64_t max_id = (std::uint64_t{1} << 53) - 1;

bool is_binary(SocketType type) {
  return type == SocketType::binary_event || type == SocketType::binary_acknowledgement;
}
bool is_event(SocketType type) { return type == SocketType::event || type == SocketType::binary_event; }

/// Takes digits off the front. False: there are none, or their number is above `most`.
bool take_number(std::string_view& text, std::uint64_t most, std::uint64_t& out) {
  std::size_t at = 0;
  out = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    out = out * 10 + static_cast<std::uint64_t>(text[at] - '0');
    if (out > most) return false;
  }
  text.remove_prefix(at);
  return at != 0;
}

/// The source of an event's name; "" for an empty array. REQUIRES: `array` is a checked array
std::string_view name_in(std::string_view array) {
  std::string_view name;
  json::elements(array, [&](std::string_view first) {
    name = first;
    return false;
  });
  return name;
}

std::string name_of(std::string_view source) {
  return source.starts_with('"') ? json::unquote(source) : std::string(source);
}

bool is_event_name(std::string_view source) {
  if (source.empty() || (source[0] != '"' && source[0] != '-' && (source[0] < '0' || source[0] > '9')))
    return false;
  return source[0] != '"' || !is_reserved_event(json::unquote(source));
}

bool fits(const SocketText& packet) {
  const std::string_view payload = packet.payload;
  const char first = payload.empty() ? '\0' : payload[0];
  switch (packet.type) {
    case SocketType::connect:
      return payload.empty() || first == '{';
    case SocketType::disconnect:
      return payload.empty();
    case SocketType::connect_error:
      return first == '{' || first == '"';
    case SocketType::event:
    case SocketType::binary_event:
      return first == '[' && is_event_name(name_in(payload));
    case SocketType::acknowledgement:
    case SocketType::binary_acknowledgement:
      return payload.empty() || first == '[';
  }
  return false;
}

/// What one event's arguments are written into: its thread's, as one is handed on at a time.
thread_local std::string spare_args;
constexpr std::size_t max_spare_bytes = 64 << 10;

void hand_on(const SocketText& text, std::span<const std::string_view> binaries, std::size_t bytes,
             SocketDecoder::Packets& packets) {
  SocketPacket packet;
  packet.type = text.type;
  packet.ns = text.ns;
  packet.id = text.id;
  packet.binaries = binaries;
  packet.bytes = bytes;
  packet.data = text.payload;
  std::string args = std::exchange(spare_args, {}), name;
  if (is_event(text.type)) {
    packet.type = SocketType::event;
    const std::string_view source = name_in(text.payload);
    name = name_of(source);
    packet.name = name;
    const auto after = static_cast<std::size_t>(source.data() + source.size() - text.payload.data());
    std::size_t rest = json::detail::skip_space(text.payload, after);
    if (text.payload[rest] == ',') ++rest;
    args.assign("[").append(text.payload.substr(rest));
    packet.data = args;
  } else if (text.type == SocketType::acknowledgement || text.type == SocketType::binary_acknowledgement) {
    packet.type = SocketType::acknowledgement;
    if (packet.data.empty()) packet.data = "[]";
  }
  packets.on_packet(packet);
  if (args.capacity() <= max_spare_bytes) spare_args = std::move(args);
}

}  // namespace

bool is_reserved_event(std::string_view name) {
  return std::find(std::begin(reserved_names), std::end(reserved_names), name) != std::end(reserved_names);
}

std::string socket_packet(SocketType type, std::string_view ns, std::int64_t id, std::string_view payload,
                          std::size_t attachments) {
  std::string out;
  out.reserve(ns.size() + payload.size() + 32);
  out += static_cast<char>('0' + static_cast<int>(type));
  if (is_binary(type)) out.append(std::to_string(attachments)).append("-");
  if (ns != "/") out.append(ns).append(",");
  if (id >= 0) out += std::to_string(id);
  return out.append(payload);
}

std::optional<SocketText> read_socket_packet(std::string_view text, std::size_t max_depth) {
  if (text.empty() || text[0] < '0' || text[0] > '6') return std::nullopt;
  SocketText out;
  out.type = static_cast<SocketType>(text[0] - '0');
  text.remove_prefix(1);
  std::uint64_t number = 0;
  if (is_binary(out.type)) {
    if (!take_number(text, max_attachments, number) || number == 0 || !text.starts_with('-'))
      return std::nullopt;
    out.attachments = number;
    text.remove_prefix(1);
  }
  out.ns = "/";
  if (text.starts_with('/')) {
    const std::size_t comma = std::min(text.find(','), text.size());
    out.ns = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  if (!text.empty() && text[0] >= '0' && text[0] <= '9') {
    if (!take_number(text, max_id, number)) return std::nullopt;
    out.id = static_cast<std::int64_t>(number);
  }
  out.payload = text;
  if (!text.empty() && !is_checked_json(text, max_depth, out.attachments)) return std::nullopt;
  if (!fits(out)) return std::nullopt;
  return out;
}

struct SocketDecoder::Parts {
  std::string source;
  SocketText text;  ///< Views into `source`.
  std::vector<std::string> attachments;
  std::size_t bytes = 0;
};

SocketDecoder::SocketDecoder(Limits limits) : limits_(limits) {}
SocketDecoder::~SocketDecoder() = default;

bool SocketDecoder::take(bool binary, std::string_view message, Packets& packets) {
  return binary ? take_attachment(message, packets) : take_text(message, packets);
}

bool SocketDecoder::take_text(std::string_view text, Packets& packets) {
  if (parts_ != nullptr || text.empty() || text.size() > limits_.max_bytes) return false;
  std::unique_ptr<Parts> parts;
  if (is_binary(static_cast<SocketType>(text[0] - '0'))) {
    parts = std::make_unique<Parts>();
    parts->source = text;
    text = parts->source;
  }
  const auto packet = read_socket_packet(text, limits_.max_depth);
  if (!packet) return false;
  if (parts == nullptr) {
    hand_on(*packet, {}, text.size(), packets);
    return true;
  }
  parts->text = *packet;
  parts->bytes = text.size();
  parts_ = std::move(parts);
  return true;
}

bool SocketDecoder::take_attachment(std::string_view bytes, Packets& packets) {
  if (parts_ == nullptr || bytes.size() > limits_.max_bytes - parts_->bytes) return false;
  parts_->bytes += bytes.size();
  parts_->attachments.emplace_back(bytes);
  if (parts_->attachments.size() < parts_->text.attachments) return true;
  const std::unique_ptr<Parts> whole = std::move(parts_);
  const std::vector<std::string_view> binaries(whole->attachments.begin(), whole->attachments.end());
  hand_on(whole->text, binaries, whole->bytes, packets);
  return true;
}

}  // namespace mimus
