// What is taken as JSON, and what text operations leave alone.
#include "host/admin/json_input.h"

#include <gtest/gtest.h>

#include "mimus/json_text.h"

namespace mimus::admin {
namespace {

TEST(CheckJson, TakesWhatIsJson) {
  const struct {
    const char* name;
    std::string text;
  } cases[] = {
      {"an object", R"({"a":[1,2.50,"x",null,true]})"},
      {"the deepest that is allowed", std::string(5, '[') + std::string(5, ']')},
      {"an escaped NUL", R"("\u0000")"},
      {"UTF-8", "\"\xC3\xA9\xF0\x9F\x98\x80\""},
      {"equal keys in different objects", R"([{"a":1},{"a":{"a":2}}])"},
  };
  for (const auto& c : cases) {
    const auto got = check_json(c.text, 5);
    EXPECT_TRUE(got) << c.name << ": " << got.error().message;
  }
}

TEST(CheckJson, RefusesWhatIsNotAndSaysWhere) {
  const struct {
    const char* name;
    std::string text;
    const char* pointer;
    const char* message;  ///< A part of it.
  } cases[] = {
      {"nothing", "", "", "empty"},
      {"a NUL after the value", std::string("1\0", 2), "", "NUL at byte 1"},
      {"bad UTF-8", "\"\xC3(\"", "", "UTF-8"},
      {"a byte order mark", "\xEF\xBB\xBF{}", "", "byte order mark"},
      {"two values", "{} {}", "", "not JSON at byte"},
      {"a cut value", "{\"a\":", "", "not JSON at byte"},
      {"a repeated key", R"({"a":[0,{"b/c":1,"b/c":2}]})", "/a/1/b~1c", "twice"},
      {"a repeated key spelled otherwise", R"({"a":1,"\u0061":2})", "/a", "twice"},
      {"too deep", "[[[[[[1]]]]]]", "/0/0/0/0/0", "deeper than 5"},
      {"far too deep", std::string(1'000'000, '['), "/0/0/0/0/0", "deeper than 5"},
  };
  for (const auto& c : cases) {
    const auto got = check_json(c.text, 5);
    ASSERT_FALSE(got) << c.name;
    EXPECT_EQ(got.error().pointer, c.pointer) << c.name;
    EXPECT_NE(got.error().message.find(c.message), std::string::npos)
        << c.name << ": " << got.error().message;
  }
}

TEST(MergePatch, FollowsRfc7386AndKeepsBytes) {
  const struct {
    const char* name;
    const char* target;
    const char* patch;
    const char* want;
  } cases[] = {
      {"replaces a value", R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
      {"adds a value", R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
      {"null removes", R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
      {"arrays are replaced whole", R"({"a":["b"]})", R"({"a":[ 1.0 ,null]})", R"({"a":[ 1.0 ,null]})"},
      {"objects are merged below", R"({"a":{"b":"c","d": 1.50 }})", R"({"a":{"b":"x"}})",
       R"({"a":{"b":"x","d":1.50}})"},
      {"null below removes below", R"({"a":{"b":"c"}})", R"({"a":{"b":null}})", R"({"a":{}})"},
      {"an object in place of an array", R"({"a":[1]})", R"({"a":{"b":null,"c":2}})", R"({"a":{"c":2}})"},
      {"nulls of a new object are dropped", R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
      {"what is untouched keeps its bytes", R"({"a":{ "x" : 275.0 },"b":1})", R"({"b":2})",
       R"({"a":{ "x" : 275.0 },"b":2})"},
      {"what is new keeps its bytes", R"({})", R"({"a":{ "x" : [1e2] }})", R"({"a":{ "x" : [1e2] }})"},
      {"an empty patch changes nothing", R"({ "a" : 1 })", "{}", R"({ "a" : 1 })"},
      {"a key that was removed may come again", R"({"a":1})", R"({"a":null,"b":1})", R"({"b":1})"},
  };
  for (const auto& c : cases) EXPECT_EQ(merge_patch(c.target, c.patch), c.want) << c.name;
}

}  // namespace
}  // namespace mimus::admin
