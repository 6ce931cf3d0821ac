// Socket.IO packets (protocol 5): made, and taken apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
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

/// The text of a packet, taken apart. Views into it.
struct SocketText {
  SocketType type = SocketType::connect;
  std::string_view ns;          ///< "/" where there is none.
  std::int64_t id = -1;         ///< -1: none.
  std::size_t attachments = 0;  ///< That follow as binary messages.
  std::string_view payload;     ///< JSON, or "".
};

/// Whether an event must not have this name: it means something else to clients or servers.
bool is_reserved_event(std::string_view name);

/// How many attachments a packet may have.
inline constexpr std::size_t max_attachments = 128;

/// Nothing where a peer must not send this: an unknown type, attachments that are none, too many
/// or not those of the placeholders (see is_checked_json), an id beyond 2^53-1, or a payload that is no
/// JSON, nests too deep, or has another shape than its type's. An event has a name, and not one
/// that the protocol keeps for itself; an acknowledgement may come without arguments.
std::optional<SocketText> read_socket_packet(std::string_view text, std::size_t max_depth);

/// A packet with its attachments. Views for the call.
struct SocketPacket {
  SocketType type = SocketType::connect;  ///< Never one of the binary types.
  std::string_view ns;
  std::int64_t id = -1;
  std::string_view name;  ///< Of an event, its escapes resolved; a number's text.
  /// Of an event or acknowledgement its arguments, a JSON array; else the payload or "".
  std::string_view data;
  std::span<const std::string_view> binaries;
  std::size_t bytes = 0;  ///< Of all its messages.
};

/// Puts a client's messages together to packets. Between two packets it holds nothing.
class SocketDecoder {
 public:
  class Packets {
   public:
    virtual void on_packet(const SocketPacket& packet) = 0;

   protected:
    ~Packets() = default;
  };
  struct Limits {
    std::size_t max_bytes;  ///< Of one packet, its attachments included.
    std::size_t max_depth;  ///< Of its JSON.
  };

  explicit SocketDecoder(Limits limits);
  ~SocketDecoder();
  /// Takes a message of the session. False: no packet can come of it, nor of what follows.
  bool take(bool binary, std::string_view message, Packets& packets);

 private:
  struct Parts;

  bool take_text(std::string_view text, Packets& packets);
  bool take_attachment(std::string_view bytes, Packets& packets);

  const Limits limits_;
  std::unique_ptr<Parts> parts_;  ///< Of a packet that has not all its attachments.
};

}  // namespace mimus
