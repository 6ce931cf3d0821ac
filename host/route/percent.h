// Bad escapes and dot segments (RFC 3986, 2.1 and 3.3).
#pragma once

#include <cstddef>
#include <string_view>

namespace mimus {

/// Where the first escape stands that is not two hex digits or spells NUL; npos: all are good.
std::size_t first_bad_escape(std::string_view text);

enum class DotSegment { none, here, up };

/// Whether a raw path segment is "." or "..", their dots also written %2e.
DotSegment dot_segment(std::string_view raw);

}  // namespace mimus
