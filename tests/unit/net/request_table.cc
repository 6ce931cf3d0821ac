// How the rows of the table write requests, and the families together.
#include "tests/unit/net/request_table.h"

namespace mimus {
namespace {

bool about_framing(std::string_view name) {
  for (const std::string_view one : {"host", "content-length", "transfer-encoding", "connection", "expect"}) {
    if (same_name(name, one)) return true;
  }
  return false;
}

void append_printable(std::string& out, std::string_view bytes) {
  static constexpr char hex[] = "0123456789abcdef";
  for (const char c : bytes) {
    const auto u = static_cast<unsigned char>(c);
    if (u >= 0x20 && u < 0x7f) {
      out += c;
    } else {
      out += {'\\', 'x', hex[u >> 4], hex[u & 15]};
    }
  }
}

}  // namespace

std::string seen(const RequestHead& request, std::string_view body) {
  std::string out(request.method);
  out.append(" ").append(request.raw_path);
  if (request.target.find('?') != std::string_view::npos) out.append("?").append(request.raw_query);
  out.append(" @").append(request.host);
  for (const Header& header : request.headers) {
    if (about_framing(header.name)) continue;
    out.append(" (").append(header.name).append(": ");
    append_printable(out, header.value);
    out += ')';
  }
  if (!body.empty()) {
    out += " {";
    append_printable(out, body);
    out += '}';
  }
  return out;
}

Limits table_limits() {
  Limits limits;
  limits.max_uri_bytes = 64;
  limits.max_header_bytes = 512;
  limits.max_headers = 12;
  limits.max_query_keys = 4;
  return limits;
}

std::vector<RequestFamily> request_table() {
  return {target_rows(), line_rows(),  field_rows(),     framing_rows(),
          chunk_rows(),  limit_rows(), connection_rows()};
}

}  // namespace mimus
