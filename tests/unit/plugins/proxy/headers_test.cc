// Header fields on their way to an upstream.
#include "plugins/proxy/headers.h"

#include <gtest/gtest.h>

namespace mimus::proxy {
namespace {

std::string passed(std::string_view rules, const std::vector<std::pair<std::string, std::string>>& request) {
  std::vector<mimus_field> came;
  for (const auto& [name, value] : request) came.push_back(field(name, value));
  const HeaderRules parsed = header_rules(rules, nullptr);
  std::vector<mimus_field> out;
  upstream_fields(parsed, came, out);
  std::string text;
  for (const mimus_field& f : out)
    text += std::string(view(f.name)) + ": " + std::string(view(f.value)) + "|";
  return text;
}

TEST(UpstreamHeaders, AreTheRequestsAfterTheRules) {
  const struct {
    const char* name;
    const char* rules;
    std::vector<std::pair<std::string, std::string>> request;
    const char* want;
  } cases[] = {
      {"as they came", "", {{"X-A", "1"}, {"x-a", "2"}, {"Accept", "*/*"}}, "X-A: 1|x-a: 2|Accept: */*|"},
      {"the hop's own stay here",
       "{}",
       {{"Connection", "close"},
        {"Keep-Alive", "1"},
        {"TE", "trailers"},
        {"Trailer", "X"},
        {"Transfer-Encoding", "chunked"},
        {"Upgrade", "h2c"},
        {"Proxy-Authorization", "a"},
        {"proxy-connection", "a"},
        {"X", "1"}},
       "X: 1|"},
      {"and the host's",
       "{}",
       {{"Host", "a"}, {"content-length", "3"}, {"Expect", "100-continue"}, {"X", "1"}},
       "X: 1|"},
      {"what Connection names",
       "{}",
       {{"X-Hop", "1"},
        {"Connection", "close, x-hop ,"},
        {"connection", "X-Two"},
        {"x-two", "2"},
        {"X", "1"}},
       "X: 1|"},
      {"credentials stay here", "{}", {{"Authorization", "secret"}, {"COOKIE", "a=1"}}, ""},
      {"unless forward names them",
       R"({"forward":["authorization","Cookie"]})",
       {{"Authorization", "secret"}, {"Cookie", "a=1"}},
       "Authorization: secret|Cookie: a=1|"},
      {"one of them",
       R"({"forward":["Cookie"]})",
       {{"Authorization", "secret"}, {"Cookie", "a=1"}},
       "Cookie: a=1|"},
      {"forward does not bring back the hop's own",
       R"({"forward":["Connection","X-Hop"]})",
       {{"Connection", "x-hop"}, {"X-Hop", "1"}},
       ""},
      {"remove", R"({"remove":["x-a"]})", {{"X-A", "1"}, {"X-A", "2"}, {"X-B", "3"}}, "X-B: 3|"},
      {"remove wins over forward", R"({"remove":["Cookie"],"forward":["Cookie"]})", {{"Cookie", "a"}}, ""},
      {"override leaves one", R"({"override":{"X-A":"new"}})", {{"x-a", "1"}, {"X-A", "2"}}, "X-A: new|"},
      {"override also where there was none",
       R"({"override":{"User-Agent":"m\u0069mus"}})",
       {},
       "User-Agent: mimus|"},
      {"add adds one more", R"({"add":{"X-A":"2"}})", {{"X-A", "1"}}, "X-A: 1|X-A: 2|"},
      {"all in turn",
       R"({"add":{"X":"added"},"override":{"X":"over"},"remove":["X"]})",
       {{"X", "came"}},
       "X: over|X: added|"},
      {"own credentials",
       R"({"override":{"Authorization":"Bearer t"}})",
       {{"Authorization", "secret"}},
       "Authorization: Bearer t|"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(passed(c.rules, c.request), c.want);
  }
}

TEST(UpstreamHeaders, NeverHoldWhatARuleMayNotSet) {
  EXPECT_EQ(
      passed(
          R"({"add":{"Host":"a","a b":"c","X":"a\r\nY: b","Transfer-Encoding":"chunked"},"override":{"":"x"}})",
          {}),
      "");
}

}  // namespace
}  // namespace mimus::proxy
