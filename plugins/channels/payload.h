// An event's payload with its placeholders, taken apart once and put together per send.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mimus::channels {

/// What one send fills in.
struct Moment {
  std::uint64_t count = 0;   ///< Sends of this event on this connection, this one included.
  std::int64_t wall_us = 0;  ///< Since 1970.
  std::string_view client_id;
};

/// 2026-01-01T00:00:00.000Z, for years 1 to 9999.
std::string rfc3339(std::int64_t wall_us);

/// JSON whose strings may hold {{count}}, {{now}} and {{clientId}}. A string that is only
/// a placeholder becomes the value itself, {{count}} a number; inside a longer string the
/// value is part of the text. Without placeholders the source text is kept byte for byte.
/// Keys are never filled in.
class Payload {
 public:
  Payload() = default;
  /// `json` is valid JSON. What is no known placeholder stays as text; see faults_of.
  explicit Payload(std::string_view json);

  std::string render(const Moment& moment) const;

 private:
  enum class What : std::uint8_t { count, now, client_id };
  struct Piece {
    std::string literal;  ///< Goes ahead of the value.
    What what = What::count;
    bool alone = false;  ///< The value is all of its string, quotes included.
  };
  void add(std::string_view quoted);

  std::vector<Piece> pieces_;
  std::string tail_;
};

/// One placeholder that cannot be filled in.
struct PlaceholderFault {
  std::string pointer;  ///< RFC 6901, of the string, from the payload on.
  std::string name;     ///< What stands between the braces.
  bool not_available;   ///< A later version will know it; else nothing does.
};
/// All of them, in order. What stands between braces counts as a placeholder if it begins
/// with a letter and has no spaces or braces in it.
std::vector<PlaceholderFault> faults_of(std::string_view json);

}  // namespace mimus::channels
