// WebSocket frames (RFC 6455) through websocketpp's processor::hybi13, on either side.
//
// This header is C++17 and knows no websocketpp: framing.cc is the one translation unit
// that does (websocketpp 0.8.2 does not compile as C++20 with g++ 12).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace mimus {

/// The Sec-WebSocket-Accept for a Sec-WebSocket-Key, or "" if the key is not 16 bytes in
/// base 64.
std::string websocket_accept(std::string_view key);

enum class Opcode : unsigned char { text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// One whole unmasked frame as bytes, ready for any number of peers.
std::string frame(Opcode opcode, std::string_view payload);
/// The same as a client must send it, masked with the four bytes of `mask` (RFC 6455, 5.3:
/// they must be unforeseeable).
std::string masked_frame(Opcode opcode, std::string_view payload, std::uint32_t mask);
/// An unmasked frame with RSV1: `deflated` is a message compressed as RFC 7692, 7.2.1, has it.
std::string compressed_frame(Opcode opcode, std::string_view deflated);

/// Whether a peer may send this code in a close frame (RFC 6455, 7.4).
bool valid_close_code(int code);
/// A close frame's payload; code 0 is an empty one. A reason is cut to 123 bytes, between
/// characters.
std::string close_payload(int code, std::string_view reason);
/// What a close frame's payload says: its code, 0 if it has none; or the code with which
/// the connection must be failed (1002, 1007).
struct ClosePayload {
  int code = 0;
  int failure = 0;
};
ClosePayload read_close_payload(std::string_view payload);

/// Takes a peer's bytes apart. Between two messages it holds nothing but its own few bytes; what
/// a message needs is its thread's, and its own only while the message is on its way.
/// Not thread-safe, but may be fed by one thread after another.
class FrameReader {
 public:
  class Events {
   public:
    virtual ~Events() = default;
    /// A whole message or control frame; the view is valid for the call. Must not feed or
    /// destroy the reader.
    virtual void on_message(Opcode opcode, std::string_view payload) = 0;
  };
  struct Mode {
    bool deflate;  ///< permessage-deflate was agreed on: messages may be compressed.
    bool client;   ///< Reads what a server sends, which is never masked.
  };
  /// Messages of up to `max_message_bytes`, counted as they are once inflated. Reads what a
  /// client sends, uncompressed.
  explicit FrameReader(std::size_t max_message_bytes);
  FrameReader(std::size_t max_message_bytes, Mode mode);
  ~FrameReader();
  /// Feeds bytes. 0, or the close code with which the connection must be failed: 1002, 1007 (as
  /// soon as the first byte has come that cannot be), 1009. After that, and after a close
  /// frame, it takes nothing any more.
  int feed(std::string_view data, Events& events);

 private:
  struct State;
  struct Spare;

  int read(std::string_view data, Events& events);

  std::unique_ptr<State> state_;  ///< While a message or frame has come in part.
  const std::size_t max_message_bytes_;
  const Mode mode_;
  bool closed_ = false;
  short failed_ = 0;
};

}  // namespace mimus
