#include "host/channel/engine_packet.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "mimus/base64.h"
#include "mimus/json_text.h"

namespace mimus {

std::optional<EnginePacket> engine_packet(std::string_view text, std::string& scratch) {
  if (text.empty()) return std::nullopt;
  const std::string_view data = text.substr(1);
  if (text[0] == 'b') {
    std::optional<std::string> bytes = base64::decoded(data);
    if (!bytes) return std::nullopt;
    scratch = std::move(*bytes);
    return EnginePacket{EngineType::message, true, scratch};
  }
  if (text[0] < '0' || text[0] > '6') return std::nullopt;
  return EnginePacket{static_cast<EngineType>(text[0] - '0'), false, data};
}

PayloadReader::Got PayloadReader::next() {
  if (ended_) return Got::end;
  const std::size_t size = std::min(rest_.find(packet_separator), rest_.size());
  const std::optional<EnginePacket> packet = engine_packet(rest_.substr(0, size), scratch_);
  ended_ = size == rest_.size() || !packet;
  rest_.remove_prefix(std::min(size + 1, rest_.size()));
  if (!packet) return Got::bad;
  packet_ = *packet;
  return Got::packet;
}

bool is_utf8(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    std::uint64_t word = 0;
    if (bytes.size() - i >= sizeof word) {
      std::memcpy(&word, bytes.data() + i, sizeof word);
      if ((word & 0x8080808080808080u) == 0) {
        i += sizeof word;
        continue;
      }
    }
    const std::size_t length = json::detail::utf8_length(bytes, i);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

void append_packet(std::string& payload, EngineType type, std::string_view data) {
  payload.reserve(payload.size() + data.size() + 2);
  if (!payload.empty()) payload += packet_separator;
  payload += static_cast<char>('0' + static_cast<int>(type));
  payload += data;
}

void append_message(std::string& payload, bool binary, std::string_view data) {
  if (!binary) return append_packet(payload, EngineType::message, data);
  if (!payload.empty()) payload += packet_separator;
  payload += 'b';
  base64::encode(payload, data);
}

std::size_t payload_prefix(std::string_view payload, std::size_t limit) {
  if (payload.size() <= limit) return payload.size();
  // A separator right behind the limit is one that nothing before it exceeds.
  const std::size_t last = payload.rfind(packet_separator, limit);
  if (last != payload.npos && last > 0) return last;
  return std::min(payload.find(packet_separator), payload.size());
}

}  // namespace mimus
