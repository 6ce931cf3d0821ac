// Named requests, good and bad, and what a server of RFC 9110 and 9112 makes of them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/net/request_reader.h"

namespace mimus {

/// What a client sends on a new connection, and what comes of it, in order. `want` is lines:
///
///   "GET /a?b @h"          a request, answered with 200; as `seen` writes it
///   "GET /a @h close"      the same, and its answer says that the connection closes
///   "GET /a @ keep-alive"  the same, and its answer says that the connection stays
///   "400"                  refused with this status; the connection closes
///   "413 open"             refused, but the connection stays
///   "400 HEAD"             refused, to HEAD: the problem is not there, its length is
///   "…"                    the request is not complete; nothing is answered
///
/// Unless the last line closes or waits, the connection must take another request.
struct RequestRow {
  const char* name;
  std::string bytes;
  std::vector<std::string> want;
};

inline std::string request(const std::string& line, const std::string& fields = "Host: h\r\n",
                           const std::string& body = "") {
  return line + "\r\n" + fields + "\r\n" + body;
}
/// A POST with these fields after its Host.
inline std::string with(const std::string& fields, const std::string& body = "") {
  return request("POST / HTTP/1.1", "Host: h\r\n" + fields, body);
}
inline std::string chunked(const std::string& body) { return with("Transfer-Encoding: chunked\r\n", body); }

struct RequestFamily {
  const char* name;
  std::vector<RequestRow> rows;
};

/// All rows. Each file of the table makes one family.
std::vector<RequestFamily> request_table();

RequestFamily target_rows();
RequestFamily line_rows();
RequestFamily field_rows();
RequestFamily framing_rows();
RequestFamily chunk_rows();
RequestFamily limit_rows();
RequestFamily connection_rows();

}  // namespace mimus
