// What client bytes may do to the log: nothing.
#include "host/cli/log.h"

#include <gtest/gtest.h>

namespace mimus {
namespace {

TEST(Log, WritesControlCharactersOfTextAsEscapes) {
  EXPECT_EQ(log_line("a\nb\x1b[0m\x7f"), "a\\x0ab\\x1b[0m\\x7f");
  EXPECT_EQ(log_line("plain “text”"), "plain “text”");
}

TEST(Log, EscapesQuotesAndControlCharactersInJson) {
  EXPECT_EQ(log_json("say \"hi\"\\\n"), "say \\\"hi\\\"\\\\\\u000a");
}

TEST(Log, ReplacesBytesThatAreNotUtf8InJson) {
  struct Row {
    const char *name, *text, *out;
  };
  for (const Row& row : {Row{"lone byte",
                             "a\xff"
                             "b",
                             "a\xEF\xBF\xBD"
                             "b"},
                         Row{"cut sequence", "\xe2\x82", "\xEF\xBF\xBD\xEF\xBF\xBD"},
                         Row{"overlong", "\xc0\xaf", "\xEF\xBF\xBD\xEF\xBF\xBD"},
                         Row{"surrogate", "\xed\xa0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
                         Row{"four bytes", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"}}) {
    EXPECT_EQ(log_json(row.text), row.out) << row.name;
  }
}

}  // namespace
}  // namespace mimus
