// JSON in one form only.
#include "plugins/dedup/canonical.h"

#include <gtest/gtest.h>

namespace mimus::dedup {
namespace {

std::string nested(int depth, char open, char close) {
  return std::string(static_cast<std::size_t>(depth), open) +
         std::string(static_cast<std::size_t>(depth), close);
}

TEST(CanonicalJson, WritesEachValueInOneForm) {
  const struct {
    const char* name;
    std::string text, want;
  } cases[] = {
      {"white space goes", " {\n\t\"a\" : [ 1 , 2 ] }\r\n", R"({"a":[1,2]})"},
      {"members are sorted", R"({"b":1,"a":2})", R"({"a":2,"b":1})"},
      {"sorted at every level", R"({"b":{"d":1,"c":[{"f":1,"e":2}]},"a":0})",
       R"({"a":0,"b":{"c":[{"e":2,"f":1}],"d":1}})"},
      {"arrays keep their order", "[3,1,2]", "[3,1,2]"},
      {"an empty object and array", R"({"b":{},"a":[]})", R"({"a":[],"b":{}})"},
      {"numbers keep their text", "[1.0,1,1e2,-0,0.10]", "[1.0,1,1e2,-0,0.10]"},
      {"words", "[true,false,null]", "[true,false,null]"},
      {"escapes have one spelling", R"(["\u0041\/\u00e9\n"])", "[\"A/\xC3\xA9\\u000a\"]"},
      {"quote and backslash stay escaped", R"(["\u0022\u005c\"\\"])", R"(["\"\\\"\\"])"},
      {"a surrogate pair is one character", R"("\ud83d\ude00")", "\"\xF0\x9F\x98\x80\""},
      {"a lone high surrogate stays itself", R"("\uD800")", R"("\ud800")"},
      {"a lone low surrogate stays itself", R"("\uDC00x")", R"("\udc00x")"},
      {"a high surrogate before another character", R"("\ud800\u0041")", R"("\ud800A")"},
      {"keys are compared unescaped", R"({"\u0062":1,"a":2})", R"({"a":2,"b":1})"},
      {"a key that begins another comes first", R"({"ab":1,"a":2})", R"({"a":2,"ab":1})"},
      {"repeated keys keep their order", R"({"a":2,"b":0,"a":1})", R"({"a":2,"a":1,"b":0})"},
      {"a scalar", " 7 ", "7"},
      {"at the limit of depth", nested(100, '[', ']'), nested(100, '[', ']')},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(canonical_json(c.text), c.want);
  }
}

TEST(CanonicalJson, RefusesWhatIsNotJson) {
  const struct {
    const char* name;
    std::string text;
  } cases[] = {
      {"nothing", ""},
      {"white space", " \n"},
      {"two values", "1 2"},
      {"text after the end", "{}x"},
      {"a NUL after the end", std::string("{}\0", 3)},
      {"a trailing comma in an array", "[1,]"},
      {"a trailing comma in an object", R"({"a":1,})"},
      {"no comma", "[1 2]"},
      {"no colon", R"({"a" 1})"},
      {"a key without quotes", "{a:1}"},
      {"an open array", "[1"},
      {"an open object", R"({"a":1)"},
      {"an open string", R"("abc)"},
      {"a string that ends in a backslash", "\"abc\\"},
      {"a raw control character", "\"a\nb\""},
      {"an unknown escape", R"("\x41")"},
      {"too short an escape", R"("\u41")"},
      {"a bad hex digit", R"("\u00g0")"},
      {"a bad second half of a pair", R"("\ud83d\u00gg")"},
      {"a leading zero", "01"},
      {"a plus", "+1"},
      {"a bare minus", "-"},
      {"no digits after the point", "1."},
      {"no digits before the point", ".5"},
      {"an empty exponent", "1e"},
      {"half a word", "tru"},
      {"a wrong word", "nul1"},
      {"NaN", "NaN"},
      {"single quotes", "'a'"},
      {"mismatched brackets", "[1}"},
      {"beyond the limit of depth", nested(101, '[', ']')},
      {"far beyond the limit of depth", nested(1'000'000, '[', ']')},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(canonical_json(c.text), std::nullopt);
  }
}

}  // namespace
}  // namespace mimus::dedup
