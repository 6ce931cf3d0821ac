// An answer's head as bytes: the one place that writes header lines, so that nobody can
// split an answer.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "host/net/bytes.h"
#include "host/net/exchange.h"

namespace mimus {

/// The Date line, made anew only when the second changes. Not thread-safe.
class DateLine {
 public:
  /// "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"; valid until the next call.
  std::string_view at(std::int64_t wall_us);

 private:
  std::int64_t second_ = INT64_MIN;
  char text_[48] = {};
  std::size_t size_ = 0;
};

struct Framing {
  enum class Body : std::uint8_t { none, length, chunked, until_close };
  Body body = Body::none;  ///< `none`: neither length nor coding is named.
  std::int64_t length = 0;
  enum class Persistence : std::uint8_t { implied, close, keep_alive, upgrade };
  Persistence persistence = Persistence::implied;  ///< What Connection says, if anything.
};

/// Whether a status allows a body at all.
inline bool has_no_body(int status) { return status < 200 || status == 204 || status == 304; }

/// Appends status line, Date, framing, `headers` and the empty line. Fields that are the
/// connection's business (Content-Length, Transfer-Encoding, Date, Connection, Keep-Alive)
/// are left out of `headers`. False, and `out` as before: the status is not within 100–999,
/// a name is no token or a value holds CR, LF or NUL.
bool append_response_head(Bytes& out, int status, const std::vector<Header>& headers,
                          std::string_view date_line, const Framing& framing);

}  // namespace mimus
