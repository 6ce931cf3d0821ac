// Snapshots: each change makes the next one and leaves the last one as it was.
#include "host/route/definitions.h"

#include <gtest/gtest.h>

#include "tests/unit/route/routes.h"

namespace mimus {
namespace {

using testing::id_of;
using testing::segments_of;

ApiFields api(std::uint64_t id, std::string slug, std::vector<std::string> hosts = {},
              std::uint64_t revision = 1) {
  return {id_of(id), std::move(slug), std::move(hosts), revision, std::make_shared<const std::string>("{}")};
}
EndpointFields endpoint_of(std::uint64_t id, std::uint64_t api_id, std::string path, bool enabled = true,
                           std::uint64_t revision = 1) {
  return {id_of(id), id_of(api_id), {"GET", std::move(path), 0, enabled}, revision};
}
ChannelFields channel_of(std::uint64_t id, std::uint64_t api_id, std::string path) {
  return {id_of(id), id_of(api_id), std::move(path), 1, true, std::make_shared<const std::string>("{}")};
}

template <class T>
T must(Result<T> result) {
  if (!result) ADD_FAILURE() << result.error().message;
  return result ? *std::move(result) : T{};
}

bool routes(const DefinitionsPtr& snapshot, std::string_view slug, std::string_view path) {
  const ApiRecord* const found = snapshot->find_api_by_slug(slug);
  Arena arena;
  return found != nullptr &&
         found->routes.lookup("GET", segments_of(path, arena), arena).outcome == RouteOutcome::found;
}

class Value : public Compiled {
 public:
  explicit Value(int* destroyed) : destroyed_(destroyed) {}
  ~Value() override { ++*destroyed_; }

 private:
  int* destroyed_;
};

TEST(Definitions, FindApisByIdSlugAndHost) {
  const auto snapshot = Definitions::empty(HashSeed{1})->with_api(api(1, "shop", {"shop.test", "[::1]"}), 7);
  EXPECT_EQ(snapshot->sequence(), 7u);
  ASSERT_NE(snapshot->find_api_by_slug("shop"), nullptr);
  EXPECT_EQ(snapshot->find_api(id_of(1)), snapshot->find_api_by_slug("shop"));
  for (const char* const host :
       {"shop.test", "SHOP.Test", "shop.test:8080", "shop.test.", "[::1]", "[::1]:80"}) {
    EXPECT_EQ(snapshot->find_api_by_host(host), snapshot->find_api(id_of(1))) << host;
  }
  for (const std::string& host : {std::string("other.test"), std::string(""), std::string("["),
                                  std::string("shop"), std::string(3000, 'a')}) {
    EXPECT_EQ(snapshot->find_api_by_host(host), nullptr) << host;
  }
}

TEST(Definitions, GiveAnApiItsNewNamesAndKeepItsEndpoints) {
  auto snapshot = Definitions::empty({})->with_api(api(1, "old", {"old.test"}), 1);
  snapshot = must(snapshot->with_endpoint(endpoint_of(10, 1, "/a"), 2));
  const auto renamed = snapshot->with_api(api(1, "new", {"new.test"}, 2), 3);
  EXPECT_EQ(renamed->find_api_by_slug("old"), nullptr);
  EXPECT_EQ(renamed->find_api_by_host("old.test"), nullptr);
  EXPECT_NE(renamed->find_api_by_host("new.test"), nullptr);
  EXPECT_TRUE(routes(renamed, "new", "/a"));
  EXPECT_EQ(renamed->find_api(id_of(1))->endpoints.size(), 1u);
  EXPECT_EQ(renamed->apis().size(), 1u);
  EXPECT_TRUE(routes(snapshot, "old", "/a")) << "the old snapshot has changed";
}

TEST(Definitions, RouteEndpointsAsTheyComeChangeAndGo) {
  const auto start = Definitions::empty({})->with_api(api(1, "shop"), 1);
  const auto added = must(start->with_endpoint(endpoint_of(10, 1, "/a"), 2));
  const auto moved = must(added->with_endpoint(endpoint_of(10, 1, "/b", true, 2), 3));
  const auto disabled = must(moved->with_endpoint(endpoint_of(10, 1, "/b", false, 3), 4));
  const auto enabled = must(disabled->with_endpoint(endpoint_of(10, 1, "/b", true, 4), 5));
  const auto removed = must(enabled->without_endpoint(id_of(10), 6));
  struct Row {
    const char* name;
    DefinitionsPtr snapshot;
    bool a, b, known;
  };
  for (const Row& row :
       {Row{"start", start, false, false, false}, Row{"added", added, true, false, true},
        Row{"moved", moved, false, true, true}, Row{"disabled", disabled, false, false, true},
        Row{"enabled", enabled, false, true, true}, Row{"removed", removed, false, false, false}}) {
    EXPECT_EQ(routes(row.snapshot, "shop", "/a"), row.a) << row.name;
    EXPECT_EQ(routes(row.snapshot, "shop", "/b"), row.b) << row.name;
    EXPECT_EQ(row.snapshot->find_endpoint(id_of(10)) != nullptr, row.known) << row.name;
    EXPECT_EQ(row.snapshot->find_api(id_of(1))->endpoints.size(), row.known ? 1u : 0u) << row.name;
    EXPECT_EQ(row.snapshot->endpoint_count(), row.known ? 1u : 0u) << row.name;
    EXPECT_EQ(row.snapshot->find_api(id_of(1)), row.snapshot->find_api_by_slug("shop")) << row.name;
  }
}

TEST(Definitions, RefuseWhatDoesNotFit) {
  auto snapshot = Definitions::empty({})->with_api(api(1, "one"), 1)->with_api(api(2, "two"), 2);
  snapshot = must(snapshot->with_endpoint(endpoint_of(10, 1, "/a"), 3));
  snapshot = must(snapshot->with_channel(channel_of(20, 1, "/ws/a"), 4));
  const auto code = [](const auto& result) { return result ? -1 : static_cast<int>(result.error().code); };
  EXPECT_EQ(code(snapshot->with_endpoint(endpoint_of(11, 9, "/a"), 5)), static_cast<int>(Code::not_found));
  EXPECT_EQ(code(snapshot->with_endpoint(endpoint_of(10, 2, "/a"), 5)), static_cast<int>(Code::conflict));
  EXPECT_EQ(code(snapshot->with_endpoint(endpoint_of(11, 1, "/:"), 5)), static_cast<int>(Code::invalid));
  EXPECT_EQ(code(snapshot->with_channel(channel_of(21, 9, "/ws/b"), 5)), static_cast<int>(Code::not_found));
  EXPECT_EQ(code(snapshot->with_channel(channel_of(20, 2, "/ws/b"), 5)), static_cast<int>(Code::conflict));
  EXPECT_EQ(code(snapshot->without_api(id_of(9), 5)), static_cast<int>(Code::not_found));
  EXPECT_EQ(code(snapshot->without_endpoint(id_of(9), 5)), static_cast<int>(Code::not_found));
  EXPECT_EQ(code(snapshot->without_channel(id_of(9), 5)), static_cast<int>(Code::not_found));
}

TEST(Definitions, TakeAnApisEndpointsAndChannelsAlong) {
  auto snapshot =
      Definitions::empty({})->with_api(api(1, "one", {"one.test"}), 1)->with_api(api(2, "two"), 2);
  snapshot = must(snapshot->with_endpoint(endpoint_of(10, 1, "/a"), 3));
  snapshot = must(snapshot->with_endpoint(endpoint_of(11, 2, "/a"), 4));
  snapshot = must(snapshot->with_channel(channel_of(20, 1, "/ws/a"), 5));
  const auto after = must(snapshot->without_api(id_of(1), 6));
  EXPECT_EQ(after->find_api(id_of(1)), nullptr);
  EXPECT_EQ(after->find_api_by_slug("one"), nullptr);
  EXPECT_EQ(after->find_api_by_host("one.test"), nullptr);
  EXPECT_EQ(after->find_endpoint(id_of(10)), nullptr);
  EXPECT_EQ(after->find_channel(id_of(20)), nullptr);
  EXPECT_EQ(after->find_channel_by_path("/ws/a"), nullptr);
  EXPECT_TRUE(routes(after, "two", "/a"));
  EXPECT_NE(snapshot->find_channel_by_path("/ws/a"), nullptr);
}

TEST(Definitions, FindChannelsByTheirPathsAsTheyChange) {
  auto snapshot = Definitions::empty({})->with_api(api(1, "one"), 1);
  const auto added = must(snapshot->with_channel(channel_of(20, 1, "/ws/a"), 2));
  const auto moved = must(added->with_channel(channel_of(20, 1, "/ws/b"), 3));
  const auto removed = must(moved->without_channel(id_of(20), 4));
  EXPECT_EQ(added->find_channel_by_path("/ws/a"), added->find_channel(id_of(20)));
  EXPECT_EQ(moved->find_channel_by_path("/ws/a"), nullptr);
  EXPECT_EQ(moved->find_channel_by_path("/ws/b"), moved->find_channel(id_of(20)));
  EXPECT_EQ(moved->find_api(id_of(1))->channels.size(), 1u);
  EXPECT_EQ(removed->find_channel_by_path("/ws/b"), nullptr);
  EXPECT_EQ(removed->channels().size(), 0u);
}

TEST(Definitions, ListEndpointsPageByPageInTheOrderOfIds) {
  DefinitionsBuilder builder(HashSeed{2});
  builder.add_api(api(1, "one"));
  for (std::uint64_t i = 0; i < 500; ++i) {
    ASSERT_TRUE(builder.add_endpoint(endpoint_of(1000 + (i * 37) % 500, 1, "/e" + std::to_string(i))));
  }
  const auto snapshot = builder.finish(500);
  const auto& endpoints = snapshot->find_api(id_of(1))->endpoints;
  Ulid cursor{};
  std::uint64_t expected = 1000;
  for (const EndpointRecord* at = endpoints.first_after(cursor); at != nullptr;
       at = endpoints.first_after(cursor)) {
    EXPECT_EQ(at->id, id_of(expected++));
    cursor = at->id;
  }
  EXPECT_EQ(expected, 1500u);
}

TEST(Definitions, AreTheSameFromTheBuilderAndFromSteps) {
  DefinitionsBuilder builder(HashSeed{2});
  builder.add_api(api(1, "one", {"one.test"}));
  EXPECT_TRUE(builder.add_endpoint(endpoint_of(10, 1, "/a/:id")));
  EXPECT_TRUE(builder.add_endpoint(endpoint_of(11, 1, "/off", false)));
  EXPECT_TRUE(builder.add_channel(channel_of(20, 1, "/ws/a")));
  EXPECT_FALSE(builder.add_endpoint(endpoint_of(12, 9, "/a")));
  EXPECT_FALSE(builder.add_channel(channel_of(21, 9, "/ws/b")));
  EXPECT_FALSE(builder.add_endpoint(endpoint_of(12, 1, "no slash")));
  const auto built = builder.finish(42);
  EXPECT_EQ(built->sequence(), 42u);
  EXPECT_TRUE(routes(built, "one", "/a/7"));
  EXPECT_FALSE(routes(built, "one", "/off"));
  EXPECT_EQ(built->find_api_by_host("one.test")->endpoints.size(), 2u);
  EXPECT_NE(built->find_channel_by_path("/ws/a"), nullptr);
  const auto next = must(built->with_endpoint(endpoint_of(13, 1, "/b"), 43));
  EXPECT_FALSE(routes(built, "one", "/b"));
  EXPECT_TRUE(routes(next, "one", "/b"));
  EXPECT_TRUE(routes(next, "one", "/a/7"));
}

TEST(Definitions, TakeManyEndpointsInOneEditAndLeaveTheBaseAsItWas) {
  auto base = Definitions::empty(HashSeed{4})->with_api(api(1, "one"), 1)->with_api(api(2, "two"), 2);
  base = must(base->with_endpoint(endpoint_of(10, 1, "/old"), 3));
  base = must(base->with_endpoint(endpoint_of(11, 2, "/kept"), 4));
  DefinitionsPtr next;
  {
    DefinitionsEdit edit(base);
    EXPECT_TRUE(edit.put_endpoint(endpoint_of(10, 1, "/new", true, 2), 5));
    for (std::uint64_t i = 0; i < 300; ++i) {  // the two APIs in turn
      EXPECT_TRUE(edit.put_endpoint(endpoint_of(100 + i, 1 + i % 2, "/e" + std::to_string(i)), 6 + i));
    }
    EXPECT_FALSE(edit.put_endpoint(endpoint_of(10, 2, "/stolen"), 999));
    EXPECT_FALSE(edit.put_endpoint(endpoint_of(12, 9, "/lost"), 999));
    EXPECT_FALSE(edit.put_endpoint(endpoint_of(12, 1, "no slash"), 999));
    next = edit.staged();
  }
  EXPECT_EQ(next->sequence(), 305u);
  EXPECT_EQ(next->endpoint_count(), 302u);
  EXPECT_EQ(next->find_api(id_of(1))->endpoints.size(), 151u);
  EXPECT_EQ(next->find_api(id_of(2)), next->find_api_by_slug("two"));
  EXPECT_TRUE(routes(next, "one", "/new"));
  EXPECT_FALSE(routes(next, "one", "/old"));
  EXPECT_TRUE(routes(next, "one", "/e298"));
  EXPECT_TRUE(routes(next, "two", "/e299"));
  EXPECT_TRUE(routes(next, "two", "/kept"));
  EXPECT_EQ(base->sequence(), 4u);
  EXPECT_EQ(base->endpoint_count(), 2u);
  EXPECT_TRUE(routes(base, "one", "/old"));
  EXPECT_FALSE(routes(base, "one", "/new"));
  EXPECT_FALSE(routes(base, "two", "/e1"));
}

TEST(Definitions, CarryWhatWasCompiledAsLongAsTheRevisionStays) {
  int destroyed = 0;
  auto snapshot = Definitions::empty({})->with_api(api(1, "one"), 1);
  snapshot = must(snapshot->with_endpoint(endpoint_of(10, 1, "/a"), 2));
  const Compiled* const of_api =
      snapshot->find_api(id_of(1))->cell->fill(std::make_unique<Value>(&destroyed));
  const Compiled* const of_endpoint =
      snapshot->find_endpoint(id_of(10))->cell.fill(std::make_unique<Value>(&destroyed));
  snapshot = must(snapshot->with_endpoint(endpoint_of(11, 1, "/b"), 3));
  EXPECT_EQ(snapshot->find_api(id_of(1))->cell->get(), of_api);
  EXPECT_EQ(snapshot->find_endpoint(id_of(10))->cell.get(), of_endpoint);
  EXPECT_EQ(destroyed, 0);
  snapshot = must(snapshot->with_endpoint(endpoint_of(10, 1, "/a", true, 2), 4));
  EXPECT_EQ(snapshot->find_endpoint(id_of(10))->cell.get(), nullptr);
  EXPECT_EQ(destroyed, 1) << "nobody holds the old revision any more";
  snapshot = snapshot->with_api(api(1, "one", {}, 2), 5);
  EXPECT_EQ(snapshot->find_api(id_of(1))->cell->get(), nullptr);
  EXPECT_EQ(destroyed, 2);
}

TEST(CompiledCell, KeepsTheFirstAndReplacesOnlyWhenAsked) {
  int destroyed = 0;
  {
    const CompiledCell cell;
    EXPECT_EQ(cell.get(), nullptr);
    const Compiled* const first = cell.fill(std::make_unique<Value>(&destroyed));
    EXPECT_EQ(cell.fill(std::make_unique<Value>(&destroyed)), first);
    EXPECT_EQ(destroyed, 1) << "the second was not kept";
    const auto old = cell.replace(std::make_unique<Value>(&destroyed));
    EXPECT_EQ(old.get(), first);
    EXPECT_NE(cell.get(), first);
  }
  EXPECT_EQ(destroyed, 3);
}

}  // namespace
}  // namespace mimus
