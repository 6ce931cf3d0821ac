// An event's payload with its placeholders, taken apart once and put together per send.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/channels/message.h"
#include "plugins/channels/placeholder.h"

namespace mimus::channels {

/// What one send fills in.
struct Moment {
  std::uint64_t count = 0;   ///< Sends of this event on this connection, this one included.
  std::int64_t wall_us = 0;  ///< Since 1970; only looked at if `Payload::tells_time`.
  std::string_view client_id;
  std::string_view auth;             ///< JSON, or "" where it is not known.
  const Message* message = nullptr;  ///< That is answered; null: none is.
};

/// 2026-01-01T00:00:00.000Z, for years 1 to 9999.
std::string rfc3339(std::int64_t wall_us);

/// JSON whose strings may hold placeholders. A string that is only a placeholder becomes the value
/// itself, null where there is none; inside a longer string a value is part of the text, a string
/// without its quotes, null as nothing. Without placeholders the source text is kept byte for byte.
/// Keys are never filled in.
class Payload {
 public:
  Payload() = default;
  /// `json` is valid JSON. What is no known placeholder stays as text; see faults_of.
  explicit Payload(std::string_view json);
  /// Text that has no placeholders, whatever it looks like.
  static Payload literal(std::string_view json);

  /// The text where no placeholder is in it, the same each time; else null.
  const std::string* constant() const { return pieces_.empty() ? &tail_ : nullptr; }
  bool tells_time() const { return uses(Placeholder::Source::now); }
  bool looks_at_auth() const { return uses(Placeholder::Source::auth); }
  bool counts() const { return uses(Placeholder::Source::count); }
  bool looks_at_message() const;
  /// Whether it is nothing but {{message.data}}.
  bool is_message_data() const;

  /// Appends. False where more than `most_rendered` bytes would come out: `out` is then cut short.
  bool render(const Moment& moment, std::string& out) const;

 private:
  struct Piece {
    std::string literal;  ///< Goes ahead of the value.
    Placeholder what;
    bool alone = false;  ///< The value is all of its string, quotes included.
  };
  void add(std::string_view quoted);
  bool uses(Placeholder::Source source) const;

  std::vector<Piece> pieces_;
  std::string tail_;
};

/// A message can be large, and a payload can hold it many times.
inline constexpr std::size_t most_rendered = 16 << 20;

}  // namespace mimus::channels
