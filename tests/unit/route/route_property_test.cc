// The tree agrees with a matcher that simply tries every endpoint, over random tables.
#include <gtest/gtest.h>

#include <random>

#include "tests/unit/route/naive_matcher.h"
#include "tests/unit/route/routes.h"

namespace mimus {
namespace {

using testing::allow_text;
using testing::endpoint;
using testing::naive_lookup;
using testing::NaiveResult;
using testing::NaiveRoute;
using testing::pattern_of;
using testing::put;
using testing::segments_of;
using Records = std::vector<NaiveRoute>;

constexpr const char* words[] = {"a", "b", "c", "x%20y"};
constexpr const char* methods[] = {"GET", "POST", "HEAD", "ANY", "OPTIONS"};

std::string random_path(std::mt19937& random) {
  std::string path;
  const unsigned depth = random() % 5;
  for (unsigned i = 0; i < depth; ++i) {
    const unsigned kind = random() % 8;
    path += kind < 4   ? "/" + std::string(words[kind])
            : kind < 7 ? "/:" + std::string(1, static_cast<char>('p' + random() % 2)) + std::to_string(i)
                       : "/";
  }
  if (random() % 6 == 0) path += "/*rest";
  return path.empty() ? "/" : path;
}

std::string random_request(std::mt19937& random) {
  std::string path;
  for (unsigned i = random() % 6; i > 0; --i) {
    const unsigned kind = random() % 7;
    path += kind < 4 ? "/" + std::string(words[kind]) : kind == 4 ? "/" : kind == 5 ? "/%61" : "/other";
  }
  return path.empty() ? "/" : path;
}

void expect_same(const RouteTree& tree, const Records& records, std::mt19937& random) {
  const std::string path = random_request(random);
  const std::string_view method = methods[random() % std::size(methods)];
  Arena arena;
  const auto segments = segments_of(path, arena);
  const RouteResult got = tree.lookup(method, segments, arena);
  const NaiveResult wanted = naive_lookup(records, method, segments);
  ASSERT_EQ(got.outcome, wanted.outcome) << method << ' ' << path;
  if (got.outcome == RouteOutcome::found) {
    ASSERT_EQ(got.endpoint, wanted.endpoint) << method << ' ' << path << ": " << got.endpoint->route.path
                                             << " instead of " << wanted.endpoint->route.path;
  } else if (got.outcome != RouteOutcome::miss) {
    ASSERT_EQ(got.allow, allow_text(wanted.allow)) << method << ' ' << path;
  }
  for (const NearMiss& near : tree.near_misses(method, segments)) {
    ASSERT_FALSE(near.reason.empty()) << method << ' ' << path << " near " << near.endpoint->route.path;
  }
}

TEST(RouteTree, AgreesWithTryingEveryEndpoint) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    std::mt19937 random(seed);
    RouteTree tree(HashSeed{seed});
    Records records;
    RouteTree kept;
    Records kept_records;
    for (unsigned id = 1; id <= 60; ++id) {
      if (!records.empty() && random() % 4 == 0) {
        const std::size_t victim = random() % records.size();
        ASSERT_TRUE(tree.remove(records[victim].pattern, *records[victim].endpoint));
        records.erase(records.begin() + static_cast<std::ptrdiff_t>(victim));
      } else {
        const auto record = endpoint(id, methods[random() % std::size(methods)], random_path(random),
                                     static_cast<std::int64_t>(random() % 3));
        records.push_back({record, pattern_of(record->route.path)});
        put(tree, record);
      }
      for (int i = 0; i < 5; ++i)
        ASSERT_NO_FATAL_FAILURE(expect_same(tree, records, random)) << "seed " << seed;
      if (id == 30) {
        kept = tree;
        kept_records = records;
      }
    }
    for (int i = 0; i < 100; ++i)
      ASSERT_NO_FATAL_FAILURE(expect_same(kept, kept_records, random)) << "seed " << seed;
  }
}

}  // namespace
}  // namespace mimus
