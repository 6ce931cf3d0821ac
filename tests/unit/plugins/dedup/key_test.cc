// What belongs to a key.
#include "plugins/dedup/key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mimus::dedup {
namespace {

using ::testing::IsEmpty;

TEST(KeyRules, NameWhatTheDefinitionLooksAt) {
  const struct {
    const char* name;
    const char* fields;
    std::vector<std::string> headers;
    bool address, proxied;
  } cases[] = {
      {"nothing", "{}", {}, false, false},
      {"dedupVary, sorted, once, lower case",
       R"({"dedupVary":["X-B","x-a","X-b"]})",
       {"x-a", "x-b"},
       false,
       false},
      {"a header leaf",
       R"({"responses":[{"when":{"in":"header","name":"X-Role","op":"exists"}}]})",
       {"x-role"},
       false,
       false},
      {"leaves below all, any and not",
       R"({"responses":[{"json":{"when":{"in":"ip"}}},
           {"when":{"all":[{"any":[{"in":"header","name":"A"}]},{"not":{"in":"header","name":"B"}}]}}]})",
       {"a", "b"},
       false,
       false},
      {"an ip leaf",
       R"({"responses":[{"when":{"any":[{"in":"ip","op":"equals","value":"::1"}]}}]})",
       {},
       true,
       false},
      {"leaves that look elsewhere",
       R"({"responses":[{"when":{"all":[{"in":"query","name":"X"},{"in":"cookie","name":"Y"}]}}]})",
       {},
       false,
       false},
      {"an escaped name",
       R"({"responses":[{"when":{"in":"h\u0065ader","name":"X-\u0041"}}]})",
       {"x-a"},
       false,
       false},
      {"proxied", R"({"proxyMode":true})", {}, false, true},
      {"proxied no longer", R"({"proxyMode":false})", {}, false, false},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const KeyRules rules = key_rules("E", 3, c.fields);
    EXPECT_EQ(rules.headers, c.headers);
    EXPECT_EQ(rules.address, c.address);
    EXPECT_EQ(rules.proxied, c.proxied);
    EXPECT_EQ(rules.revision, 3u);
  }
}

TEST(KeyRules, SurviveAWhenThatIsNestedWithoutEnd) {
  std::string when;
  for (int i = 0; i < 10'000; ++i) when += R"({"not":)";
  when += "{}" + std::string(10'000, '}');
  EXPECT_THAT(key_rules("E", 1, R"({"responses":[{"when":)" + when + "}]}").headers, IsEmpty());
}

std::string path_text(std::string_view raw) {
  KeyText text;
  path_parts(raw, text);
  return text.text();
}

TEST(KeyPath, TellsSegmentsApart) {
  EXPECT_EQ(path_text("/a/b"), path_text("/%61/b"));
  EXPECT_EQ(path_text("/a%2fb"), path_text("/a%2Fb"));
  EXPECT_NE(path_text("/a%2Fb"), path_text("/a/b"));
  EXPECT_NE(path_text("/a/b"), path_text("/a/b/"));
  EXPECT_NE(path_text("/ab/c"), path_text("/a/bc"));
  EXPECT_NE(path_text("/%"), path_text("/%25x"));
  EXPECT_EQ(path_text("/%zz%4"), path_text("/%zz%4"));
}

std::string body_text(std::string_view type, std::string_view body) {
  KeyText text;
  body_part(type, body, text);
  return text.text();
}

TEST(KeyBody, IsJsonOrBytes) {
  const struct {
    const char* name;
    const char *type_a, *a, *type_b, *b;
    bool same;
  } cases[] = {
      {"member order", "application/json", R"({"a":1,"b":2})", "application/json", R"({ "b":2, "a":1 })",
       true},
      {"array order", "application/json", "[1,2]", "application/json", "[2,1]", false},
      {"number text", "application/json", "1.0", "application/json", "1", false},
      {"an object of another type", "", R"({"a":1,"b":2})", "application/x-www-form-urlencoded",
       R"({"b":2,"a":1})", true},
      {"a scalar is JSON only by its type", "text/plain", "1 ", "text/plain", "1", false},
      {"a scalar with its type", "application/json; charset=utf-8", "1 ", "Application/JSON", "1", true},
      {"a +json type", "application/vnd.x+json", "1 ", "application/vnd.x+json", "1", true},
      {"bytes", "text/plain", "a  b", "text/plain", "a b", false},
      {"broken JSON is bytes", "application/json", R"({"a":1,})", "application/json", R"({"a":1, })", false},
      {"JSON is not its own bytes", "application/json", "1", "text/plain", "1", false},
      {"no body", "", "", "application/json", "", true},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(body_text(c.type_a, c.a) == body_text(c.type_b, c.b), c.same);
  }
}

TEST(KeyText, HasNoTwoListsOfPartsAlike) {
  KeyText one, two, three;
  one.part("ab");
  one.part("c");
  two.part("a");
  two.part("bc");
  three.part("abc");
  EXPECT_NE(one.text(), two.text());
  EXPECT_NE(one.text(), three.text());
}

}  // namespace
}  // namespace mimus::dedup
