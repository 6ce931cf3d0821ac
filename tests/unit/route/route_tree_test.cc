// Which endpoint answers, row by row.
#include "host/route/route_tree.h"

#include <gtest/gtest.h>

#include "tests/unit/route/routes.h"

namespace mimus {
namespace {

using testing::endpoint;
using testing::pattern_of;
using testing::put;
using testing::segments_of;

struct Defined {
  std::string method, path;
  std::int64_t priority = 0;
};

/// What a lookup comes to, in words: "2 id=7" (the second endpoint, its parameters),
/// "405 GET, HEAD, OPTIONS", "204 …", "404".
std::string outcome(const RouteTree& tree, std::string_view method, std::string_view path) {
  Arena arena;
  const RouteResult result = tree.lookup(method, segments_of(path, arena), arena);
  switch (result.outcome) {
    case RouteOutcome::miss:
      return "404";
    case RouteOutcome::too_ambiguous:
      return "too ambiguous";
    case RouteOutcome::options:
      return "204 " + std::string(result.allow);
    case RouteOutcome::wrong_method:
      return "405 " + std::string(result.allow);
    case RouteOutcome::found:
      break;
  }
  std::string out = std::to_string(result.endpoint->id.bytes[15]);
  for (const PathParam& param : result.params) {
    out += ' ' + std::string(param.name) + '=' + std::string(param.value);
    if (param.raw != param.value) out += '(' + std::string(param.raw) + ')';
  }
  return out;
}

struct Row {
  const char* name;
  std::vector<Defined> defined;  ///< Their ids are 1, 2, 3 …
  std::string method, path;
  std::string expected;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }
class Routes : public ::testing::TestWithParam<Row> {};

TEST_P(Routes, ToWhatTheRowSays) {
  RouteTree tree;
  std::uint64_t id = 0;
  for (const Defined& defined : GetParam().defined) {
    put(tree, endpoint(++id, defined.method, defined.path, defined.priority));
  }
  EXPECT_EQ(outcome(tree, GetParam().method, GetParam().path), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Paths, Routes,
    ::testing::Values(Row{"NothingDefined", {}, "GET", "/a", "404"},
                      Row{"Root", {{"GET", "/"}}, "GET", "/", "1"},
                      Row{"RootIsNotTheRest", {{"GET", "/"}}, "GET", "/a", "404"},
                      Row{"Literal", {{"GET", "/a/b"}}, "GET", "/a/b", "1"},
                      Row{"Shorter", {{"GET", "/a/b"}}, "GET", "/a", "404"},
                      Row{"Longer", {{"GET", "/a"}}, "GET", "/a/b", "404"},
                      Row{"CaseCounts", {{"GET", "/a"}}, "GET", "/A", "404"},
                      Row{"TrailingSlashOfTheRequest", {{"GET", "/a"}}, "GET", "/a/", "404"},
                      Row{"TrailingSlashOfThePath", {{"GET", "/a/"}}, "GET", "/a", "404"},
                      Row{"TrailingSlashOfBoth", {{"GET", "/a/"}}, "GET", "/a/", "1"},
                      Row{"EmptySegment", {{"GET", "/a//b"}}, "GET", "/a//b", "1"},
                      Row{"LiteralComparedDecoded", {{"GET", "/a%20b"}}, "GET", "/%61%20b", "1"},
                      Row{"LiteralWithSlash", {{"GET", "/a%2fb"}}, "GET", "/a%2Fb", "1"},
                      Row{"LiteralWithSlashIsNotTwo", {{"GET", "/a%2Fb"}}, "GET", "/a/b", "404"},
                      Row{"Parameter", {{"GET", "/u/:id"}}, "GET", "/u/7", "1 id=7"},
                      Row{"ParameterDecoded", {{"GET", "/u/{id}"}}, "GET", "/u/a%2Fb", "1 id=a/b(a%2Fb)"},
                      Row{"ParameterIsNotEmpty", {{"GET", "/u/:id"}}, "GET", "/u/", "404"},
                      Row{"TwoParameters", {{"GET", "/:a/x/{b}"}}, "GET", "/1/x/2", "1 a=1 b=2"},
                      Row{"TailOfNone", {{"GET", "/f/*rest"}}, "GET", "/f", "1 rest="},
                      Row{"TailOfAnEmptyOne", {{"GET", "/f/*rest"}}, "GET", "/f/", "1 rest="},
                      Row{"TailOfMany", {{"GET", "/f/*rest"}}, "GET", "/f/a//b/", "1 rest=a//b/"},
                      Row{"TailDecoded", {{"GET", "/f/*rest"}}, "GET", "/f/a%20b/c", "1 rest=a b/c(a%20b/c)"},
                      Row{"TailAtTheRoot", {{"GET", "/*all"}}, "GET", "/", "1 all="},
                      Row{"ParameterThenTail", {{"GET", "/:a/*b"}}, "GET", "/1/2/3", "1 a=1 b=2/3"}),
    [](const auto& tested) { return tested.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Precedence, Routes,
    ::testing::Values(
        Row{"LiteralBeatsParameter", {{"GET", "/u/:id"}, {"GET", "/u/me"}}, "GET", "/u/me", "2"},
        Row{"LiteralBeatsHigherPriority", {{"GET", "/u/:id", 9}, {"GET", "/u/me"}}, "GET", "/u/me", "2"},
        Row{"ParameterBeatsTail", {{"GET", "/u/*all"}, {"GET", "/u/:id"}}, "GET", "/u/1", "2 id=1"},
        Row{"EndBeatsEmptyTail", {{"GET", "/u/*all"}, {"GET", "/u"}}, "GET", "/u", "2"},
        Row{"LeftmostLiteralWins", {{"GET", "/:a/b/c"}, {"GET", "/a/:b/:c"}}, "GET", "/a/b/c", "2 b=b c=c"},
        Row{"BacktracksFromALiteral", {{"GET", "/a/x"}, {"GET", "/:p/b"}}, "GET", "/a/b", "2 p=a"},
        Row{"BacktracksToATail", {{"GET", "/a/b/c"}, {"GET", "/*all"}}, "GET", "/a/b/d", "2 all=a/b/d"},
        Row{"BacktracksForTheMethod", {{"GET", "/a/b"}, {"POST", "/a/:x"}}, "POST", "/a/b", "2 x=b"},
        Row{"ShortTailBeforeNothing", {{"GET", "/a/*t"}, {"GET", "/*all"}}, "GET", "/a/b", "1 t=b"},
        Row{"HigherPriority", {{"GET", "/a", 1}, {"GET", "/a", 5}, {"GET", "/a", 3}}, "GET", "/a", "2"},
        Row{"NegativePriority", {{"GET", "/a"}, {"GET", "/a", -1}}, "GET", "/a", "1"},
        Row{"NewestOfEqualPriority", {{"GET", "/a"}, {"GET", "/a"}, {"GET", "/a"}}, "GET", "/a", "3"},
        Row{"NamesBelongToTheEndpoint", {{"GET", "/:new", 1}, {"GET", "/:old"}}, "GET", "/7", "1 new=7"},
        Row{"MethodBeatsAny", {{"ANY", "/a", 9}, {"GET", "/a"}}, "GET", "/a", "2"},
        Row{"AnyAnswersTheOthers", {{"ANY", "/a"}, {"GET", "/a"}}, "PURGE", "/a", "1"},
        Row{"LiteralAnyBeatsParameterMethod", {{"GET", "/:x"}, {"ANY", "/a"}}, "GET", "/a", "2"}),
    [](const auto& tested) { return tested.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Methods, Routes,
    ::testing::Values(
        Row{"MethodsAreCaseSensitive", {{"GET", "/a"}}, "get", "/a", "405 GET, HEAD, OPTIONS"},
        Row{"WrongMethod", {{"POST", "/a"}}, "GET", "/a", "405 OPTIONS, POST"},
        Row{"WrongMethodListsAllNodes",
            {{"GET", "/a"}, {"PUT", "/:x"}, {"DELETE", "/*t"}},
            "POST",
            "/a",
            "405 DELETE, GET, HEAD, OPTIONS, PUT"},
        Row{"WrongMethodListsOnce",
            {{"GET", "/a"}, {"GET", "/a"}, {"GET", "/:x"}},
            "POST",
            "/a",
            "405 GET, HEAD, OPTIONS"},
        Row{"MissIsNotAWrongMethod", {{"GET", "/a/b"}}, "POST", "/a", "404"},
        Row{"HeadFromGet", {{"GET", "/u/:id"}}, "HEAD", "/u/1", "1 id=1"},
        Row{"HeadDefined", {{"GET", "/a"}, {"HEAD", "/a"}}, "HEAD", "/a", "2"},
        Row{"HeadFromGetBeforeAny", {{"ANY", "/a"}, {"GET", "/a"}}, "HEAD", "/a", "2"},
        Row{"HeadFromAny", {{"ANY", "/a"}}, "HEAD", "/a", "1"},
        Row{"HeadFromLiteralGetBeforeParameterHead", {{"HEAD", "/:x"}, {"GET", "/a"}}, "HEAD", "/a", "2"},
        Row{"Options", {{"GET", "/a"}, {"POST", "/a"}}, "OPTIONS", "/a", "204 GET, HEAD, OPTIONS, POST"},
        Row{"OptionsDefined", {{"GET", "/a"}, {"OPTIONS", "/a"}}, "OPTIONS", "/a", "2"},
        Row{"OptionsFromAny", {{"GET", "/a"}, {"ANY", "/a"}}, "OPTIONS", "/a", "2"},
        Row{"OptionsOfAMiss", {{"GET", "/a"}}, "OPTIONS", "/b", "404"}),
    [](const auto& tested) { return tested.param.name; });

TEST(RouteTree, KeepsOldTreesWhenEndpointsComeAndGo) {
  RouteTree tree;
  const auto first = endpoint(1, "GET", "/u/:id");
  const auto second = endpoint(2, "GET", "/u/me");
  put(tree, first);
  const RouteTree before = tree;
  put(tree, second);
  const RouteTree both = tree;
  EXPECT_TRUE(tree.remove(pattern_of("/u/:id"), *first));
  EXPECT_EQ(outcome(before, "GET", "/u/me"), "1 id=me");
  EXPECT_EQ(outcome(both, "GET", "/u/me"), "2");
  EXPECT_EQ(outcome(both, "GET", "/u/7"), "1 id=7");
  EXPECT_EQ(outcome(tree, "GET", "/u/7"), "404");
}

TEST(RouteTree, RemovesOnlyWhatWasPutAndIsEmptyAgainAfterwards) {
  RouteTree tree;
  std::vector<std::shared_ptr<const EndpointRecord>> records;
  std::uint64_t id = 0;
  for (const char* const path : {"/", "/a", "/a/b", "/a/:x", "/a/*t", "/:y/c", "/*all", "/a"}) {
    records.push_back(endpoint(++id, "GET", path));
    put(tree, records.back());
  }
  EXPECT_FALSE(tree.remove(pattern_of("/a/b/c"), *records[0]));
  EXPECT_FALSE(tree.remove(pattern_of("/a"), *endpoint(99, "GET", "/a")));
  EXPECT_EQ(outcome(tree, "GET", "/a"), "8");
  for (const auto& record : records) EXPECT_TRUE(tree.remove(pattern_of(record->route.path), *record));
  EXPECT_TRUE(tree.empty());
}

/// Every path of `depth` segments that are each "a" or a parameter.
RouteTree ambiguous_tree(unsigned depth) {
  RouteTree tree;
  for (unsigned bits = 0; bits < (1u << depth); ++bits) {
    std::string path;
    for (unsigned i = 0; i < depth; ++i) path += bits & (1u << i) ? "/a" : "/:p" + std::to_string(i);
    put(tree, endpoint(bits, "GET", path));
  }
  return tree;
}

std::string a_path(unsigned depth) {
  std::string out;
  for (unsigned i = 0; i < depth; ++i) out += "/a";
  return out;
}

TEST(RouteTree, AnswersTheAmbiguousAndGivesUpOnlyBeyondItsBound) {
  const RouteTree small = ambiguous_tree(10);
  EXPECT_EQ(outcome(small, "GET", a_path(10)), "255") << "all literals: 0x3ff";
  EXPECT_EQ(outcome(small, "GET", a_path(11)), "404");
  const RouteTree large = ambiguous_tree(13);
  EXPECT_EQ(outcome(large, "GET", a_path(13)), "255");
  EXPECT_EQ(outcome(large, "GET", a_path(14)), "too ambiguous");
}

TEST(RouteTree, RoutesADeepPathOfParametersBesideManyLiterals) {
  RouteTree tree;
  std::string path;
  std::string request;
  for (int depth = 0; depth < 100; ++depth) {
    for (int sibling = 0; sibling < 5; ++sibling)
      put(tree, endpoint(2, "GET", path + "/s" + std::to_string(sibling)));
    path += "/:p" + std::to_string(depth);
    request += "/s1";
  }
  put(tree, endpoint(1, "GET", path + "/end"));
  Arena arena;
  const auto result = tree.lookup("GET", segments_of(request + "/end", arena), arena);
  ASSERT_EQ(result.outcome, RouteOutcome::found);
  EXPECT_EQ(result.params.size(), 100u);
  EXPECT_EQ(outcome(tree, "GET", request + "/no"), "404");
}

}  // namespace
}  // namespace mimus
