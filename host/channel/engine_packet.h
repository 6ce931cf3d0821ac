// Engine.IO packets and the payloads that polling carries them in (protocol 4). Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mimus {

enum class EngineType : std::uint8_t { open, close, ping, pong, message, upgrade, noop };

struct EnginePacket {
  EngineType type = EngineType::noop;
  bool binary = false;  ///< Of a message.
  std::string_view data;
};

/// What stands between the packets of a payload. A text that holds it cannot be told from two.
inline constexpr char packet_separator = '\x1e';

/// The packet that a text is: a digit and its data, or "b" and a binary message in base 64, which is
/// decoded into `scratch`. Nothing if it is none. Views into the text or `scratch`.
std::optional<EnginePacket> engine_packet(std::string_view text, std::string& scratch);

/// Takes a payload apart, packet by packet. `payload` must outlive it.
class PayloadReader {
 public:
  explicit PayloadReader(std::string_view payload) : rest_(payload) {}
  enum class Got : std::uint8_t { packet, end, bad };
  /// After `bad` there is nothing more. An empty payload is bad, as an empty packet is.
  Got next();
  /// The last one; valid until the next call of `next`.
  const EnginePacket& packet() const { return packet_; }

 private:
  std::string_view rest_;
  bool ended_ = false;
  std::string scratch_;
  EnginePacket packet_;
};

/// Whether a payload's bytes are UTF-8, as they must be.
bool is_utf8(std::string_view bytes);

/// Appends one more packet to a payload.
void append_packet(std::string& payload, EngineType type, std::string_view data = {});
/// The same with a message; a binary one in base 64.
void append_message(std::string& payload, bool binary, std::string_view data);

/// How many of a payload's first bytes are whole packets and at most `limit`; the first packet in
/// any case. Without the separator after them.
std::size_t payload_prefix(std::string_view payload, std::size_t limit);

}  // namespace mimus
