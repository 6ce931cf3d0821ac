// Puts bytes into a content coding: the only file that knows zlib and brotli.
#pragma once

#include <string>
#include <string_view>

#include "mimus/result.h"
#include "plugins/compress/coding.h"

namespace mimus::compress {

/// `body` in a coding, the same bytes each time. What is coded is mostly kept and sent
/// again, so the levels are those that cost a little more for less: gzip 6, br 5.
/// REQUIRES: `coding` is not identity.
/// Errors: unavailable - the library has no memory
Result<std::string> encode(Coding coding, std::string_view body);

}  // namespace mimus::compress
