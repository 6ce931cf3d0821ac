// What a client said, as rules and payloads look at it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mimus/plugin.h"

namespace mimus::channels {

/// A message of a raw WebSocket, or an event of a Socket.IO client. Nothing is parsed before it is
/// asked for. Borrows what it was made of; one thread at a time.
class Message {
 public:
  /// Of a raw client. `text` is UTF-8 unless it is `binary`.
  static Message raw(std::string_view text, bool binary);
  /// Of a Socket.IO client: `args` is a JSON array; `ack` as in mimus_event.
  static Message event(std::string_view name, std::string_view args, std::span<const mimus_str> binaries,
                       std::int64_t ack);

  bool is_raw() const { return raw_; }
  bool is_binary() const { return binary_; }
  std::string_view bytes() const { return bytes_; }  ///< As it came: a raw message, or the arguments.
  std::span<const mimus_str> binaries() const { return binaries_; }
  std::int64_t ack() const { return ack_; }  ///< Below 0: none is awaited.

  /// The name of the event. A raw text has one if it is a JSON object with a string `event`.
  std::optional<std::string_view> name() const;
  /// JSON, or "" where there is none. Of an event: its argument where it has one, else the array.
  /// Of a raw text with an `event`: its member `data`; without one the whole object if it has other
  /// members. Of other raw text: the JSON that it is, or it as a string. Of raw binary: base64.
  std::string_view data() const;
  /// JSON array: the arguments; of a raw message its data.
  std::string_view args() const;
  /// Of a raw text, as it came.
  std::optional<std::string_view> text() const;

 private:
  Message() = default;
  void look() const;
  void look_at_raw() const;

  bool raw_ = true, binary_ = false;
  std::int64_t ack_ = -1;
  std::string_view bytes_;
  std::span<const mimus_str> binaries_;
  mutable bool looked_ = false, named_ = false;
  mutable std::string name_, made_, args_;
  mutable std::string_view data_;
};

/// A message that is kept until later.
class KeptMessage {
 public:
  explicit KeptMessage(const Message& message);
  KeptMessage(const KeptMessage&) = delete;
  KeptMessage& operator=(const KeptMessage&) = delete;
  Message look() const;                       ///< Borrows from this.
  std::size_t size() const { return size_; }  ///< Bytes, about.

 private:
  bool raw_, binary_;
  std::int64_t ack_;
  std::string name_, bytes_;
  std::vector<std::string> binaries_;
  std::vector<mimus_str> lent_;
  std::size_t size_;
};

}  // namespace mimus::channels
