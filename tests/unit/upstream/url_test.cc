// Which URLs are taken, and what of them.
#include <gtest/gtest.h>

#include "host/upstream/upstream.h"

namespace mimus {
namespace {

TEST(Url, IsTakenApart) {
  const struct {
    const char* name;
    std::string_view text;
    bool tls;
    const char* host;
    unsigned port;
    const char* authority;
    const char* path_query;
  } cases[] = {
      {"a bare host", "http://example.com", false, "example.com", 80, "example.com", "/"},
      {"https and its port", "https://example.com/a", true, "example.com", 443, "example.com", "/a"},
      {"a port of its own", "http://localhost:8080/a/b", false, "localhost", 8080, "localhost:8080", "/a/b"},
      {"the usual port is left out", "https://a:443/", true, "a", 443, "a", "/"},
      {"the other scheme's port is kept", "https://a:80/", true, "a", 80, "a:80", "/"},
      {"an empty port is the usual one", "http://a:/x", false, "a", 80, "a", "/x"},
      {"scheme and host in lower case", "HTTP://EXAMPLE.Com/Path", false, "example.com", 80, "example.com",
       "/Path"},
      {"a query without a path", "http://a?x=1", false, "a", 80, "a", "/?x=1"},
      {"path and query as they came", "http://a/%7Eb/../c?x=%20&y={z}", false, "a", 80, "a",
       "/%7Eb/../c?x=%20&y={z}"},
      {"no fragment", "http://a/b#c?d", false, "a", 80, "a", "/b"},
      {"an @ in the path", "http://a/@b", false, "a", 80, "a", "/@b"},
      {"IPv6", "http://[::1]:81/", false, "::1", 81, "[::1]:81", "/"},
      {"IPv6 with the usual port", "https://[2001:DB8::1]/", true, "2001:db8::1", 443, "[2001:db8::1]", "/"},
      {"IPv4", "http://10.1.2.3/", false, "10.1.2.3", 80, "10.1.2.3", "/"},
      {"IPv4 as one number", "http://2130706433/", false, "2130706433", 80, "2130706433", "/"},
      {"a name with an underscore and a last dot", "http://my_app.svc./", false, "my_app.svc.", 80,
       "my_app.svc.", "/"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const auto url = Url::parse(c.text);
    ASSERT_TRUE(url) << url.error().message;
    EXPECT_EQ(url->tls, c.tls);
    EXPECT_EQ(url->host, c.host);
    EXPECT_EQ(url->port, c.port);
    EXPECT_EQ(url->authority, c.authority);
    EXPECT_EQ(url->path_query, c.path_query);
  }
}

TEST(Url, IsRefused) {
  const struct {
    const char* name;
    std::string_view text;
  } cases[] = {
      {"empty", ""},
      {"relative", "/a/b"},
      {"without a scheme", "//example.com/"},
      {"another scheme", "ftp://example.com/"},
      {"a file", "file:///etc/passwd"},
      {"one slash", "http:/example.com"},
      {"no host", "http:///a"},
      {"only a port", "http://:80/"},
      {"user information", "http://user:secret@example.com/"},
      {"an empty user", "http://@example.com/"},
      {"a space", "http://example.com/a b"},
      {"a line break", "http://example.com/\r\nHost: b"},
      {"NUL", std::string_view("http://example.com/\0", 20)},
      {"not ASCII", "http://ex\xc3\xa4mple.com/"},
      {"not ASCII in the path", "http://example.com/\xc3\xa4"},
      {"an encoded host", "http://%31%32%37.0.0.1/"},
      {"a backslash in the host", "http://example.com\\@b/"},
      {"an empty label", "http://a..b/"},
      {"port 0", "http://a:0/"},
      {"a port too large", "http://a:65536/"},
      {"a port that is no number", "http://a:8x/"},
      {"a signed port", "http://a:+80/"},
      {"two ports", "http://a:1:2/"},
      {"an open bracket", "http://[::1/"},
      {"a name in brackets", "http://[localhost]/"},
      {"IPv4 in brackets", "http://[127.0.0.1]/"},
      {"text after the bracket", "http://[::1]a/"},
      {"a zone", "http://[fe80::1%25eth0]/"},
      {"IPv6 without brackets", "http://::1/"},
      {"a number too large for an address", "http://4294967296/"},
      {"a byte too large", "http://256.1.1.1/"},
      {"five bytes", "http://1.2.3.4.5/"},
      {"a name that ends in a number", "http://example.1/"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const auto url = Url::parse(c.text);
    ASSERT_FALSE(url);
    EXPECT_EQ(url.error().code, Code::invalid);
  }
}

}  // namespace
}  // namespace mimus
