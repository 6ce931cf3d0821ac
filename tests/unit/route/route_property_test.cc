// The tree agrees with a matcher that simply tries every endpoint, over random tables.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <set>

#include "tests/unit/route/routes.h"

namespace mimus {
namespace {

using testing::endpoint;
using testing::pattern_of;
using testing::put;
using testing::segments_of;
using Record = std::shared_ptr<const EndpointRecord>;
using PartKind = PatternPart::Kind;

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

bool matches(const PathPattern& pattern, std::span<const Segment> segments) {
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i].kind == PartKind::tail) return true;
    if (i >= segments.size()) return false;
    if (pattern[i].kind == PartKind::literal ? pattern[i].text != segments[i].text : segments[i].text.empty())
      return false;
  }
  return pattern.size() == segments.size();
}

/// Literal before parameter before end-with-tail, from the left: smaller wins.
std::vector<int> shape_rank(const PathPattern& pattern) {
  std::vector<int> out;
  for (const PatternPart& part : pattern) out.push_back(static_cast<int>(part.kind) + 1);
  return out;
}

/// 0 for the method itself, then what else answers it; nothing if the endpoint does not.
std::optional<int> method_rank(std::string_view defined, std::string_view method) {
  if (defined == method) return 0;
  if (method == "HEAD" && defined == "GET") return 1;
  if (defined == "ANY") return 2;
  return std::nullopt;
}

struct Expected {
  RouteOutcome outcome = RouteOutcome::miss;
  Record endpoint;
  std::set<std::string> allow;
};

Expected reference(const std::vector<Record>& records, std::string_view method,
                   std::span<const Segment> segments) {
  Expected out;
  const auto rank = [&](const Record& record) {
    return std::tuple(shape_rank(pattern_of(record->route.path)), *method_rank(record->route.method, method),
                      -record->route.priority);
  };
  for (const Record& record : records) {
    if (!matches(pattern_of(record->route.path), segments)) continue;
    out.allow.insert(record->route.method);
    if (record->route.method == "GET") out.allow.insert("HEAD");
    if (!method_rank(record->route.method, method)) continue;
    if (!out.endpoint || rank(record) < rank(out.endpoint) ||
        (rank(record) == rank(out.endpoint) && record->id > out.endpoint->id)) {
      out.endpoint = record;
    }
  }
  if (out.endpoint) {
    out.outcome = RouteOutcome::found;
  } else if (!out.allow.empty()) {
    out.outcome = method == "OPTIONS" ? RouteOutcome::options : RouteOutcome::wrong_method;
    out.allow.insert("OPTIONS");
  }
  return out;
}

std::string joined(const std::set<std::string>& words_in_order) {
  std::string out;
  for (const std::string& word : words_in_order) out += (out.empty() ? "" : ", ") + word;
  return out;
}

void expect_same(const RouteTree& tree, const std::vector<Record>& records, std::mt19937& random) {
  const std::string path = random_request(random);
  const std::string_view method = methods[random() % std::size(methods)];
  Arena arena;
  const auto segments = segments_of(path, arena);
  const RouteResult got = tree.lookup(method, segments, arena);
  const Expected wanted = reference(records, method, segments);
  ASSERT_EQ(got.outcome, wanted.outcome) << method << ' ' << path;
  if (got.outcome == RouteOutcome::found) {
    ASSERT_EQ(got.endpoint, wanted.endpoint.get())
        << method << ' ' << path << ": " << got.endpoint->route.path << " instead of "
        << wanted.endpoint->route.path;
  } else if (got.outcome != RouteOutcome::miss) {
    ASSERT_EQ(got.allow, joined(wanted.allow)) << method << ' ' << path;
  }
  for (const NearMiss& near : tree.near_misses(method, segments)) {
    ASSERT_FALSE(near.reason.empty()) << method << ' ' << path << " near " << near.endpoint->route.path;
  }
}

TEST(RouteTree, AgreesWithTryingEveryEndpoint) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    std::mt19937 random(seed);
    RouteTree tree(HashSeed{seed});
    std::vector<Record> records;
    RouteTree kept;
    std::vector<Record> kept_records;
    for (unsigned id = 1; id <= 60; ++id) {
      if (!records.empty() && random() % 4 == 0) {
        const std::size_t victim = random() % records.size();
        ASSERT_TRUE(tree.remove(pattern_of(records[victim]->route.path), *records[victim]));
        records.erase(records.begin() + static_cast<std::ptrdiff_t>(victim));
      } else {
        records.push_back(endpoint(id, methods[random() % std::size(methods)], random_path(random),
                                   static_cast<std::int64_t>(random() % 3)));
        put(tree, records.back());
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
