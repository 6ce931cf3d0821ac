// What goes out to clients: an event, a text or a binary, made once for any number of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mimus {

/// An event with its arguments.
struct EventParts {
  std::string name;
  std::string args;  ///< A JSON array. A binary argument is {"_placeholder":true,"num":i} in it …
  std::vector<std::string> binaries;  ///< … and stands here at i.
  std::int64_t ack = -1;              ///< Under which the client shall acknowledge; below 0: it need not.
};

/// Messages of Engine.IO in a row, and the WebSocket frames that carry them, made at first use.
class EngineMessages {
 public:
  struct One {
    bool binary = false;
    std::string data;  ///< Without the packet type.
  };
  void add(bool binary, std::string data) { all_.push_back({binary, std::move(data)}); }
  const std::vector<One>& all() const { return all_; }
  /// One after the other; a text goes as "4" and the text, a binary as it is.
  const std::string& frames();

 private:
  std::vector<One> all_;
  std::string frames_;
};

/// Not thread-safe; each worker makes its own.
class Outgoing {
 public:
  enum class Kind : std::uint8_t { event, acknowledgement, text, binary };

  static Outgoing event(EventParts parts) { return {Kind::event, std::move(parts), {}}; }
  /// `parts.ack` is what the client asked to be told; its name is not looked at.
  static Outgoing acknowledgement(EventParts parts) { return {Kind::acknowledgement, std::move(parts), {}}; }
  static Outgoing text(std::string text) { return {Kind::text, {}, std::move(text)}; }
  static Outgoing binary(std::string bytes) { return {Kind::binary, {}, std::move(bytes)}; }

  Kind kind() const { return kind_; }
  const EventParts& parts() const { return parts_; }
  /// What a raw client receives as its message: {"event":name,"data":…} with the argument itself
  /// where there is one and else the array; or the text or bytes. "" for an acknowledgement, which such
  /// a client cannot be told.
  std::string_view raw_payload();
  /// The same as one frame: for a client that agreed on permessage-deflate with this window
  /// (DeflateTerms), or on nothing (0).
  const std::string& raw_frame(int deflate_window_bits = 0);
  /// What a Socket.IO client of the namespace receives. The first call's namespace counts: an
  /// Outgoing is for the clients of one endpoint. A text or binary is the event "message".
  EngineMessages& socket(std::string_view ns);

 private:
  Outgoing(Kind kind, EventParts parts, std::string data)
      : kind_(kind), parts_(std::move(parts)), data_(std::move(data)) {}

  Kind kind_;
  EventParts parts_;
  std::string data_;  // Of a text or binary; of an event its raw payload, once made.
  std::string frame_, deflated_;
  int deflated_bits_ = 0;  // deflated_'s.
  EngineMessages socket_;
};

/// {"event":name,"data":…}, as Outgoing::raw_payload.
std::string event_text(std::string_view name, std::string_view args);
/// `[argument]`: what is JSON as the only argument.
std::string only_argument(std::string_view argument);

}  // namespace mimus
