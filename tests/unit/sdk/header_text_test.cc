// Header fields as text.
#include "mimus/header_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace mimus::header {
namespace {

using ::testing::ElementsAre;

TEST(HeaderText, AListHasAToken) {
  const struct {
    const char* name;
    const char* value;
    const char* token;
    bool want;
  } cases[] = {
      {"alone", "gzip", "gzip", true},
      {"another case", "No-Transform", "no-transform", true},
      {"in the middle", "a, b ,c", "b", true},
      {"after a tab", "a,\tb", "b", true},
      {"with an argument", "max-age=5", "max-age", true},
      {"with a parameter", "gzip ;q=1", "gzip", true},
      {"an argument is no token", "private=x", "x", false},
      {"a part of a token", "no-transformation", "no-transform", false},
      {"empty members", ",, ,a", "a", true},
      {"an empty value", "", "a", false},
      {"an empty token", "a,,b", "", false},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(lists(c.value, c.token), c.want);
  }
}

TEST(HeaderText, MembersAreTrimmedAndNeverEmpty) {
  std::vector<std::string> shown;
  members(" a ;q=1 ,, b\t,", [&](std::string_view member) { shown.emplace_back(member); });
  EXPECT_THAT(shown, ElementsAre("a ;q=1", "b"));
}

TEST(HeaderText, ATokenHasOnlyTheCharactersOfOne) {
  const struct {
    const char* name;
    const char* text;
    bool want;
  } cases[] = {
      {"a header name", "X-Mock_1", true},
      {"every sign", "!#$%&'*+-.^_`|~", true},
      {"empty", "", false},
      {"a space", "a b", false},
      {"a colon", "a:", false},
      {"a letter beyond ASCII", "\xc3\xa9", false},
      {"a control character", "a\x7f", false},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(is_token(c.text), c.want);
  }
}

TEST(HeaderText, NamesAreComparedWithoutRegardToAsciiCase) {
  EXPECT_TRUE(same_name("ETag", "etag"));
  EXPECT_FALSE(same_name("ETag", "ETags"));
  EXPECT_FALSE(same_name("[", "{"));  // 0x5B and 0x7B differ by the bit that letters differ by
}

}  // namespace
}  // namespace mimus::header
