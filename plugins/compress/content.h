// Which content is worth a coding, and what a coding does to its entity tag. Pure.
#pragma once

#include <string>
#include <string_view>

#include "plugins/compress/coding.h"

namespace mimus::compress {

/// Whether content of this Content-Type becomes smaller: text, JSON, XML, scripts, SVG,
/// WebAssembly, fonts that are not packed yet. What is not known counts as packed; so does
/// text/event-stream, which must not wait for its end.
bool compressible(std::string_view content_type);

/// The entity tag of the content in a coding: another strong one, `"abc-gzip"` for `"abc"`
/// (RFC 9110, 8.8.3). A weak one names the content in every coding and stays, as does what
/// is no entity tag.
std::string coded_tag(std::string_view etag, Coding coding);

}  // namespace mimus::compress
