// WebSocket frames (RFC 6455), server side, through websocketpp's processor::hybi13.
//
// This header is C++17 and knows no websocketpp: framing.cc is the one translation unit
// that does (websocketpp 0.8.2 does not compile as C++20 with g++ 12).
#pragma once

#include <cstddef>
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

/// Takes a client's bytes apart. Not thread-safe.
class FrameReader {
 public:
  class Events {
   public:
    virtual ~Events() = default;
    /// A whole message or control frame; the view is valid for the call.
    virtual void on_message(Opcode opcode, std::string_view payload) = 0;
  };
  explicit FrameReader(std::size_t max_message_bytes);
  ~FrameReader();
  /// Feeds bytes. 0, or the close code with which the connection must be failed (1002,
  /// 1007, 1009); after that it takes nothing any more.
  int feed(std::string_view data, Events& events);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mimus
