// Request heads: views, facts and the default limits. What is refused: request_table.h.
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

TEST(RequestParser, KeepsTheDefaultLimits) {
  const auto get = [](const std::string& target) { return head("GET " + target + " HTTP/1.1"); };
  const auto repeated = [](const std::string& text, std::size_t count) {
    std::string out;
    while (count-- > 0) out += text;
    return out;
  };
  const std::string least = with("A: \r\n");
  const struct {
    const char* name;
    std::string bytes;
    int status;
  } cases[] = {
      {"a target of 8 KiB", get("/" + std::string(8191, 'a')), 0},
      {"a target of 8 KiB and a byte", get("/" + std::string(8192, 'a')), 414},
      {"a thousand query keys", get("/?a" + repeated("&a", 999)), 0},
      {"a thousand query keys and one", get("/?a" + repeated("&a", 1000)), 400},
      {"a hundred fields", with(repeated("A: b\r\n", 99)), 0},
      {"a hundred fields and one", with(repeated("A: b\r\n", 100)), 431},
      {"a header of 32 KiB", with("A: " + std::string(32768 - least.size(), 'a') + "\r\n"), 0},
      {"a header of 32 KiB and a byte", with("A: " + std::string(32769 - least.size(), 'a') + "\r\n"), 431},
      {"a target of 900 KB", "GET /" + std::string(900'000, 'a'), 414},
      {"a field of 900 KB", "GET / HTTP/1.1\r\nA: " + std::string(900'000, 'a'), 431},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(parse(c.bytes, c.bytes.size()).status, c.status);
    EXPECT_EQ(parse(c.bytes, 997).status, c.status);
  }
}

TEST(HeadScan, LooksAtNoByteTwice) {
  std::string bytes = "GET /";
  HeadScan scan;
  const Limits limits;
  for (int i = 0; i < 1000; ++i) {
    bytes += "aaaa";
    ASSERT_EQ(scan.scan(bytes, limits), HeadScan::Found::more) << i;
    std::fill(bytes.begin() + 1, bytes.end(), '\n');  // Would end the line, were it looked at again.
  }
}

}  // namespace
}  // namespace mimus
