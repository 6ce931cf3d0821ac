// The URL that a request is forwarded to.
#include "plugins/proxy/target.h"

#include <gtest/gtest.h>

#include <map>

namespace mimus::proxy {
namespace {

TEST(ProxyTarget, BecomesTheUrlOfARequest) {
  const std::map<std::string, std::string, std::less<>> decoded = {
      {"id", "4 2/ü?#"}, {"name", "a.b~c-d_e"}, {"empty", ""}, {"rest", "x/y z"}};
  const auto parameter = [&](std::string_view name) -> std::string_view {
    const auto found = decoded.find(name);
    return found == decoded.end() ? std::string_view{} : found->second;
  };
  const struct {
    const char* name;
    const char *target, *endpoint, *raw_path, *raw_query, *want;
  } cases[] = {
      {"a base without a path", "https://h.example", "/users/:id", "/users/1", "",
       "https://h.example/users/1"},
      {"a base of a slash", "http://h:8080/", "/users/:id", "/users/1", "", "http://h:8080/users/1"},
      {"a base with a path", "http://h/v1/", "/users/:id", "/users/1", "", "http://h/v1/users/1"},
      {"a base keeps the path's encoding", "http://h/v1/", "/*rest", "/a%2Fb/%C3%BC%20/", "",
       "http://h/v1/a%2Fb/%C3%BC%20/"},
      {"a base at the root of the API", "http://h/v1/", "/", "/", "", "http://h/v1/"},
      {"a base with a query", "http://h/?key=1", "/a", "/a", "", "http://h/a?key=1"},
      {"a base without a path but with a query", "http://h?key=1", "/a", "/a", "x=2", "http://h/a?key=1&x=2"},
      {"a base with what looks like a placeholder", "http://h/{id}/", "/a", "/a", "", "http://h/{id}/a"},
      {"the request's query as it came", "http://h", "/a", "/a", "a=%20+&a=2&b", "http://h/a?a=%20+&a=2&b"},
      {"exact", "http://h/fixed", "/a/b", "/a/b", "", "http://h/fixed"},
      {"exact with both queries", "http://h/fixed?k=v", "/a", "/a", "x=1", "http://h/fixed?k=v&x=1"},
      {"exact with an empty query", "http://h/fixed?", "/a", "/a", "", "http://h/fixed"},
      {"a colon placeholder is encoded", "http://h/u/:id/x", "/users/:id", "/users/1", "",
       "http://h/u/4%202%2F%C3%BC%3F%23/x"},
      {"a braced placeholder", "http://h/u/{name}", "/users/{name}", "/users/1", "", "http://h/u/a.b~c-d_e"},
      {"one form in the target, the other in the path", "http://h/u/{name}", "/users/:name", "/users/1", "",
       "http://h/u/a.b~c-d_e"},
      {"braces inside a segment", "http://h/u/{name}.json", "/users/:name", "/users/1", "",
       "http://h/u/a.b~c-d_e.json"},
      {"two in a segment", "http://h/{name}-{name}", "/users/:name", "/users/1", "",
       "http://h/a.b~c-d_e-a.b~c-d_e"},
      {"a colon inside a segment is text", "http://h/u/x:cancel", "/users/:id", "/users/1", "",
       "http://h/u/x:cancel"},
      {"a lone colon and star are text", "http://h/:/*/x", "/a", "/a", "", "http://h/:/*/x"},
      {"a tail in its own encoding", "http://h/files/*rest", "/get/*rest", "/get/x/y%20z", "",
       "http://h/files/x/y%20z"},
      {"a tail that climbs only when decoded", "http://h/files/*rest", "/get/*rest", "/get/a%2F..%2Fb", "",
       "http://h/files/a%2F..%2Fb"},
      {"an empty tail", "http://h/files/*rest", "/get/*rest", "/get", "", "http://h/files/"},
      {"a tail at the root", "http://h/files/*rest", "/*rest", "/x/y", "", "http://h/files/x/y"},
      {"a tail under the other sign", "http://h/files/:rest", "/get/*rest", "/get/x/y", "",
       "http://h/files/x/y"},
      {"one segment under the tail's sign", "http://h/files/*id", "/get/:id", "/get/1", "",
       "http://h/files/4%202%2F%C3%BC%3F%23"},
      {"a parameter in the endpoint, none in the target", "http://h/x", "/:id", "/1", "", "http://h/x"},
      {"placeholders in the query are text", "http://h/x?a=:id&b={id}", "/:id", "/1", "",
       "http://h/x?a=:id&b={id}"},
      {"the scheme in capitals", "HTTPS://h/x", "/", "/", "", "HTTPS://h/x"},
      {"an IPv6 literal", "http://[::1]:80", "/", "/a", "", "http://[::1]:80/a"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const Result<Target> target = parse_target(c.target, c.endpoint);
    ASSERT_TRUE(target) << target.error().message;
    EXPECT_EQ(target_url(*target, c.raw_path, c.raw_query, parameter), c.want);
  }
}

TEST(ProxyTarget, RefusesWhatCannotBeForwardedTo) {
  const struct {
    const char* name;
    std::string target;
  } cases[] = {
      {"nothing", ""},
      {"no scheme", "example.com/x"},
      {"only a path", "/x"},
      {"another scheme", "ftp://h/x"},
      {"a scheme that begins alike", "httpx://h"},
      {"no host", "http:///x"},
      {"no host before a query", "http://?x"},
      {"only a scheme", "http://"},
      {"a fragment", "http://h/x#y"},
      {"white space", "http://h/a b"},
      {"a line break", "http://h/a\r\nX: y"},
      {"a NUL", std::string("http://h/\0", 10)},
      {"not ASCII", "http://h/ü"},
      {"a backslash", "http://h\\@evil/"},
      {"a parameter that the endpoint has not", "http://h/:other"},
      {"a braced one", "http://h/{other}"},
      {"a tail", "http://h/*other"},
      {"an open brace", "http://h/{id"},
      {"a closing brace alone", "http://h/id}"},
      {"empty braces", "http://h/{}"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_FALSE(parse_target(c.target, "/users/:id"));
  }
}

}  // namespace
}  // namespace mimus::proxy
