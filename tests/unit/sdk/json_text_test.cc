// Finding values in JSON source text.
#include "mimus/json_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace mimus::json {
namespace {

TEST(JsonText, AMemberIsItsExactSourceText) {
  const struct {
    const char* name;
    const char* object;
    const char* key;
    const char* want;  // null: there is none
  } cases[] = {
      {"numbers keep their form", R"({"a":275.0})", "a", "275.0"},
      {"exponents too", R"({"a":1E+2,"b":1})", "a", "1E+2"},
      {"white space inside is kept, around it is not", "{ \"a\" :\t{ \"b\" : [ 1 , 2 ] }\n, \"c\":1 }", "a",
       "{ \"b\" : [ 1 , 2 ] }"},
      {"brackets inside strings do not count", R"({"a":{"x":"}]\"{"},"b":2})", "b", "2"},
      {"an escaped key is the same key", R"({"\u0061":1})", "a", "1"},
      {"the last of repeated keys", R"({"a":1,"a":2})", "a", "2"},
      {"inner keys are not members", R"({"x":{"a":1}})", "a", nullptr},
      {"strings keep their quotes and escapes", R"({"a":"\u00e9\n"})", "a", R"("\u00e9\n")"},
      {"literals", R"({"a":null,"b":true})", "a", "null"},
      {"an empty object", "{}", "a", nullptr},
      {"no object", "[1]", "a", nullptr},
      {"nothing", "", "a", nullptr},
      {"cut off after the key", R"({"a")", "a", nullptr},
      {"cut off inside a string", R"({"a":"x)", "a", R"("x)"},
      {"cut off after a backslash", R"({"a":"\)", "a", R"("\)"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const auto got = member(c.object, c.key);
    ASSERT_EQ(got.has_value(), c.want != nullptr);
    if (got) {
      EXPECT_EQ(*got, c.want);
    }
  }
}

TEST(JsonText, ElementsAreShownInOrderUntilToldToStop) {
  const auto all = [](const char* text, std::size_t most) {
    std::vector<std::string> out;
    elements(text, [&](std::string_view e) {
      out.emplace_back(e);
      return out.size() < most;
    });
    return out;
  };
  EXPECT_THAT(all(R"([ 1.0, "a,b" ,[2,3],{"x":[]},null ])", 9),
              ::testing::ElementsAre("1.0", R"("a,b")", "[2,3]", R"({"x":[]})", "null"));
  EXPECT_THAT(all("[1,2,3]", 2), ::testing::ElementsAre("1", "2"));
  EXPECT_THAT(all("[]", 9), ::testing::IsEmpty());
  EXPECT_THAT(all("{}", 9), ::testing::IsEmpty());
}

TEST(JsonText, UnquoteResolvesEscapes) {
  const struct {
    const char* name;
    const char* quoted;
    const char* want;
  } cases[] = {
      {"plain", R"("abc")", "abc"},
      {"short escapes", R"("\"\\\/\b\f\n\r\t")", "\"\\/\b\f\n\r\t"},
      {"two bytes", R"("\u00E9")", "\xC3\xA9"},
      {"three bytes", R"("\u20ac")", "\xE2\x82\xAC"},
      {"a surrogate pair", R"("\ud83d\uDE00!")", "\xF0\x9F\x98\x80!"},
      {"a lone high surrogate", R"("\ud83dx")", "\xEF\xBF\xBDx"},
      {"a lone low surrogate", R"("\ude00")", "\xEF\xBF\xBD"},
      {"a high surrogate before another escape", R"("\ud83d\u0041")",
       "\xEF\xBF\xBD"
       "A"},
      {"empty", R"("")", ""},
      {"nothing", "", ""},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(unquote(c.quoted), c.want);
  }
}

TEST(JsonText, QuoteIsUndoneByUnquote) {
  const std::string text = std::string("a\"\\\n\x01\x1f\0é", 9);
  EXPECT_EQ(unquote(json::quoted(text)), text);
  EXPECT_EQ(json::quoted("a\n"), R"("a\u000a")");
}

TEST(JsonText, QuoteKeepsUtf8AndReplacesWhatIsNone) {
  const struct {
    const char* name;
    std::string_view text;
    std::string_view want;
  } cases[] = {
      {"two, three and four bytes", "\u00e9\u20ac\U0001F600", "\"\u00e9\u20ac\U0001F600\""},
      {"a stray byte",
       "a\xff"
       "b",
       "\"a\uFFFD"
       "b\""},
      {"a sequence that is cut short", "\xe2\x82", "\"\uFFFD\uFFFD\""},
      {"an overlong slash", "\xc0\xaf", "\"\uFFFD\uFFFD\""},
      {"a surrogate", "\xed\xa0\x80", "\"\uFFFD\uFFFD\uFFFD\""},
      {"beyond U+10FFFF", "\xf4\x90\x80\x80", "\"\uFFFD\uFFFD\uFFFD\uFFFD\""},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(json::quoted(c.text), c.want);
  }
}

TEST(JsonText, APointerTokenEscapesWhatWouldSplitIt) {
  EXPECT_EQ(pointer_token("a/b~1"), "a~1b~01");
  EXPECT_EQ(pointer_token(""), "");
}

TEST(JsonText, APointerLeadsToTheSourceOfAValue) {
  const struct {
    const char* name;
    const char* json;
    const char* pointer;
    const char* want;  // null: there is no such thing
  } cases[] = {
      {"the whole", " [1, 2.0] ", "", "[1, 2.0]"},
      {"a member", R"({"a":{"b": 2.50 }})", "/a/b", "2.50"},
      {"the last of repeated ones", R"({"a":1,"a":2})", "/a", "2"},
      {"an element", R"([1,[2,"x"],3])", "/1/1", "\"x\""},
      {"past an array", "[1]", "/1", nullptr},
      {"no leading zero", "[1,2]", "/01", nullptr},
      {"no sign", "[1,2]", "/-", nullptr},
      {"an index too large", "[1]", "/99999999999999999999", nullptr},
      {"an absent member", R"({"a":1})", "/b", nullptr},
      {"an empty key", R"({"":1})", "/", "1"},
      {"below a number", "1", "/a", nullptr},
      {"below a string that holds braces", R"("{\"a\":1}")", "/a", nullptr},
      {"escaped tokens", R"({"x/y":{"m~n":3}})", "/x~1y/m~0n", "3"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const auto tokens = pointer_tokens(c.pointer);
    ASSERT_TRUE(tokens);
    const auto got = at(c.json, *tokens);
    EXPECT_EQ(got.value_or("none"), std::string_view(c.want == nullptr ? "none" : c.want));
  }
  for (const char* wrong : {"a", "/~", "/~2"}) EXPECT_FALSE(pointer_tokens(wrong)) << wrong;
}

}  // namespace
}  // namespace mimus::json
