// Endpoint paths parse as defined, and each mistake is named.
#include "host/route/path_pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mimus {
namespace {

/// "=text" for a literal, ":name" for a parameter, "*name" for a tail.
std::vector<std::string> shape(const PathPattern& pattern) {
  std::vector<std::string> out;
  for (const PatternPart& part : pattern) {
    out.push_back("=:*"[static_cast<int>(part.kind)] + part.text);
  }
  return out;
}

struct GoodRow {
  const char* name;
  std::string path;
  std::vector<std::string> shape;
};
void PrintTo(const GoodRow& row, std::ostream* out) { *out << row.name; }
class GoodPath : public ::testing::TestWithParam<GoodRow> {};

TEST_P(GoodPath, Parses) {
  const auto pattern = parse_path_pattern(GetParam().path);
  ASSERT_TRUE(pattern) << pattern.error().message;
  EXPECT_EQ(shape(*pattern), GetParam().shape);
}

INSTANTIATE_TEST_SUITE_P(
    Table, GoodPath,
    ::testing::Values(
        GoodRow{"Root", "/", {}}, GoodRow{"Literals", "/a/b", {"=a", "=b"}},
        GoodRow{"TrailingSlash", "/a/", {"=a", "="}}, GoodRow{"EmptySegment", "/a//b", {"=a", "=", "=b"}},
        GoodRow{"Colon", "/u/:id", {"=u", ":id"}}, GoodRow{"Braces", "/u/{id}/x", {"=u", ":id", "=x"}},
        GoodRow{"Tail", "/f/*rest", {"=f", "*rest"}}, GoodRow{"TailAlone", "/*all", {"*all"}},
        GoodRow{"EscapesAreDecodedOnce", "/a%20b/%2525", {"=a b", "=%25"}},
        GoodRow{"EscapedSlash", "/a%2Fb", {"=a/b"}}, GoodRow{"EscapedColonIsLiteral", "/%3Aid", {"=:id"}},
        GoodRow{"ColonInsideIsLiteral", "/v1:run", {"=v1:run"}},
        GoodRow{"AsteriskInsideIsLiteral", "/a*b", {"=a*b"}}, GoodRow{"Unicode", "/\xC3\xA9", {"=\xC3\xA9"}},
        GoodRow{"Space", "/a b", {"=a b"}}, GoodRow{"SameTextAsLiteralAndName", "/id/:id", {"=id", ":id"}},
        GoodRow{"NamesWithDots", "/:user.id/{a-b_1}", {":user.id", ":a-b_1"}}),
    [](const auto& tested) { return tested.param.name; });

struct BadRow {
  const char* name;
  std::string path;
  std::string message;  ///< A part of it.
};
void PrintTo(const BadRow& row, std::ostream* out) { *out << row.name; }
class BadPath : public ::testing::TestWithParam<BadRow> {};

TEST_P(BadPath, IsRefusedWithItsReason) {
  const auto pattern = parse_path_pattern(GetParam().path);
  ASSERT_FALSE(pattern);
  EXPECT_EQ(pattern.error().code, Code::invalid);
  EXPECT_EQ(pattern.error().pointer, "/path");
  EXPECT_THAT(pattern.error().message, ::testing::HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadPath,
    ::testing::Values(
        BadRow{"Empty", "", "must start with"}, BadRow{"NoSlash", "users", "must start with"},
        BadRow{"ColonWithoutName", "/:", "has no name"}, BadRow{"BracesWithoutName", "/{}", "has no name"},
        BadRow{"TailWithoutName", "/a/*", "has no name"},
        BadRow{"RepeatedName", "/:id/x/{id}", "\"id\" is there twice"},
        BadRow{"RepeatedTailName", "/:id/*id", "\"id\" is there twice"},
        BadRow{"TailNotLast", "/*rest/x", "\"*rest\" must be the last"},
        BadRow{"SlashAfterTail", "/*rest/", "must be the last"}, BadRow{"Question", "/a?b=1", "%3F"},
        BadRow{"Hash", "/a#b", "%23"}, BadRow{"Control", "/a\nb", "control character"},
        BadRow{"Delete", "/a\x7f", "control character"}, BadRow{"Dot", "/a/./b", "dot segments"},
        BadRow{"Dots", "/a/../b", "dot segments"}, BadRow{"EscapedDots", "/a/%2e%2E", "dot segments"},
        BadRow{"BadEscape", "/a%zz", "bad percent-encoding at byte 2"},
        BadRow{"EscapedNul", "/a%00", "bad percent-encoding"}, BadRow{"OpenBrace", "/{id", "mixes braces"},
        BadRow{"CloseBrace", "/id}", "mixes braces"}, BadRow{"BracesInsideText", "/a{id}", "mixes braces"},
        BadRow{"TwoBraces", "/{a}{b}", "mixes braces"}, BadRow{"OddName", "/:a b", "may hold only letters"},
        BadRow{"TooLong", "/" + std::string(9000, 'a'), "longer than 8192"},
        BadRow{"TooManySegments",
               [] {
                 std::string p;
                 for (int i = 0; i < 257; ++i) p += "/a";
                 return p;
               }(),
               "more than 256 segments"}),
    [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace mimus
