// At each limit of table_limits(), and one beyond it.
#include "tests/unit/net/request_table.h"

namespace mimus {
namespace {

/// A head whose one value is of `size` bytes.
std::string head_of(std::size_t size) {
  return request("GET / HTTP/1.1", "Host: h\r\nA: " + std::string(size, 'a') + "\r\n");
}

std::string fields(std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += "A: b\r\n";
  return out;
}

std::string as(std::size_t count, char c = 'a') { return std::string(count, c); }

std::string repeated(const std::string& text, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

}  // namespace

RequestFamily limit_rows() {
  const Limits limits = table_limits();
  const std::size_t uri = limits.max_uri_bytes, head = limits.max_header_bytes;
  const std::size_t value = head - head_of(0).size();
  const std::size_t headers = limits.max_headers, keys = limits.max_query_keys;
  const std::size_t body = table_body_limit;
  // Of body_reader.cc: a chunk's line, and all trailers, without their line feeds.
  constexpr std::size_t chunk_line = 256, trailers = 4096;
  const auto get = [](const std::string& target) { return request("GET " + target + " HTTP/1.1"); };
  const std::string hex_body = "20\r\n" + as(body) + "\r\n";
  return {
      "Limits",
      {
          {"the longest target", get("/" + as(uri - 1)), {"GET /" + as(uri - 1) + " @h"}},
          {"a target one byte too long", get("/" + as(uri)), {"414"}},
          {"a target too long to wait for its end", "GET /" + as(uri + 64), {"414"}},
          {"a URL one byte too long", get("http://h/" + as(uri - 8)), {"414"}},
          {"a method too long to wait for its end", as(uri + 65, 'M'), {"414"}},
          {"the most query keys",
           get("/?a" + repeated("&a", keys - 1)),
           {"GET /?a" + repeated("&a", keys - 1) + " @h"}},
          {"one query key too many", get("/?a" + repeated("&a", keys)), {"400"}},
          {"empty query keys count", get("/?" + as(keys, '&')), {"400"}},
          {"the largest header", head_of(value), {"GET / @h (A: " + as(value) + ")"}},
          {"a header one byte too large", head_of(value + 1), {"431"}},
          {"a header too large to wait for its end", head_of(head).substr(0, head + 1), {"431"}},
          {"the most header fields",
           request("GET / HTTP/1.1", "Host: h\r\n" + fields(headers - 1)),
           {"GET / @h" + repeated(" (A: b)", headers - 1)}},
          {"one header field too many", request("GET / HTTP/1.1", "Host: h\r\n" + fields(headers)), {"431"}},

          {"the largest body by length",
           with("Content-Length: 32\r\n", as(body)),
           {"POST / @h {" + as(body) + "}"}},
          {"a body one byte too large by length", with("Content-Length: 33\r\n", as(body + 1)), {"413 open"}},
          {"a body far too large by length", with("Content-Length: 65537\r\n", as(9)), {"413"}},
          {"the largest length there is", with("Content-Length: 9223372036854775807\r\n", as(9)), {"413"}},
          {"a body too large that waits for 100",
           with("Content-Length: 33\r\nExpect: 100-continue\r\n"),
           {"413"}},
          {"the largest body by chunks", chunked(hex_body + "0\r\n\r\n"), {"POST / @h {" + as(body) + "}"}},
          {"a body one byte too large by chunks", chunked(hex_body + "1\r\na\r\n0\r\n\r\n"), {"413"}},
          {"a body one byte too large in one chunk",
           chunked("21\r\n" + as(body + 1) + "\r\n0\r\n\r\n"),
           {"413"}},
          {"a chunk far too large", chunked("fffffffffffffff\r\n" + as(body + 1)), {"413"}},

          {"the longest chunk line",
           chunked("3;" + as(chunk_line - 3) + "\r\nabc\r\n0\r\n\r\n"),
           {"POST / @h {abc}"}},
          {"a chunk line one byte too long",
           chunked("3;" + as(chunk_line - 2) + "\r\nabc\r\n0\r\n\r\n"),
           {"400"}},
          {"a chunk line too long to wait for its end", chunked("3;" + as(chunk_line)), {"400"}},
          {"the longest chunk size",
           chunked(as(chunk_line - 2, '0') + "3\r\nabc\r\n0\r\n\r\n"),
           {"POST / @h {abc}"}},
          {"a chunk size one zero too long",
           chunked(as(chunk_line - 1, '0') + "3\r\nabc\r\n0\r\n\r\n"),
           {"400"}},
          {"the longest trailers", chunked("0\r\nA:" + as(trailers - 4) + "\r\n\r\n"), {"POST / @h"}},
          {"trailers one byte too long", chunked("0\r\nA:" + as(trailers - 3) + "\r\n\r\n"), {"400"}},
      }};
}

}  // namespace mimus
