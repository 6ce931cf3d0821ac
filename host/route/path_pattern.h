// The path of an endpoint definition: literals, parameters, and perhaps a tail.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mimus/result.h"

namespace mimus {

struct PatternPart {
  enum class Kind : std::uint8_t {
    literal,    ///< Matches a segment that decodes to `text`.
    parameter,  ///< ":name", "{name}": any one segment that is not empty.
    tail,       ///< "*name", last: zero or more segments.
  };
  Kind kind = Kind::literal;
  std::string text;  ///< The literal, decoded once; or the name.
};

/// "/" has no parts; "/a/" has two, of which the last is the empty literal.
using PathPattern = std::vector<PatternPart>;

/// The parts of `path` as an endpoint definition spells it.
/// Errors: invalid - with pointer "/path": it does not start with "/", is too long, holds
///                   "?", "#", control characters, dot segments, bad escapes, stray braces,
///                   a tail that is not last, or an empty, odd or repeated name
Result<PathPattern> parse_path_pattern(std::string_view path);

/// Steps through the parts of a path that parse_path_pattern accepts, without allocating.
class PatternCursor {
 public:
  struct Part {
    PatternPart::Kind kind = PatternPart::Kind::literal;
    std::string_view segment;  ///< The whole segment in its original encoding.
    std::string_view name;     ///< "" for a literal.
  };

  explicit PatternCursor(std::string_view path) : rest_(path == "/" ? std::string_view{} : path) {}

  /// False: there are no more parts.
  bool next(Part& part);

 private:
  std::string_view rest_;
};

}  // namespace mimus
