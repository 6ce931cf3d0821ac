// What a request-target names: the decoded segments of its path, the pairs of its query.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "host/net/arena.h"
#include "mimus/result.h"

namespace mimus {

inline constexpr std::size_t max_path_segments = 256;

/// One segment of a path: between two raw slashes.
struct Segment {
  std::string_view raw;   ///< In its original encoding; lies in ResolvedTarget::path.
  std::string_view text;  ///< Decoded once; may hold "/" and any byte but NUL.
};

/// Views into the raw path or the arena, whichever lives less long.
struct ResolvedTarget {
  std::string_view path;              ///< Without dot segments, in its original encoding.
  std::span<const Segment> segments;  ///< "/a/b" has two, "/a/b/" three (the last is empty), "/" one.

  /// The segments after the first `count`, as routes match them: a lone empty one is
  /// none, so that "/mock/x" and "/mock/x/" are the same.
  std::span<const Segment> below(std::size_t count) const;

  /// The path after the first `count` segments: "" or starts with "/".
  std::string_view path_below(std::size_t count) const;
};

/// Splits a path at raw slashes, removes dot segments (also written %2e; a last one leaves
/// a trailing slash), then decodes each segment once. Copies into `arena` only where there
/// are dots or escapes to take out; the list of segments is there always.
/// `keep`: how many leading segments a ".." may not take away or pass by.
/// Errors: invalid - it does not start with "/", climbs above `keep` segments, holds a bad
///                   escape or %00, or has more than 256 segments (400)
Result<ResolvedTarget> resolve_target(std::string_view raw_path, std::size_t keep, Arena& arena);

struct QueryField {
  std::string_view name;
  std::string_view value;  ///< "" also where there is no "=".
};

/// The pairs of a query (without "?") in their order, repeated ones too, "+" and escapes
/// decoded; a bad escape stays as it is, empty pairs are left out. Copies only where there
/// is something to decode.
/// Errors: invalid - there are more than `max_fields` (400)
Result<std::span<const QueryField>> parse_query(std::string_view raw_query, std::size_t max_fields,
                                                Arena& arena);

}  // namespace mimus
