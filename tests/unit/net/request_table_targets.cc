// Request targets: origin, absolute and asterisk forms, and what is none of them.
#include "tests/unit/net/request_table.h"

namespace mimus {

using namespace std::string_literals;

RequestFamily target_rows() {
  const auto get = [](const std::string& target) { return request("GET " + target + " HTTP/1.1"); };
  const auto options = [](const std::string& target) { return request("OPTIONS " + target + " HTTP/1.1"); };
  return {
      "Targets",
      {
          {"the root", get("/"), {"GET / @h"}},
          {"a path and a query", get("/a/b?c=d&e"), {"GET /a/b?c=d&e @h"}},
          {"an empty query", get("/a?"), {"GET /a? @h"}},
          {"a query of slashes and question marks", get("/a?/b??c/"), {"GET /a?/b??c/ @h"}},
          {"repeated query keys stay", get("/?a=1&a=2&a"), {"GET /?a=1&a=2&a @h"}},
          {"percent-encoding stays as it came",
           get("/%61%2F%c3%A4?%41+%20"),
           {"GET /%61%2F%c3%A4?%41+%20 @h"}},
          {"dot segments are left to the router", get("/a/../b/./%2e%2e"), {"GET /a/../b/./%2e%2e @h"}},
          {"empty segments", get("//a///b/"), {"GET //a///b/ @h"}},
          {"what browsers leave unescaped", get("/a|b{c}?ids[]=1`^\\"), {"GET /a|b{c}?ids[]=1`^\\ @h"}},
          {"all that a segment may hold", get("/-._~!$&'()*+,;=:@"), {"GET /-._~!$&'()*+,;=:@ @h"}},
          {"a path that looks like a URL", get("/http://a/"), {"GET /http://a/ @h"}},
          {"the absolute form", get("http://other:80/a?b"), {"GET /a?b @other:80"}},
          {"the absolute form in capitals", get("HTTPS://OTHER/"), {"GET / @OTHER"}},
          {"the absolute form without a path", get("http://other"), {"GET / @other"}},
          {"the absolute form with a query alone", get("http://other?q"), {"GET /?q @other"}},
          {"the absolute form of an IPv6 host", get("http://[::1]:80/a"), {"GET /a @[::1]:80"}},
          {"the absolute form beats Host", request("GET http://a/ HTTP/1.1", "Host: b\r\n"), {"GET / @a"}},
          {"the absolute form on 1.0 without Host",
           request("GET http://a/b HTTP/1.0", ""),
           {"GET /b @a close"}},
          {"the asterisk", options("*"), {"OPTIONS * @h"}},
          {"OPTIONS of a path", options("/a"), {"OPTIONS /a @h"}},
          {"OPTIONS of a host alone is the asterisk", options("http://other"), {"OPTIONS * @other"}},
          {"OPTIONS of a host's root", options("http://other/"), {"OPTIONS / @other"}},
          {"OPTIONS of a host with a query", options("http://other?q"), {"OPTIONS /?q @other"}},

          {"a relative target", get("a"), {"400"}},
          {"a target that is a query", get("?a"), {"400"}},
          {"the asterisk with GET", get("*"), {"400"}},
          {"two asterisks", options("**"), {"400"}},
          {"the asterisk with a query", options("*?a"), {"400"}},
          {"the authority form", get("h:443"), {"400"}},
          {"CONNECT with an authority", request("CONNECT h:443 HTTP/1.1"), {"400"}},
          {"CONNECT with a path", request("CONNECT / HTTP/1.1"), {"400"}},
          {"CONNECT with a URL", request("CONNECT http://h/ HTTP/1.1"), {"400"}},
          {"another scheme", get("ftp://h/"), {"400"}},
          {"a scheme with a tail", get("httpx://h/"), {"400"}},
          {"a URL with one slash", get("http:/h/"), {"400"}},
          {"a URL without an authority", get("http:///a"), {"400"}},
          {"a URL that ends after its slashes", get("http://"), {"400"}},
          {"a URL with user information", get("http://u@h/"), {"400"}},
          {"a URL with an empty user", get("http://@h/"), {"400"}},
          {"a URL whose port is no number", get("http://h:8a/"), {"400"}},
          {"a URL with an open bracket", get("http://[::1/"), {"400"}},
          {"a URL with empty brackets", get("http://[]/"), {"400"}},
          {"a URL with text after the bracket", get("http://[::1]a/"), {"400"}},
          {"a URL whose host holds a bad escape", get("http://%4/"), {"400"}},
          {"a fragment", get("/a#b"), {"400"}},
          {"a fragment in the query", get("/a?b#c"), {"400"}},
          {"a fragment after an authority", get("http://h#c"), {"400"}},
          {"a quote in the path", get("/\"a"), {"400"}},
          {"a quote in the query", get("/?\"a"), {"400"}},
          {"angle brackets", get("/<a>"), {"400"}},
          {"a backslash in the path", get("/a\\b"), {"400"}},
          {"a backslash first", get("\\a"), {"400"}},
          {"UTF-8", get("/\xc3\xa4"), {"400"}},
          {"UTF-8 in the query", get("/?\xc3\xa4"), {"400"}},
          {"a byte of 0xff", get("/\xff"), {"400"}},
          {"a space in the target", get("/a b"), {"400"}},
          {"a tab in the target", get("/a\tb"), {"400"}},
          {"NUL in the target", get("/a\0b"s), {"400"}},
          {"a control character in the target", get("/a\x01"), {"400"}},
          {"DEL in the target", get("/a\x7f"), {"400"}},
      }};
}

}  // namespace mimus
