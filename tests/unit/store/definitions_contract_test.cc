// What every DefinitionStore promises.
#include <thread>

#include "tests/unit/store/scratch.h"

namespace mimus {
namespace {

class DefinitionsContract : public DatabaseContract {
 protected:
  DefinitionStore& store() { return database_->definitions(); }

  std::vector<StoredDefinition> each(Kind kind) {
    std::vector<StoredDefinition> out;
    EXPECT_OK(store().each(kind, [&](const StoredDefinition& shown) { out.push_back(shown); }));
    return out;
  }
};
MIMUS_BOTH_DATABASES(DefinitionsContract);

DefinitionWrite api(unsigned id, std::string document = "{}") {
  return {Kind::api, ulid(id), ulid(id), 1, false, std::move(document), {}};
}

DefinitionWrite endpoint(unsigned id, unsigned of, std::string document = "{}") {
  return {
      Kind::endpoint, ulid(id), ulid(of), 3, false, std::move(document), {"GET", "/users/{id}", -7, false}};
}

DefinitionWrite gone(DefinitionWrite write) {
  write.tombstone = true;
  return write;
}

TEST_P(DefinitionsContract, StartsEmptyAtSequenceZero) {
  EXPECT_EQ(store().sequence(), 0u);
  EXPECT_TRUE(each(Kind::api).empty());
  EXPECT_TRUE(store().changes(0, 10)->empty());
}

TEST_P(DefinitionsContract, GivesADocumentBackToTheByte) {
  const std::string documents[] = {"{\"price\": 275.0}\n", "", std::string("\0\xff", 2),
                                   std::string(300'000, 'x')};
  for (unsigned i = 0; i < std::size(documents); ++i) {
    ASSERT_OK(store().commit(std::vector{api(i + 1, documents[i])}, 0));
    const auto stored = store().document(Kind::api, ulid(i + 1));
    ASSERT_OK(stored);
    EXPECT_EQ(*stored, documents[i]) << i;
  }
}

TEST_P(DefinitionsContract, SaysWhatIsNotThere) {
  ASSERT_OK(store().commit(std::vector{api(1)}, 0));
  EXPECT_EQ(store().document(Kind::api, ulid(2)).error().code, Code::not_found);
  EXPECT_EQ(store().document(Kind::endpoint, ulid(1)).error().code, Code::not_found) << "another kind";
}

TEST_P(DefinitionsContract, NumbersChangesAndGivesTheLast) {
  EXPECT_EQ(*store().commit(std::vector{api(1), endpoint(2, 1)}, 0), 2u);
  EXPECT_EQ(*store().commit(std::vector{endpoint(3, 1)}, 0), 3u);
  EXPECT_EQ(*store().commit({}, 0), 3u) << "nothing written";
  EXPECT_EQ(store().sequence(), 3u);
}

TEST_P(DefinitionsContract, ShowsEndpointsByRouteInTheOrderOfIds) {
  ASSERT_OK(store().commit(std::vector{endpoint(9, 1), endpoint(2, 1), api(1)}, 0));
  const auto shown = each(Kind::endpoint);
  ASSERT_EQ(shown.size(), 2u);
  EXPECT_EQ(shown[0].id, ulid(2));
  EXPECT_EQ(shown[1].id, ulid(9));
  EXPECT_EQ(shown[1].api, ulid(1));
  EXPECT_EQ(shown[1].revision, 3u);
  EXPECT_EQ(shown[1].document, "");
  EXPECT_EQ(shown[1].route.method, "GET");
  EXPECT_EQ(shown[1].route.path, "/users/{id}");
  EXPECT_EQ(shown[1].route.priority, -7);
  EXPECT_FALSE(shown[1].route.enabled);
}

TEST_P(DefinitionsContract, ShowsOtherKindsWithTheirDocuments) {
  DefinitionWrite channel = api(5, "{\"c\":1}");
  channel.kind = Kind::channel;
  channel.api = ulid(1);
  ASSERT_OK(store().commit(std::vector{api(1, "{\"a\":1}"), channel}, 0));
  ASSERT_EQ(each(Kind::api).size(), 1u);
  EXPECT_EQ(each(Kind::api)[0].document, "{\"a\":1}");
  ASSERT_EQ(each(Kind::channel).size(), 1u);
  EXPECT_EQ(each(Kind::channel)[0].document, "{\"c\":1}");
  EXPECT_EQ(each(Kind::channel)[0].api, ulid(1));
}

TEST_P(DefinitionsContract, TombstonesTakeDocumentAndRouteAway) {
  ASSERT_OK(store().commit(std::vector{api(1), endpoint(2, 1)}, 0));
  ASSERT_OK(store().commit(std::vector{gone(endpoint(2, 1)), gone(api(1))}, 0));
  EXPECT_TRUE(each(Kind::endpoint).empty());
  EXPECT_TRUE(each(Kind::api).empty());
  EXPECT_EQ(store().document(Kind::endpoint, ulid(2)).error().code, Code::not_found);
}

TEST_P(DefinitionsContract, LaterWritesOfACommitWin) {
  ASSERT_OK(store().commit(std::vector{api(1, "first"), api(1, "second")}, 0));
  EXPECT_EQ(*store().document(Kind::api, ulid(1)), "second");
}

TEST_P(DefinitionsContract, LogsEachChange) {
  ASSERT_OK(store().commit(std::vector{api(1), endpoint(2, 1)}, 77));
  ASSERT_OK(store().commit(std::vector{gone(endpoint(2, 1))}, 88));
  const auto all = store().changes(0, 10);
  ASSERT_OK(all);
  ASSERT_EQ(all->size(), 3u);
  EXPECT_EQ((*all)[1].sequence, 2u);
  EXPECT_EQ((*all)[1].kind, Kind::endpoint);
  EXPECT_EQ((*all)[1].id, ulid(2));
  EXPECT_EQ((*all)[1].revision, 3u);
  EXPECT_EQ((*all)[1].wall_us, 77);
  EXPECT_FALSE((*all)[1].tombstone);
  EXPECT_TRUE((*all)[2].tombstone);
}

TEST_P(DefinitionsContract, GivesChangesAfterASequenceUpToALimit) {
  for (unsigned i = 1; i <= 300; ++i) ASSERT_OK(store().commit(std::vector{api(i)}, 0));
  const struct {
    const char* name;
    std::uint64_t after;
    std::size_t limit, want;
    std::uint64_t first;
  } cases[] = {
      {"from the start", 0, 5, 5, 1},
      {"across a byte of the number", 254, 4, 4, 255},
      {"fewer than asked for", 298, 10, 2, 299},
      {"none left", 300, 10, 0, 0},
      {"beyond the end", UINT64_MAX, 10, 0, 0},
      {"none asked for", 0, 0, 0, 0},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const auto got = store().changes(c.after, c.limit);
    ASSERT_OK(got);
    ASSERT_EQ(got->size(), c.want);
    if (c.want != 0) {
      EXPECT_EQ(got->front().sequence, c.first);
    }
  }
}

TEST_P(DefinitionsContract, CommitsOfManyThreadsGetSequencesOfTheirOwn) {
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (unsigned i = 0; i < 25; ++i) EXPECT_OK(store().commit(std::vector{api(1 + t * 25 + i)}, 0));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(store().sequence(), 100u);
  EXPECT_EQ(store().changes(0, 1000)->size(), 100u);
  EXPECT_EQ(each(Kind::api).size(), 100u);
}

}  // namespace
}  // namespace mimus
