// Conditional requests (RFC 9110, section 13): whether the client's copy is still good. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace mimus::cdn {

/// Whether one field value of If-None-Match names the entity tag, by weak comparison; "*"
/// names any. A list that is not well-formed names what stands before its fault.
bool names_tag(std::string_view if_none_match, std::string_view etag);

/// Seconds since 1970 of an HTTP date in any of its three forms, or nothing. A two-digit
/// year is of this century's first half, or of the last's second.
std::optional<std::int64_t> http_date(std::string_view text);

}  // namespace mimus::cdn
