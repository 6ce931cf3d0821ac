// Header fields: kept in order and trimmed, or malformed; and the one Host.
#include "tests/unit/net/request_table.h"

namespace mimus {

using namespace std::string_literals;

RequestFamily field_rows() {
  const auto hosted = [](const std::string& host) { return request("GET / HTTP/1.1", host); };
  return {"Fields",
          {
              {"repeated fields stay in order",
               with("A: 1\r\nB: 2\r\na: 3\r\nA: 1\r\n"),
               {"POST / @h (A: 1) (B: 2) (a: 3) (A: 1)"}},
              {"white space around values is not theirs",
               with("A: \t x  y \t\r\nB:z\r\n"),
               {"POST / @h (A: x  y) (B: z)"}},
              {"empty values", with("A:\r\nB: \t \r\n"), {"POST / @h (A: ) (B: )"}},
              {"a tab in a value", with("A: b\tc\r\n"), {"POST / @h (A: b\\x09c)"}},
              {"colons in a value", with("A: b:c:: d\r\n"), {"POST / @h (A: b:c:: d)"}},
              {"high bytes in a value", with("A: \xc3\xa4\xff\r\n"), {"POST / @h (A: \\xc3\\xa4\\xff)"}},
              {"all that a name may hold",
               with("!#$%&'*+-.^_`|~09: x\r\n"),
               {"POST / @h (!#$%&'*+-.^_`|~09: x)"}},
              {"a quoted value", with("A: \"b, \\\"c\"\r\n"), {"POST / @h (A: \"b, \\\"c\")"}},

              {"fields that only their readers would call malformed",
               with("Cookie: a\r\nDate: x\r\nAccept: /\r\nContent-Type: ;\r\n"),
               {"POST / @h (Cookie: a) (Date: x) (Accept: /) (Content-Type: ;)"}},

              {"a folded field", with("A: b\r\n c\r\n"), {"400"}},
              {"a field folded with a tab", with("A: b\r\n\tc\r\n"), {"400"}},
              {"a field folded to nothing", with("A: b\r\n \r\n"), {"400"}},
              {"a folded first field", request("GET / HTTP/1.1", " Host: h\r\n"), {"400"}},
              {"a folded Transfer-Encoding", with("Transfer-Encoding:\r\n chunked\r\n"), {"400"}},
              {"a space before the colon", with("A : b\r\n"), {"400"}},
              {"a tab before the colon", with("A\t: b\r\n"), {"400"}},
              {"a space before Host's colon", hosted("Host : h\r\n"), {"400"}},
              {"a space in a name", with("A B: c\r\n"), {"400"}},
              {"a field without a colon", with("Abc\r\n"), {"400"}},
              {"a field without a name", with(": b\r\n"), {"400"}},
              {"a name with a bracket", with("A(b: c\r\n"), {"400"}},
              {"a name with a high byte", with("A\xc3\xa4: c\r\n"), {"400"}},
              {"a name with NUL", with("A\0b: c\r\n"s), {"400"}},
              {"a name with a control character", with("A\x0b: c\r\n"), {"400"}},
              {"NUL in a value", with("A: b\0c\r\n"s), {"400"}},
              {"NUL at the end of a value", with("A: b\0\r\n"s), {"400"}},
              {"a control character in a value", with("A: b\x01\r\n"), {"400"}},
              {"a vertical tab in a value", with("A: b\x0b\r\n"), {"400"}},
              {"a form feed in a value", with("A: \x0c\r\n"), {"400"}},
              {"DEL in a value", with("A: b\x7f\r\n"), {"400"}},
              {"a carriage return in a value", with("A: b\rc\r\n"), {"400"}},
              {"a carriage return at the end of a value", with("A: b\r\r\n"), {"400"}},
              {"a line feed after a field", with("A: b\nB: c\r\n"), {"400"}},
              {"a line feed and a carriage return", with("A: b\n\rB: c\r\n"), {"400"}},

              {"a Host with a port", hosted("Host: h:8080\r\n"), {"GET / @h:8080"}},
              {"a Host with an empty port", hosted("Host: h:\r\n"), {"GET / @h:"}},
              {"a Host in any case", hosted("hOST: H.Example\r\n"), {"GET / @H.Example"}},
              {"a Host that is an address", hosted("Host: 127.0.0.1:80\r\n"), {"GET / @127.0.0.1:80"}},
              {"a Host that is an IPv6 address", hosted("Host: [2001:db8::1]\r\n"), {"GET / @[2001:db8::1]"}},
              {"a Host with an underscore and an escape", hosted("Host: a_b%41\r\n"), {"GET / @a_b%41"}},
              {"no Host", hosted(""), {"400"}},
              {"no Host, to HEAD", request("HEAD / HTTP/1.1", ""), {"400 HEAD"}},
              {"no Host beside the absolute form", request("GET http://h/ HTTP/1.1", ""), {"400"}},
              {"an empty Host", hosted("Host:\r\n"), {"400"}},
              {"an empty Host on 1.0", request("GET / HTTP/1.0", "Host: \r\n"), {"400"}},
              {"two Hosts", hosted("Host: h\r\nHost: i\r\n"), {"400"}},
              {"two equal Hosts", hosted("Host: h\r\nhost: h\r\n"), {"400"}},
              {"two Hosts on 1.0", request("GET / HTTP/1.0", "Host: h\r\nHost: h\r\n"), {"400"}},
              {"a Host with a path", hosted("Host: h/a\r\n"), {"400"}},
              {"a Host that is a URL", hosted("Host: http://h\r\n"), {"400"}},
              {"a Host with a space", hosted("Host: a b\r\n"), {"400"}},
              {"a Host with user information", hosted("Host: u@h\r\n"), {"400"}},
              {"a Host that is a list", hosted("Host: a, b\r\n"), {"400"}},
              {"a Host whose port is no number", hosted("Host: h:8x\r\n"), {"400"}},
              {"a Host with two ports", hosted("Host: h:80:80\r\n"), {"400"}},
              {"a Host with a port alone", hosted("Host: :80\r\n"), {"400"}},
              {"a Host with a bad escape", hosted("Host: a%4g\r\n"), {"400"}},
              {"a Host with an open bracket", hosted("Host: [::1\r\n"), {"400"}},
              {"a Host with a backslash", hosted("Host: a\\b\r\n"), {"400"}},
              {"a Host of UTF-8", hosted("Host: \xc3\xa4\r\n"), {"400"}},
              {"a malformed Host beside the absolute form",
               request("GET http://h/ HTTP/1.1", "Host: a b\r\n"),
               {"400"}},
          }};
}

}  // namespace mimus
