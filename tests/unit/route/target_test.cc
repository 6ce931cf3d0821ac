// Targets resolve as the contract says, one row for each rule.
#include "host/route/target.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace mimus {
namespace {

struct PathRow {
  const char* name;
  std::string path;
  std::size_t keep;
  std::optional<std::vector<std::string>> segments;  ///< Nothing: refused.
  std::string dot_free;
};
void PrintTo(const PathRow& row, std::ostream* out) { *out << row.name; }
class ResolvesPaths : public ::testing::TestWithParam<PathRow> {};

TEST_P(ResolvesPaths, AsTheRowSays) {
  const PathRow& row = GetParam();
  Arena arena;
  const auto target = resolve_target(row.path, row.keep, arena);
  ASSERT_EQ(static_cast<bool>(target), row.segments.has_value());
  if (!target) {
    EXPECT_EQ(target.error().code, Code::invalid);
    return;
  }
  std::vector<std::string> texts;
  std::string joined;
  for (const Segment& segment : target->segments) {
    texts.emplace_back(segment.text);
    joined += '/' + std::string(segment.raw);
    EXPECT_GE(segment.raw.data(), target->path.data());
    EXPECT_LE(segment.raw.data() + segment.raw.size(), target->path.data() + target->path.size());
  }
  EXPECT_EQ(texts, *row.segments);
  EXPECT_EQ(target->path, row.dot_free);
  EXPECT_EQ(joined, row.dot_free);
}

using Texts = std::vector<std::string>;
INSTANTIATE_TEST_SUITE_P(
    Table, ResolvesPaths,
    ::testing::Values(
        PathRow{"Root", "/", 0, Texts{""}, "/"}, PathRow{"Plain", "/a/b", 0, Texts{"a", "b"}, "/a/b"},
        PathRow{"TrailingSlashCounts", "/a/b/", 0, Texts{"a", "b", ""}, "/a/b/"},
        PathRow{"EmptySegmentsStay", "/a//b", 0, Texts{"a", "", "b"}, "/a//b"},
        PathRow{"EscapesAreDecoded", "/a%20b/%C3%A9", 0, Texts{"a b", "\xC3\xA9"}, "/a%20b/%C3%A9"},
        PathRow{"EscapedSlashDoesNotSplit", "/a%2Fb/c", 0, Texts{"a/b", "c"}, "/a%2Fb/c"},
        PathRow{"DecodedOnlyOnce", "/a%2520b", 0, Texts{"a%20b"}, "/a%2520b"},
        PathRow{"PlusStays", "/a+b", 0, Texts{"a+b"}, "/a+b"},
        PathRow{"DotIsRemoved", "/a/./b", 0, Texts{"a", "b"}, "/a/b"},
        PathRow{"LastDotLeavesASlash", "/a/.", 0, Texts{"a", ""}, "/a/"},
        PathRow{"LastDotsLeaveASlash", "/a/b/..", 0, Texts{"a", ""}, "/a/"},
        PathRow{"DotsClimb", "/a/b/../c", 0, Texts{"a", "c"}, "/a/c"},
        PathRow{"EscapedDotsClimb", "/a/b/%2e%2E/c", 0, Texts{"a", "c"}, "/a/c"},
        PathRow{"HalfEscapedDotsClimb", "/a/b/.%2e/c", 0, Texts{"a", "c"}, "/a/c"},
        PathRow{"EscapedDotIsRemoved", "/a/%2e/b", 0, Texts{"a", "b"}, "/a/b"},
        PathRow{"DoublyEscapedDotsStay", "/a/%252e%252e/c", 0, Texts{"a", "%2e%2e", "c"}, "/a/%252e%252e/c"},
        PathRow{"ThreeDotsAreAName", "/a/.../b", 0, Texts{"a", "...", "b"}, "/a/.../b"},
        PathRow{"DotFilesStay", "/.git/a.", 0, Texts{".git", "a."}, "/.git/a."},
        PathRow{"EscapesKeepTheirEncodingBesideDots", "/a/./%7eb/../c%20d", 0, Texts{"a", "c d"}, "/a/c%20d"},
        PathRow{"ClimbingAboveTheRoot", "/..", 0, std::nullopt, ""},
        PathRow{"ClimbingAboveTheRootLater", "/a/../../b", 0, std::nullopt, ""},
        PathRow{"ClimbingToThePrefix", "/mock/x/a/../b", 2, Texts{"mock", "x", "b"}, "/mock/x/b"},
        PathRow{"ClimbingOutOfThePrefix", "/mock/x/../y", 2, std::nullopt, ""},
        PathRow{"ClimbingOutOfThePrefixAndBack", "/mock/x/a/../../x/b", 2, std::nullopt, ""},
        PathRow{"ClimbingOutEscaped", "/mock/x/%2e%2e/y", 2, std::nullopt, ""},
        PathRow{"ClimbingWithinThePrefix", "/mock/../mock/x", 2, std::nullopt, ""},
        PathRow{"BadEscape", "/a%zz", 0, std::nullopt, ""},
        PathRow{"TruncatedEscape", "/a%2", 0, std::nullopt, ""},
        PathRow{"BarePercent", "/a%", 0, std::nullopt, ""},
        PathRow{"EscapedNul", "/a%00b", 0, std::nullopt, ""},
        PathRow{"BadEscapeInARemovedSegment", "/a%zz/../b", 0, std::nullopt, ""},
        PathRow{"NoSlashAtTheStart", "a/b", 0, std::nullopt, ""},
        PathRow{"Asterisk", "*", 0, std::nullopt, ""}, PathRow{"Empty", "", 0, std::nullopt, ""}),
    [](const auto& tested) { return tested.param.name; });

std::string repeated(std::string_view piece, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += piece;
  return out;
}

TEST(Target, HoldsAtMost256SegmentsAtATime) {
  Arena arena;
  EXPECT_TRUE(resolve_target(repeated("/a", 256), 0, arena));
  EXPECT_FALSE(resolve_target(repeated("/a", 257), 0, arena));
  EXPECT_FALSE(resolve_target(repeated("/", 257), 0, arena));
  EXPECT_FALSE(resolve_target(repeated("/a", 256) + "/.", 0, arena)) << "its last segment is empty";
  EXPECT_TRUE(resolve_target(repeated("/a/..", 3000), 0, arena));
  EXPECT_TRUE(resolve_target(repeated("/.", 3000), 0, arena));
}

TEST(Target, DoesNotCopyAPlainPath) {
  Arena arena;
  const std::string path = "/mock/shop/users/42";
  const auto target = resolve_target(path, 2, arena);
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path.data(), path.data());
  EXPECT_EQ(target->segments[3].text.data(), path.data() + 17);
}

TEST(Target, IsTheSameBelowItsPrefixWithAndWithoutASlash) {
  struct Row {
    std::string path;
    std::size_t segments_below;
    std::string path_below;
  };
  for (const Row& row :
       {Row{"/mock/x", 0, ""}, Row{"/mock/x/", 0, "/"}, Row{"/mock/x//", 2, "//"}, Row{"/mock/x/a", 1, "/a"},
        Row{"/mock/x/a/", 2, "/a/"}, Row{"/mock/x/./%41/.", 2, "/%41/"}, Row{"/mock", 0, ""}}) {
    Arena arena;
    const auto target = resolve_target(row.path, 2, arena);
    ASSERT_TRUE(target) << row.path;
    EXPECT_EQ(target->below(2).size(), row.segments_below) << row.path;
    EXPECT_EQ(target->path_below(2), row.path_below) << row.path;
  }
}

using Pairs = std::vector<std::pair<std::string, std::string>>;
struct QueryRow {
  const char* name;
  std::string query;
  Pairs pairs;
};
void PrintTo(const QueryRow& row, std::ostream* out) { *out << row.name; }
class ParsesQueries : public ::testing::TestWithParam<QueryRow> {};

TEST_P(ParsesQueries, AsTheRowSays) {
  Arena arena;
  const auto fields = parse_query(GetParam().query, 1000, arena);
  ASSERT_TRUE(fields);
  Pairs pairs;
  for (const QueryField& field : *fields) pairs.emplace_back(field.name, field.value);
  EXPECT_EQ(pairs, GetParam().pairs);
}

INSTANTIATE_TEST_SUITE_P(
    Table, ParsesQueries,
    ::testing::Values(QueryRow{"Empty", "", {}}, QueryRow{"One", "a=1", {{"a", "1"}}},
                      QueryRow{"OrderAndRepetitionStay", "b=2&a=1&b=3", {{"b", "2"}, {"a", "1"}, {"b", "3"}}},
                      QueryRow{"NoEqualsSign", "flag", {{"flag", ""}}}, QueryRow{"NoName", "=x", {{"", "x"}}},
                      QueryRow{"EqualsSignInTheValue", "a=b=c", {{"a", "b=c"}}},
                      QueryRow{"EmptyPairsAreLeftOut", "&&a=1&&", {{"a", "1"}}},
                      QueryRow{"PlusAndEscapes", "a+b=c%20d%2B%26", {{"a b", "c d+&"}}},
                      QueryRow{"DecodedOnlyOnce", "a=%2525", {{"a", "%25"}}},
                      QueryRow{"BadEscapesStay", "a=%zz&b=%4&c=%", {{"a", "%zz"}, {"b", "%4"}, {"c", "%"}}},
                      QueryRow{"SemicolonsDoNotSeparate", "a=1;b=2", {{"a", "1;b=2"}}}),
    [](const auto& tested) { return tested.param.name; });

TEST(Query, HoldsAtMostTheGivenNumberOfFields) {
  Arena arena;
  EXPECT_TRUE(parse_query("a&b&c", 3, arena));
  EXPECT_TRUE(parse_query("a&&&b&c&", 3, arena));
  EXPECT_FALSE(parse_query("a&b&c&d", 3, arena));
}

}  // namespace
}  // namespace mimus
