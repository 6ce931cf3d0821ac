// From a request's head as bytes to a RequestHead, or to the status that refuses it. Pure.
#pragma once

#include <cstddef>

#include "host/net/exchange.h"
#include "host/net/head_scan.h"

namespace mimus {

struct ParsedHead {
  Refusal refusal;
  bool keep_alive = false;
  bool chunked = false;
  bool expects_continue = false;
};

/// `head` is a whole head, its empty line included, in memory that outlives `out`, whose
/// views point into it; the version's minor digit in it may be overwritten. `out` was
/// cleared before. What RFC 9112 refuses is refused: what it lets a server forgive, too.
ParsedHead parse_request_head(char* head, std::size_t size, const Limits& limits, RequestHead& out);

}  // namespace mimus
