// The persistent containers keep their promises: old copies stay, new ones are right.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "host/route/ordered_set.h"
#include "host/route/persistent_map.h"
#include "tests/unit/route/routes.h"

namespace mimus {
namespace {

using testing::id_of;
using Map = PersistentMap<std::string, const int>;

/// Eight hashes for all keys, which differ in their last bits alone.
struct CollidingHash {
  static std::uint64_t of(HashSeed, std::string_view key) {
    return static_cast<std::uint64_t>(key.empty() ? 0 : key.back() & 7) << 60;
  }
};

template <class AnyMap>
std::map<std::string, int> contents(const AnyMap& map) {
  std::map<std::string, int> out;
  map.each([&](const std::string& key, const std::shared_ptr<const int>& value) {
    EXPECT_TRUE(out.emplace(key, *value).second) << key << " is shown twice";
    return true;
  });
  return out;
}

template <class AnyMap>
void expect_agreement_with_an_ordinary_map() {
  for (const std::uint64_t seed : {0u, 1u, 77u}) {
    std::mt19937 random(static_cast<unsigned>(seed));
    AnyMap map(HashSeed{seed});
    std::map<std::string, int> model;
    std::vector<std::pair<AnyMap, std::map<std::string, int>>> kept;
    for (int step = 0; step < 4000; ++step) {
      const std::string key = "key-" + std::to_string(random() % 700);
      if (random() % 3 == 0) {
        map = map.without(key);
        model.erase(key);
      } else {
        map = map.with(key, std::make_shared<const int>(step));
        model[key] = step;
      }
      ASSERT_EQ(map.size(), model.size());
      const int* const found = map.find(key);
      ASSERT_EQ(found != nullptr, model.contains(key));
      if (step % 400 == 0) kept.emplace_back(map, model);
    }
    EXPECT_EQ(contents(map), model);
    for (const auto& [old, expected] : kept) EXPECT_EQ(contents(old), expected);
    for (const auto& [key, value] : model) EXPECT_EQ(*map.find(key), value);
    while (!model.empty()) {
      EXPECT_TRUE(map.remove(model.begin()->first));
      model.erase(model.begin());
    }
    EXPECT_TRUE(map.empty());
    EXPECT_FALSE(map.remove("key-1"));
    EXPECT_EQ(contents(kept.back().first), kept.back().second);
  }
}

TEST(PersistentMap, AgreesWithAnOrdinaryMapThroughRandomChangesAndKeepsOldCopies) {
  expect_agreement_with_an_ordinary_map<Map>();
}

TEST(PersistentMap, DoesSoWhenHashesCollide) {
  expect_agreement_with_an_ordinary_map<PersistentMap<std::string, const int, CollidingHash>>();
}

TEST(PersistentMap, EditsInPlaceLeaveCopiesAlone) {
  Map map;
  for (int i = 0; i < 1000; ++i) map.slot(std::to_string(i)) = std::make_shared<const int>(i);
  const Map copy = map;
  for (int i = 0; i < 1000; ++i) map.slot(std::to_string(i)) = std::make_shared<const int>(-i);
  map.remove("999");
  EXPECT_EQ(*copy.find("5"), 5);
  EXPECT_EQ(*copy.find("999"), 999);
  EXPECT_EQ(*map.find("5"), -5);
  EXPECT_EQ(copy.size(), 1000u);
  EXPECT_EQ(map.size(), 999u);
}

TEST(PersistentMap, HasTheSameShapeHoweverItCameAbout) {
  const auto order = [](const Map& map) {
    std::vector<std::string> out;
    map.each([&](const std::string& key, const auto&) {
      out.push_back(key);
      return true;
    });
    return out;
  };
  Map direct;
  Map detour;
  for (int i = 0; i < 3000; ++i) detour.slot(std::to_string(i)) = std::make_shared<const int>(i);
  for (int i = 0; i < 3000; ++i) {
    if (i % 10 == 0)
      direct.slot(std::to_string(i)) = std::make_shared<const int>(i);
    else
      EXPECT_TRUE(detour.remove(std::to_string(i)));
  }
  EXPECT_EQ(order(detour), order(direct));
}

TEST(PersistentMap, StopsShowingWhenAsked) {
  Map map;
  for (int i = 0; i < 100; ++i) map.slot(std::to_string(i)) = std::make_shared<const int>(i);
  int shown = 0;
  EXPECT_FALSE(map.each([&](const std::string&, const auto&) { return ++shown < 7; }));
  EXPECT_EQ(shown, 7);
}

TEST(KeyedHash, DependsOnTheSeedAndOnEveryByte) {
  EXPECT_NE(keyed_hash(HashSeed{1}, "users"), keyed_hash(HashSeed{2}, "users"));
  EXPECT_EQ(keyed_hash(HashSeed{1}, "users"), keyed_hash(HashSeed{1}, "users"));
  std::map<std::uint64_t, std::string> seen;
  for (std::size_t size = 0; size < 40; ++size) {
    for (std::size_t at = 0; at <= size; ++at) {
      std::string text(size, '\0');
      if (at < size) text[at] = 1;
      const auto [place, fresh] = seen.emplace(keyed_hash(HashSeed{9}, text), text);
      EXPECT_TRUE(fresh) << size << " bytes, changed at " << at;
    }
  }
}

struct Item {
  Ulid id;
  int value = 0;
};
using Set = OrderedSet<Item, ById>;

std::vector<std::pair<Ulid, int>> walk(const Set& set) {
  std::vector<std::pair<Ulid, int>> out;
  for (const Item* at = set.first(); at != nullptr; at = set.first_after(at->id))
    out.emplace_back(at->id, at->value);
  return out;
}

TEST(OrderedSet, AgreesWithAnOrdinaryMapThroughRandomChangesAndKeepsOldCopies) {
  std::mt19937 random(5);
  Set set;
  std::map<Ulid, int> model;
  std::vector<std::pair<Set, std::map<Ulid, int>>> kept;
  for (int step = 0; step < 4000; ++step) {
    const Ulid id = id_of(random() % 500);
    if (random() % 3 == 0) {
      EXPECT_EQ(set.remove(id), model.erase(id) == 1);
    } else {
      set.put(std::make_shared<const Item>(Item{id, step}));
      model[id] = step;
    }
    ASSERT_EQ(set.size(), model.size());
    if (step % 400 == 0) kept.emplace_back(set, model);
    const Ulid probe = id_of(random() % 500);
    const auto expected = model.lower_bound(probe);
    const Item* const found = set.first_not_before(probe);
    ASSERT_EQ(found != nullptr, expected != model.end());
    if (found != nullptr) {
      ASSERT_EQ(found->id, expected->first);
    }
    ASSERT_EQ(set.find(probe) != nullptr, model.contains(probe));
  }
  kept.emplace_back(set, model);
  for (const auto& [old, expected] : kept) {
    const std::vector<std::pair<Ulid, int>> wanted(expected.begin(), expected.end());
    EXPECT_EQ(walk(old), wanted);
    std::vector<std::pair<Ulid, int>> shown;
    old.each([&](const Item& item) { shown.emplace_back(item.id, item.value); });
    EXPECT_EQ(shown, wanted);
  }
}

}  // namespace
}  // namespace mimus
