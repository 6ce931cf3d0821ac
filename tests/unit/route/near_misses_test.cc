// A miss is explained by what it came near to.
#include <gtest/gtest.h>

#include "tests/unit/route/routes.h"

namespace mimus {
namespace {

using testing::endpoint;
using testing::put;
using testing::segments_of;

struct Row {
  const char* name;
  std::vector<std::pair<std::string, std::string>> defined;
  std::string method, path;
  std::vector<std::string> expected;  ///< "METHOD path: reason", the nearest first.
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }
class NearMisses : public ::testing::TestWithParam<Row> {};

TEST_P(NearMisses, SayWhyEachFailed) {
  RouteTree tree;
  std::uint64_t id = 0;
  for (const auto& [method, path] : GetParam().defined) put(tree, endpoint(++id, method, path));
  Arena arena;
  std::vector<std::string> got;
  for (const NearMiss& near : tree.near_misses(GetParam().method, segments_of(GetParam().path, arena))) {
    got.push_back(near.endpoint->route.method + ' ' + near.endpoint->route.path + ": " + near.reason);
  }
  EXPECT_EQ(got, GetParam().expected);
}

using Lines = std::vector<std::string>;
INSTANTIATE_TEST_SUITE_P(
    Table, NearMisses,
    ::testing::Values(
        Row{"NothingDefined", {}, "GET", "/a", {}},
        Row{"Method", {{"GET", "/a"}}, "POST", "/a", {"GET /a: method is GET, request was POST"}},
        Row{"Spelling",
            {{"GET", "/api/users"}},
            "GET",
            "/api/user",
            {"GET /api/users: segment 2 is \"users\", request has \"user\""}},
        Row{"TooShort",
            {{"GET", "/a/b/:id"}},
            "GET",
            "/a/b",
            {"GET /a/b/:id: path has 3 segments, request has 2"}},
        Row{"TooLong", {{"GET", "/a"}}, "GET", "/a/b", {"GET /a: path has 1 segment, request has 2"}},
        Row{"TrailingSlash",
            {{"GET", "/a"}},
            "GET",
            "/a/",
            {"GET /a: request has a trailing slash, path has none"}},
        Row{"TrailingSlashFirst",
            {{"GET", "/ab/:id"}, {"GET", "/ab"}},
            "GET",
            "/ab/",
            {"GET /ab: request has a trailing slash, path has none",
             "GET /ab/:id: segment 2 (id) is empty in the request"}},
        Row{"NoTrailingSlash",
            {{"GET", "/a/"}},
            "GET",
            "/a",
            {"GET /a/: path has a trailing slash, request has none"}},
        Row{"EmptyParameter",
            {{"GET", "/u/:id/x"}},
            "GET",
            "/u//x",
            {"GET /u/:id/x: segment 2 (id) is empty in the request"}},
        Row{"BeforeATail",
            {{"GET", "/files/*rest"}},
            "GET",
            "/file/a/b",
            {"GET /files/*rest: segment 1 is \"files\", request has \"file\""}},
        Row{"SeveralReasons",
            {{"GET", "/users"}},
            "POST",
            "/user",
            {"GET /users: segment 1 is \"users\", request has \"user\"; method is GET, request was POST"}},
        Row{"AtMostThreeNearestFirst",
            {{"GET", "/users"}, {"GET", "/usrs"}, {"GET", "/uses"}, {"GET", "/orders"}, {"PUT", "/:x"}},
            "GET",
            "/user",
            {"PUT /:x: method is PUT, request was GET",
             "GET /users: segment 1 is \"users\", request has \"user\"",
             "GET /uses: segment 1 is \"uses\", request has \"user\""}},
        Row{"TooFarIsLeftOut", {{"GET", "/a/b/c/d/e/f"}}, "GET", "/x", {}},
        Row{"TooMuchLeftOverIsLeftOut", {{"GET", "/a"}}, "GET", "/a/b/c/d/e/f", {}},
        Row{"WhatMatchesIsNotAMiss",
            {{"GET", "/a"}, {"PUT", "/a"}},
            "GET",
            "/a",
            {"PUT /a: method is PUT, request was GET"}},
        Row{"LongSegmentsAreCut",
            {{"GET", "/a"}},
            "GET",
            "/" + std::string(63, 'z') + "%C3%A9" + std::string(9, 'z'),
            {"GET /a: segment 1 is \"a\", request has \"" + std::string(63, 'z') + "…\""}}),
    [](const auto& tested) { return tested.param.name; });

TEST(NearMisses, StayCheapInALargeTable) {
  RouteTree tree;
  for (std::uint64_t i = 0; i < 300; ++i) {
    for (std::uint64_t j = 0; j < 20; ++j) {
      put(tree, endpoint(i * 20 + j, "GET", "/a" + std::to_string(i) + "/:x/b" + std::to_string(j) + "/c"));
    }
  }
  Arena arena;
  const auto near = tree.near_misses("GET", segments_of("/a1/x/b2/d", arena));
  ASSERT_FALSE(near.empty());
  EXPECT_EQ(near.front().reason, "segment 4 is \"c\", request has \"d\"");
  EXPECT_EQ(near.front().endpoint->route.path, "/a1/:x/b2/c");
}

}  // namespace
}  // namespace mimus
