// Request heads: what is understood, and what is refused with which status.
#include "host/net/request_parser.h"

#include <gtest/gtest.h>

#include <string>

#include "host/net/server.h"

namespace mimus {
namespace {

struct Parsed {
  int status = 0;  // 0: taken; -1: the head never ended.
  RequestHead request;
  ParsedHead facts;
  std::string memory;
};

/// Feeds `bytes` in pieces of `step`.
Parsed parse(const std::string& bytes, std::size_t step, const Limits& limits = {}) {
  Parsed out;
  HeadScan scan;
  std::size_t size = 0;
  HeadScan::Found found = HeadScan::Found::more;
  while (found == HeadScan::Found::more && size < bytes.size()) {
    size = std::min(size + step, bytes.size());
    // Its own allocation, so that a read beyond the end is seen by the sanitizer.
    const std::unique_ptr<char[]> exact(new char[size]);
    std::copy_n(bytes.data(), size, exact.get());
    found = scan.scan({exact.get(), size}, limits);
  }
  if (found == HeadScan::Found::more) {
    out.status = -1;
  } else if (found == HeadScan::Found::refused) {
    out.status = scan.refusal().status;
  } else {
    out.memory = bytes.substr(scan.begin(), scan.end() - scan.begin());
    out.facts = parse_request_head(out.memory.data(), out.memory.size(), limits, out.request);
    out.status = out.facts.refusal.status;
  }
  return out;
}

std::string head(const std::string& line, const std::string& fields = "Host: h\r\n") {
  return line + "\r\n" + fields + "\r\n";
}
std::string with(const std::string& fields) { return head("POST / HTTP/1.1", "Host: h\r\n" + fields); }

TEST(RequestParser, SplitsTargetsAndFields) {
  const struct {
    const char* name;
    std::string bytes;
    const char *method, *path, *query, *host;
  } cases[] = {
      {"origin form", head("GET /a/b?c=d&e HTTP/1.1"), "GET", "/a/b", "c=d&e", "h"},
      {"empty query", head("GET /a? HTTP/1.1"), "GET", "/a", "", "h"},
      {"unknown method", head("PURGE / HTTP/1.1"), "PURGE", "/", "", "h"},
      {"absolute form", head("GET http://other:80/a?b HTTP/1.1"), "GET", "/a", "b", "other:80"},
      {"absolute form without path", head("GET HTTPS://other HTTP/1.1"), "GET", "/", "", "other"},
      {"absolute form with query alone", head("GET http://other?q HTTP/1.1"), "GET", "/", "q", "other"},
      {"asterisk", head("OPTIONS * HTTP/1.1"), "OPTIONS", "*", "", "h"},
      {"an empty line before", "\r\n" + head("GET / HTTP/1.1"), "GET", "/", "", "h"},
      {"what browsers leave", head("GET /a|b?ids[]={1}`^ HTTP/1.1"), "GET", "/a|b", "ids[]={1}`^", "h"},
      {"a later minor version", head("GET / HTTP/1.7"), "GET", "/", "", "h"},
      {"1.0 without Host", head("GET / HTTP/1.0", ""), "GET", "/", "", ""},
      {"an IPv6 host", head("GET / HTTP/1.1", "Host: [::1]:80\r\n"), "GET", "/", "", "[::1]:80"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    for (const std::size_t step : {c.bytes.size(), std::size_t{1}, std::size_t{3}}) {
      const Parsed got = parse(c.bytes, step);
      ASSERT_EQ(got.status, 0) << got.facts.refusal.detail;
      EXPECT_EQ(got.request.method, c.method);
      EXPECT_EQ(got.request.raw_path, c.path);
      EXPECT_EQ(got.request.raw_query, c.query);
      EXPECT_EQ(got.request.host, c.host);
    }
  }
}

TEST(RequestParser, KeepsFieldsInOrderAndTrimsThem) {
  const Parsed got = parse(with("A:  x y \t\r\nb:\r\nA: 2\r\n"), 1);
  ASSERT_EQ(got.status, 0);
  ASSERT_EQ(got.request.headers.size(), 4u);
  EXPECT_EQ(got.request.headers[1].value, "x y");
  EXPECT_EQ(got.request.headers[2].value, "");
  EXPECT_EQ(*got.request.find("a", 1), "2");
  EXPECT_EQ(got.request.find("a", 2), nullptr);
}

TEST(RequestParser, KnowsWhetherThereIsABodyAndWhatFollows) {
  const struct {
    const char* name;
    std::string bytes;
    bool has_body;
    std::int64_t length;
    bool chunked, keep_alive, expects;
  } cases[] = {
      {"none", with(""), false, -1, false, true, false},
      {"length", with("Content-Length: 12\r\n"), true, 12, false, true, false},
      {"length of none", with("Content-Length: 0\r\n"), false, -1, false, true, false},
      {"leading zeros", with("Content-Length: 007\r\n"), true, 7, false, true, false},
      {"chunked", with("Transfer-Encoding: chunked\r\n"), true, -1, true, true, false},
      {"chunked in any case", with("transfer-encoding:  ChUnKeD \r\n"), true, -1, true, true, false},
      {"close", with("Connection: Close\r\n"), false, -1, false, false, false},
      {"close among others", with("Connection: foo, close\r\n"), false, -1, false, false, false},
      {"1.0", head("GET / HTTP/1.0"), false, -1, false, false, false},
      {"1.0 kept", head("GET / HTTP/1.0", "Connection: keep-alive\r\n"), false, -1, false, true, false},
      {"expects", with("Expect: 100-Continue\r\n"), false, -1, false, true, true},
      {"1.0 expects nothing", head("GET / HTTP/1.0", "Expect: 100-continue\r\n"), false, -1, false, false,
       false},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const Parsed got = parse(c.bytes, 1);
    ASSERT_EQ(got.status, 0) << got.facts.refusal.detail;
    EXPECT_EQ(got.request.has_body, c.has_body);
    EXPECT_EQ(got.request.content_length, c.length);
    EXPECT_EQ(got.facts.chunked, c.chunked);
    EXPECT_EQ(got.facts.keep_alive, c.keep_alive);
    EXPECT_EQ(got.facts.expects_continue, c.expects);
  }
}

TEST(RequestParser, RefusesWhatItMust) {
  using namespace std::string_literals;
  const struct {
    const char* name;
    std::string bytes;
    int status;
  } cases[] = {
      {"bare line feeds", "GET / HTTP/1.1\nHost: h\n\n", 400},
      {"a bare line feed at the end", "GET / HTTP/1.1\r\nHost: h\r\n\n", 400},
      {"a bare carriage return in a value", with("A: b\rc\r\n"), 400},
      {"a bare carriage return in the target", head("GET /\r HTTP/1.1"), 400},
      {"two carriage returns", "GET / HTTP/1.1\r\r\nHost: h\r\n\r\n", 400},
      {"two empty lines before", "\r\n\r\n" + head("GET / HTTP/1.1"), 400},
      {"a folded field", with("A: b\r\n c\r\n"), 400},
      {"a folded first field", head("GET / HTTP/1.1", " Host: h\r\n"), 400},
      {"a space before the colon", with("A : b\r\n"), 400},
      {"a field without a colon", with("Abc\r\n"), 400},
      {"a field without a name", with(": b\r\n"), 400},
      {"NUL in a value", with("A: b\0c\r\n"s), 400},
      {"a control character in a value", with("A: b\x01\r\n"), 400},
      {"DEL in a value", with("A: b\x7f\r\n"), 400},
      {"no version", head("GET /"), 400},
      {"a version in lower case", head("GET / http/1.1"), 400},
      {"a version with more digits", head("GET / HTTP/1.11"), 400},
      {"two spaces", head("GET  / HTTP/1.1"), 400},
      {"no target", head("GET  HTTP/1.1"), 400},
      {"a space in the target", head("GET /a b HTTP/1.1"), 400},
      {"a space at the beginning", " " + head("GET / HTTP/1.1"), 400},
      {"a method that is no token", head("G(T / HTTP/1.1"), 400},
      {"version 2", head("GET / HTTP/2.0"), 505},
      {"version 0", head("GET / HTTP/0.9"), 505},
      {"a relative target", head("GET a HTTP/1.1"), 400},
      {"an asterisk with GET", head("GET * HTTP/1.1"), 400},
      {"an authority form", head("CONNECT h:443 HTTP/1.1"), 400},
      {"another scheme", head("GET ftp://h/ HTTP/1.1"), 400},
      {"no authority", head("GET http:///a HTTP/1.1"), 400},
      {"user information", head("GET http://u@h/ HTTP/1.1"), 400},
      {"a fragment", head("GET /a#b HTTP/1.1"), 400},
      {"a quote in the target", head("GET /\"a HTTP/1.1"), 400},
      {"bytes above 0x80 in the target", head("GET /\xc3\xa4 HTTP/1.1"), 400},
      {"a backslash in the path", head("GET /a\\b HTTP/1.1"), 400},
      {"no Host", head("GET / HTTP/1.1", ""), 400},
      {"an empty Host", head("GET / HTTP/1.1", "Host:\r\n"), 400},
      {"two Hosts", head("GET / HTTP/1.1", "Host: h\r\nHost: h\r\n"), 400},
      {"two Hosts in 1.0", head("GET / HTTP/1.0", "Host: h\r\nHost: h\r\n"), 400},
      {"a Host with a path", head("GET / HTTP/1.1", "Host: h/a\r\n"), 400},
      {"a Host with a space", head("GET / HTTP/1.1", "Host: a b\r\n"), 400},
      {"a Host with user information", head("GET / HTTP/1.1", "Host: u@h\r\n"), 400},
      {"a Host with a list", head("GET / HTTP/1.1", "Host: a, b\r\n"), 400},
      {"a Host whose port is no number", head("GET / HTTP/1.1", "Host: h:8x\r\n"), 400},
      {"a Host with an open bracket", head("GET / HTTP/1.1", "Host: [::1\r\n"), 400},
      {"a malformed Host beside an absolute form", head("GET http://h/ HTTP/1.1", "Host: a b\r\n"), 400},
      {"Content-Length of no digits", with("Content-Length: abc\r\n"), 400},
      {"an empty Content-Length", with("Content-Length:\r\n"), 400},
      {"a negative Content-Length", with("Content-Length: -1\r\n"), 400},
      {"a Content-Length with a sign", with("Content-Length: +1\r\n"), 400},
      {"a Content-Length with a tail", with("Content-Length: 1Z\r\n"), 400},
      {"a Content-Length with a space", with("Content-Length: 1 2\r\n"), 400},
      {"a hexadecimal Content-Length", with("Content-Length: 0x5\r\n"), 400},
      {"a Content-Length list", with("Content-Length: 5, 5\r\n"), 400},
      {"a Content-Length beyond 64 bits", with("Content-Length: 99999999999999999999\r\n"), 400},
      {"two Content-Lengths", with("Content-Length: 5\r\nContent-Length: 5\r\n"), 400},
      {"different Content-Lengths", with("Content-Length: 5\r\nContent-Length: 6\r\n"), 400},
      {"chunked and a length", with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400},
      {"a length and chunked", with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400},
      {"a length and another coding", with("Content-Length: 5\r\nTransfer-Encoding: identity\r\n"), 400},
      {"chunked in 1.0", head("POST / HTTP/1.0", "Transfer-Encoding: chunked\r\n"), 400},
      {"xchunked", with("Transfer-Encoding: xchunked\r\n"), 400},
      {"chunkedchunked", with("Transfer-Encoding: chunkedchunked\r\n"), 400},
      {"identity", with("Transfer-Encoding: identity\r\n"), 400},
      {"gzip alone", with("Transfer-Encoding: gzip\r\n"), 400},
      {"an empty coding", with("Transfer-Encoding:\r\n"), 400},
      {"a list with an empty coding", with("Transfer-Encoding: chunked,\r\n"), 400},
      {"chunked that is not last", with("Transfer-Encoding: chunked, gzip\r\n"), 400},
      {"chunked twice", with("Transfer-Encoding: chunked, chunked\r\n"), 400},
      {"chunked in two fields", with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
      {"chunked, then another field", with("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"),
       400},
      {"a coding of high bytes", with("Transfer-Encoding: chunked\x80\r\n"), 400},
      {"a quoted coding", with("Transfer-Encoding: \"chunked\"\r\n"), 400},
      {"gzip, chunked", with("Transfer-Encoding: gzip, chunked\r\n"), 501},
      {"gzip and chunked in two fields", with("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"),
       501},
      {"a target too long", head("GET /" + std::string(8200, 'a') + " HTTP/1.1"), 414},
      {"too many query keys", head("GET /?" + std::string(1000, '&') + " HTTP/1.1"), 400},
      {"too many fields", with([] {
         std::string fields;
         for (int i = 0; i < 100; ++i) fields += "A: b\r\n";
         return fields;
       }()),
       431},
      {"too large a header", with("A: " + std::string(32 << 10, 'a') + "\r\n"), 431},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(parse(c.bytes, c.bytes.size()).status, c.status);
    EXPECT_EQ(parse(c.bytes, c.bytes.size() > 4000 ? 997 : 1).status, c.status);
  }
}

TEST(RequestParser, TakesWhatIsJustWithinTheLimits) {
  std::string fields;
  for (int i = 0; i < 99; ++i) fields += "A: b\r\n";
  EXPECT_EQ(parse(with(fields), 7).status, 0);
  EXPECT_EQ(parse(head("GET /" + std::string(8191, 'a') + " HTTP/1.1"), 997).status, 0);
  EXPECT_EQ(parse(head("GET /?" + std::string(999, '&') + " HTTP/1.1"), 97).status, 0);
}

TEST(RequestParser, SplitsAnywhereAlike) {
  const std::string bytes = with("Content-Length: 5\r\nA: b\r\n");
  for (std::size_t step = 1; step <= bytes.size(); ++step) EXPECT_EQ(parse(bytes, step).status, 0) << step;
}

}  // namespace
}  // namespace mimus
