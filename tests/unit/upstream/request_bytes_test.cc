// What an outbound request looks like on the wire.
#include "host/upstream/request_bytes.h"

#include <gtest/gtest.h>

#include <vector>

namespace mimus {
namespace {

UpstreamRequest request_to(std::string_view url) {
  UpstreamRequest request;
  request.method = "GET";
  request.url = *Url::parse(url);
  return request;
}

TEST(RequestBytes, LeavesOutWhatSpeaksOfAnotherConnection) {
  const std::vector<Header> headers = {
      {"Accept", "*/*"},
      {"Connection", "close, X-Private"},
      {"x-private", "1"},
      {"Keep-Alive", "a"},
      {"Proxy-Authorization", "b"},
      {"TE", "trailers"},
      {"Trailer", "c"},
      {"Transfer-Encoding", "chunked"},
      {"Upgrade", "websocket"},
      {"Host", "other"},
      {"content-length", "7"},
      {"Expect", "100-continue"},
      {"X-Kept", "1"},
      {"X-Kept", "2"},
  };
  UpstreamRequest request = request_to("http://a:81/p?q=%20");
  request.headers = headers;
  const auto bytes = request_bytes(request);
  ASSERT_TRUE(bytes);
  EXPECT_EQ(*bytes, "GET /p?q=%20 HTTP/1.1\r\nHost: a:81\r\nAccept: */*\r\nX-Kept: 1\r\nX-Kept: 2\r\n\r\n");
}

TEST(RequestBytes, CountsTheBody) {
  UpstreamRequest request = request_to("http://a/");
  request.method = "POST";
  request.has_body = true;
  EXPECT_EQ(*request_bytes(request), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  request.body = "hello";
  EXPECT_EQ(*request_bytes(request), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
}

TEST(RequestBytes, RefusesWhatWouldSplitTheRequest) {
  const struct {
    const char* name;
    std::string_view method;
    Header header;
    const char* path_query;
  } cases[] = {
      {"CR LF in a value", "GET", {"X", "a\r\nY: b"}, "/"},
      {"LF in a value", "GET", {"X", "a\nb"}, "/"},
      {"NUL in a value", "GET", {"X", std::string_view("a\0b", 3)}, "/"},
      {"a colon in a name", "GET", {"X:", "a"}, "/"},
      {"an empty name", "GET", {"", "a"}, "/"},
      {"a space in the method", "GET /", {"X", "a"}, "/"},
      {"an empty method", "", {"X", "a"}, "/"},
      {"CONNECT", "CONNECT", {"X", "a"}, "/"},
      {"a space in the target", "GET", {"X", "a"}, "/ HTTP/1.1"},
      {"LF in the target", "GET", {"X", "a"}, "/\n"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    UpstreamRequest request = request_to("http://a/");
    request.method = c.method;
    request.headers = {&c.header, 1};
    request.url.path_query = c.path_query;
    EXPECT_FALSE(request_bytes(request));
  }
}

}  // namespace
}  // namespace mimus
