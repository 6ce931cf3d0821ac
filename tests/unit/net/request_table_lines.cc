// Request lines: methods, versions, where lines end, and what is not HTTP at all.
#include "tests/unit/net/request_table.h"

namespace mimus {

using namespace std::string_literals;

RequestFamily line_rows() {
  const std::string host = "Host: h\r\n";
  return {
      "Lines",
      {
          {"an unknown method", request("PURGE / HTTP/1.1"), {"PURGE / @h"}},
          {"a method in lower case is another one", request("get / HTTP/1.1"), {"get / @h"}},
          {"a method of one letter", request("G / HTTP/1.1"), {"G / @h"}},
          {"a method with a hyphen", request("M-SEARCH / HTTP/1.1"), {"M-SEARCH / @h"}},
          {"a method of all that a token may hold",
           request("!#$%&'*+-.^_`|~09 / HTTP/1.1"),
           {"!#$%&'*+-.^_`|~09 / @h"}},
          {"a long method", request(std::string(90, 'M') + " / HTTP/1.1"), {std::string(90, 'M') + " / @h"}},
          {"HEAD", request("HEAD /a HTTP/1.1"), {"HEAD /a @h"}},
          {"version 1.2", request("GET / HTTP/1.2"), {"GET / @h"}},
          {"version 1.9", request("GET / HTTP/1.9"), {"GET / @h"}},
          {"version 1.9 needs a Host as 1.1 does", request("GET / HTTP/1.9", ""), {"400"}},
          {"version 1.0 without Host", request("GET / HTTP/1.0", ""), {"GET / @ close"}},
          {"an empty line before", "\r\n" + request("GET / HTTP/1.1"), {"GET / @h"}},

          {"nothing but an empty line", "\r\n", {"…"}},
          {"half a method", "GE", {"…"}},
          {"half a version", "GET / HT", {"…"}},
          {"a request line alone", "GET / HTTP/1.1\r\n", {"…"}},
          {"a head without its empty line", "GET / HTTP/1.1\r\nHost: h\r\n", {"…"}},
          {"a head without its last line feed", "GET / HTTP/1.1\r\nHost: h\r\n\r", {"…"}},

          {"two empty lines before", "\r\n\r\n" + request("GET / HTTP/1.1"), {"400"}},
          {"a line feed before", "\n" + request("GET / HTTP/1.1"), {"400"}},
          {"a carriage return before", "\r" + request("GET / HTTP/1.1"), {"400"}},
          {"a space before", " " + request("GET / HTTP/1.1"), {"400"}},
          {"a tab before", "\t" + request("GET / HTTP/1.1"), {"400"}},
          {"NUL before", "\0"s + request("GET / HTTP/1.1"), {"400"}},
          {"a byte order mark before", "\xef\xbb\xbf" + request("GET / HTTP/1.1"), {"400"}},
          {"line feeds alone", "GET / HTTP/1.1\nHost: h\n\n", {"400"}},
          {"a line feed alone after the request line", "GET / HTTP/1.1\n" + host + "\r\n", {"400"}},
          {"a line feed alone at the end", "GET / HTTP/1.1\r\n" + host + "\n", {"400"}},
          {"a carriage return alone in the line", request("GET /\r HTTP/1.1"), {"400"}},
          {"two carriage returns at the end of the line", "GET / HTTP/1.1\r\r\n" + host + "\r\n", {"400"}},
          {"a line of carriage returns", "\r\r\n" + request("GET / HTTP/1.1"), {"400"}},
          {"no version", request("GET /"), {"400"}},
          {"a version in lower case", request("GET / http/1.1"), {"400"}},
          {"a version of another protocol", request("GET / HTTPS/1.1"), {"400"}},
          {"a version of two minor digits", request("GET / HTTP/1.11"), {"400"}},
          {"a version of two major digits", request("GET / HTTP/11.1"), {"400"}},
          {"a version without a dot", request("GET / HTTP/11"), {"400"}},
          {"a version without a minor digit", request("GET / HTTP/1."), {"400"}},
          {"a version with a comma", request("GET / HTTP/1,1"), {"400"}},
          {"a version with a sign", request("GET / HTTP/+1.1"), {"400"}},
          {"a version with a space", request("GET / HTTP /1.1"), {"400"}},
          {"a version with a letter", request("GET / HTTP/1.x"), {"400"}},
          {"a space at the end of the line", request("GET / HTTP/1.1 "), {"400"}},
          {"a tab at the end of the line", request("GET / HTTP/1.1\t"), {"400"}},
          {"two spaces before the target", request("GET  / HTTP/1.1"), {"400"}},
          {"two spaces before the version", request("GET /  HTTP/1.1"), {"400"}},
          {"tabs for spaces", request("GET\t/\tHTTP/1.1"), {"400"}},
          {"no target", request("GET HTTP/1.1"), {"400"}},
          {"an empty target", request("GET  HTTP/1.1"), {"400"}},
          {"a method alone", request("GET"), {"400"}},
          {"a method with a bracket", request("G(T / HTTP/1.1"), {"400"}},
          {"a method with a colon", request("GET: / HTTP/1.1"), {"400"}},
          {"a method with NUL", request("G\0T / HTTP/1.1"s), {"400"}},
          {"a method with a high byte", request("G\xc3\x84T / HTTP/1.1"), {"400"}},
          {"a quoted method", request("\"GET\" / HTTP/1.1"), {"400"}},
          {"a field in place of the request line", host + "\r\n", {"400"}},
          {"version 2.0", request("GET / HTTP/2.0"), {"505"}},
          {"version 0.9", request("GET / HTTP/0.9"), {"505"}},
          {"version 9.9 without Host", request("GET / HTTP/9.9", ""), {"505"}},
          {"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {"505"}},
          {"a TLS greeting", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s, {"400"}},
          {"an SSH greeting", "SSH-2.0-OpenSSH_9.2\r\n\r\n", {"400"}},
          {"a SOCKS greeting", "\x05\x01\x00"s, {"400"}},
          {"a PROXY line", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + request("GET / HTTP/1.1"), {"400"}},
      }};
}

}  // namespace mimus
