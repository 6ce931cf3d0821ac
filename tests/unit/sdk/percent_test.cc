// What escapes spell, and what is none.
#include "mimus/percent.h"

#include <gtest/gtest.h>

namespace mimus::percent {
namespace {

TEST(Percent, DecodesOnceAndLeavesWhatIsNoEscape) {
  const struct {
    const char* name;
    std::string_view text, path, query;
  } rows[] = {
      {"nothing", "", "", ""},
      {"no escapes", "a-b", "a-b", "a-b"},
      {"either case", "%2f%2F%C3%a9", "//\xc3\xa9", "//\xc3\xa9"},
      {"a NUL", "a%00b", {"a\0b", 3}, {"a\0b", 3}},
      {"an escaped escape", "%2541", "%41", "%41"},
      {"a plus", "a+b%2B", "a+b+", "a b+"},
      {"no hex digits", "%zz%4g%g4", "%zz%4g%g4", "%zz%4g%g4"},
      {"cut short", "%", "%", "%"},
      {"cut short by one", "a%4", "a%4", "a%4"},
      {"an escape after a percent sign", "%%41", "%A", "%A"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(decoded(row.text), row.path);
    EXPECT_EQ(decoded(row.text, Plus::space), row.query);
  }
}

TEST(Percent, KnowsHexDigits) {
  EXPECT_EQ(hex_value('0'), 0);
  EXPECT_EQ(hex_value('9'), 9);
  EXPECT_EQ(hex_value('a'), 10);
  EXPECT_EQ(hex_value('F'), 15);
  for (const char c : std::string_view("/:@G`g \xc1", 8)) EXPECT_EQ(hex_value(c), -1) << c;
}

}  // namespace
}  // namespace mimus::percent
