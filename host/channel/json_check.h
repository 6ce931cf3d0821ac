// Whether what a client sends is JSON, before anything else reads it.
#pragma once

#include <cstddef>
#include <string_view>

namespace mimus {

/// How deep a value may be asked to nest at most.
inline constexpr std::size_t max_checked_depth = 1000;

/// Whether `text` is one JSON value (RFC 8259) in UTF-8, its arrays and objects nested at most
/// `max_depth` deep, in which every {"_placeholder":true,"num":n} names one of `attachments`:
/// an object with that first member has the second, a plain number, and no other.
/// Does not recurse. REQUIRES: max_depth <= max_checked_depth
bool is_checked_json(std::string_view text, std::size_t max_depth, std::size_t attachments);

}  // namespace mimus
