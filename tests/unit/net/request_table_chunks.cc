// Chunked bodies: sizes, extensions, data and trailers.
#include "tests/unit/net/request_table.h"

namespace mimus {

using namespace std::string_literals;

RequestFamily chunk_rows() {
  const auto line = [](const std::string& first) { return chunked(first + "\r\nabc\r\n0\r\n\r\n"); };
  const auto trailer = [](const std::string& lines) { return chunked("0\r\n" + lines + "\r\n"); };
  return {
      "Chunks",
      {
          {"one chunk", line("3"), {"POST / @h {abc}"}},
          {"several chunks", chunked("1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"), {"POST / @h {abc}"}},
          {"no chunk but the last", chunked("0\r\n\r\n"), {"POST / @h"}},
          {"hexadecimal in both cases",
           chunked("a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n"),
           {"POST / @h {01234567890123456789a}"}},
          {"leading zeros", chunked("0003\r\nabc\r\n000\r\n\r\n"), {"POST / @h {abc}"}},
          {"data that looks like chunks",
           chunked("8\r\n0\r\n\r\nGET\r\n0\r\n\r\n"),
           {"POST / @h {0\\x0d\\x0a\\x0d\\x0aGET}"}},
          {"an extension without a value", line("3;a"), {"POST / @h {abc}"}},
          {"extensions with values", line("3;a=b;c=\"d;e\\\"\\\\\""), {"POST / @h {abc}"}},
          {"white space in an extension", line("3 ;\ta = \"b\" ; c"), {"POST / @h {abc}"}},
          {"an extension of the last chunk", chunked("0;a=b\r\n\r\n"), {"POST / @h"}},
          {"trailers are dropped", trailer("A: b\r\nC:\r\n"), {"POST / @h"}},
          {"a trailer that names a length", trailer("Content-Length: 5\r\nHost: other\r\n"), {"POST / @h"}},
          {"no last chunk yet", chunked("3\r\nabc\r\n"), {"…"}},
          {"no end of the trailers yet", chunked("0\r\nA: b\r\n"), {"…"}},

          {"no digits", line(""), {"400"}},
          {"no hexadecimal digits", line("g"), {"400"}},
          {"a letter behind the digits", line("3g"), {"400"}},
          {"a plus before the size", line("+3"), {"400"}},
          {"a minus before the size", line("-3"), {"400"}},
          {"a prefix before the size", line("0x3"), {"400"}},
          {"a space before the size", line(" 3"), {"400"}},
          {"a space behind the size", line("3 "), {"400"}},
          {"a tab behind the size", line("3\t"), {"400"}},
          {"a space behind the size and an empty extension", line("3 ;"), {"400"}},
          {"NUL behind the size", line("3\0"s), {"400"}},
          {"an underscore in the size", line("0_3"), {"400"}},
          {"a comma behind the size", line("3,"), {"400"}},
          {"a size in quotes", line("\"3\""), {"400"}},
          {"a line feed alone behind the size", chunked("3\nabc\r\n0\r\n\r\n"), {"400"}},
          {"a carriage return alone behind the size", chunked("3\rabc\r\n0\r\n\r\n"), {"400"}},
          {"two carriage returns behind the size", line("3\r"), {"400"}},
          {"a size that wraps 64 bits", line("10000000000000003"), {"400"}},
          {"a size of 60 bits and more", line("fffffffffffffffff"), {"400"}},
          {"fewer bytes than announced", chunked("4\r\nabc\r\n0\r\n\r\n"), {"400"}},
          {"more bytes than announced", chunked("2\r\nabc\r\n0\r\n\r\n"), {"400"}},
          {"no line end after the data", chunked("3\r\nabc0\r\n\r\n"), {"400"}},
          {"a line feed alone after the data", chunked("3\r\nabc\n0\r\n\r\n"), {"400"}},
          {"a carriage return alone after the data", chunked("3\r\nabc\r0\r\n\r\n"), {"400"}},
          {"two bytes in place of a line end", chunked("3\r\nabcXX0\r\n\r\n"), {"400"}},
          {"a bad chunk, to HEAD",
           request("HEAD / HTTP/1.1", "Host: h\r\nTransfer-Encoding: chunked\r\n", "x\r\n"),
           {"400 HEAD"}},

          {"an empty extension", line("3;"), {"400"}},
          {"two semicolons", line("3;;a"), {"400"}},
          {"an extension without a name", line("3;=b"), {"400"}},
          {"an extension with an empty value", line("3;a="), {"400"}},
          {"an extension with two values", line("3;a=b=c"), {"400"}},
          {"white space behind an extension", line("3;a "), {"400"}},
          {"two words in an extension", line("3;a b"), {"400"}},
          {"text behind a quoted value", line("3;a=\"b\"c"), {"400"}},
          {"a line end in a quoted value", chunked("3;a=\"\r\nabc\r\n0\r\n\r\n"), {"400"}},
          {"an escaped line end in a quoted value", chunked("3;a=\"\\\r\nabc\r\n0\r\n\r\n"), {"400"}},
          {"a line feed alone in an extension", chunked("3;a\nabc\r\n0\r\n\r\n"), {"400"}},
          {"a line feed alone in a quoted value", line("3;a=\"\n\""), {"400"}},
          {"a control character in an extension", line("3;a\x01"), {"400"}},
          {"NUL in a quoted value", line("3;a=\"\0\""s), {"400"}},
          {"a high byte in an extension", line("3;\xc3\xa4"), {"400"}},

          {"a trailer without a colon", trailer("abc\r\n"), {"400"}},
          {"a trailer without a name", trailer(": b\r\n"), {"400"}},
          {"a space before a trailer's colon", trailer("A : b\r\n"), {"400"}},
          {"a folded trailer", trailer("A: b\r\n c: d\r\n"), {"400"}},
          {"a line feed alone in the trailers", chunked("0\r\nA: b\n\r\n"), {"400"}},
          {"a carriage return in a trailer", trailer("A: b\rc\r\n"), {"400"}},
          {"NUL in a trailer", trailer("A: \0\r\n"s), {"400"}},
          {"a line feed alone at the very end", chunked("0\r\n\n"), {"400"}},
          {"a carriage return alone at the very end", chunked("0\r\n\r\r\n"), {"400"}},
      }};
}

}  // namespace mimus
