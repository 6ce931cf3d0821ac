// Entity tags and HTTP dates.
#include "plugins/cdn/conditional.h"

#include <gtest/gtest.h>

namespace mimus::cdn {
namespace {

TEST(Conditional, ATagIsNamed) {
  const struct {
    const char* name;
    const char* field;
    const char* etag;
    bool want;
  } cases[] = {
      {"the same", R"("a")", R"("a")", true},
      {"another", R"("a")", R"("b")", false},
      {"in a list", R"("x", "a" ,"y")", R"("a")", true},
      {"empty list members", R"(,, "a")", R"("a")", true},
      {"weak against strong", R"(W/"a")", R"("a")", true},
      {"strong against weak", R"("a")", R"(W/"a")", true},
      {"a comma inside a tag", R"("a,b")", R"("a,b")", true},
      {"part of a tag", R"("ab")", R"("a")", false},
      {"star", " * ", R"("a")", true},
      {"star names a thing without a tag", "*", "", true},
      {"a list names no thing without a tag", R"("")", "", false},
      {"star is not a list member", R"("x", *)", R"("a")", false},
      {"without quotes", "a", R"("a")", false},
      {"an open quote", R"("x", "a)", R"("a")", false},
      {"lower-case w", R"(w/"a")", R"("a")", false},
      {"empty", "", R"("a")", false},
      {"W/ alone", "W/", R"("a")", false},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(names_tag(c.field, c.etag), c.want);
  }
}

TEST(Conditional, AnHttpDateHasThreeForms) {
  const struct {
    const char* name;
    const char* text;
    std::int64_t want;  // -1: none
  } cases[] = {
      {"IMF-fixdate", "Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
      {"RFC 850", "Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
      {"asctime", "Sun Nov  6 08:49:37 1994", 784111777},
      {"asctime with two digits", "Wed Nov 16 08:49:37 1994", 784975777},
      {"a leap day", "Thu, 29 Feb 2024 00:00:00 GMT", 1709164800},
      {"the beginning", "Thu, 01 Jan 1970 00:00:00 GMT", 0},
      {"a two-digit year of this century", "Monday, 23-Nov-26 00:00:00 GMT", 1795392000},
      {"another zone", "Sun, 06 Nov 1994 08:49:37 CET", -1},
      {"no such month", "Sun, 06 Nox 1994 08:49:37 GMT", -1},
      {"half a month", "Sun, 06 ovD 1994 08:49:37 GMT", -1},
      {"hour 24", "Sun, 06 Nov 1994 24:00:00 GMT", -1},
      {"cut off", "Sun, 06 Nov 1994 08:49", -1},
      {"text after it", "Sun, 06 Nov 1994 08:49:37 GMT x", -1},
      {"a number", "784111777", -1},
      {"short", "Sun", -1},
      {"empty", "", -1},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(http_date(c.text).value_or(-1), c.want);
  }
}

}  // namespace
}  // namespace mimus::cdn
