// Where a request's head ends, line by line.
#include "host/net/head_scan.h"

#include <cstring>

#include "host/net/server.h"
#include "host/net/tokens.h"

namespace mimus {
namespace {

// What a request line holds beside its target: a method, two spaces, the version.
constexpr std::size_t line_overhead = 64;

}  // namespace

HeadScan::Found HeadScan::refuse(int status, const char* detail) {
  refusal_ = {status, detail};
  return Found::refused;
}

HeadScan::Found HeadScan::scan(std::string_view input, const Limits& limits) {
  for (;;) {
    const char* const at =
        looked_ < input.size()
            ? static_cast<const char*>(std::memchr(input.data() + looked_, '\n', input.size() - looked_))
            : nullptr;
    const std::size_t line_end = at ? static_cast<std::size_t>(at - input.data()) : input.size();
    if (lines_ == 0 && line_ < input.size() && !is_token_byte(input[line_]) && input[line_] != '\r') {
      return refuse(400, "the request does not begin with a method");
    }
    if (lines_ == 0 && line_end - line_ > limits.max_uri_bytes + line_overhead) {
      return refuse(414, "the request target is too long");
    }
    if (line_end + (at ? 1 : 0) - begin_ > limits.max_header_bytes) {
      return refuse(431, "the header is too large");
    }
    if (!at) {
      looked_ = input.size();
      return Found::more;
    }
    if (line_end == line_ || at[-1] != '\r') return refuse(400, "a line ends without a carriage return");
    const bool empty = line_end == line_ + 1;
    const char first = input[line_];
    line_ = looked_ = line_end + 1;
    if (empty) {
      if (lines_ > 0) return Found::end;
      if (begin_ > 0) return refuse(400, "there are empty lines before the request");
      begin_ = line_;
      continue;
    }
    if (lines_ > 0 && (first == ' ' || first == '\t')) return refuse(400, "a header line is folded");
    if (++lines_ > limits.max_headers + 1) return refuse(431, "there are too many header fields");
  }
}

}  // namespace mimus
