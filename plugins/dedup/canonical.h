// JSON in one form only, so that texts that mean the same have the same key. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mimus::dedup {

inline constexpr int max_json_depth = 100;

/// The text without white space, its strings in one spelling, the members of each object
/// sorted by key. Array order and the source text of numbers are kept (1.0 is not 1), and
/// so are repeated keys, in their order. Nothing if the text is not JSON (RFC 8259), or
/// nests deeper than max_json_depth. Takes time in O(n log n) per level, memory in O(n).
std::optional<std::string> canonical_json(std::string_view text);

}  // namespace mimus::dedup
