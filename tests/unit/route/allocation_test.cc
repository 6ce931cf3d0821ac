// What changes and lookups cost, counted in allocations rather than in time.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "host/route/definitions.h"
#include "tests/unit/route/routes.h"

namespace {
std::atomic<std::size_t> allocations{0};
std::atomic<std::size_t> allocated_bytes{0};
}  // namespace

// Not inlined, or g++ 12 pairs the malloc of one with the free of another and warns.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  ++allocations;
  allocated_bytes += bytes;
  if (void* const out = std::malloc(bytes)) return out;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* at) noexcept { std::free(at); }
[[gnu::noinline]] void operator delete(void* at, std::size_t) noexcept { std::free(at); }

namespace mimus {
namespace {

using testing::id_of;
using testing::segments_of;

struct Cost {
  std::size_t allocations = 0, bytes = 0;
};
template <class Act>
Cost cost_of(Act&& act) {
  const Cost before{allocations, allocated_bytes};
  act();
  return {allocations - before.allocations, allocated_bytes - before.bytes};
}

constexpr std::uint64_t siblings = 100000;

EndpointFields fields(std::uint64_t id, std::string path) {
  return {id_of(id), id_of(1), {"GET", std::move(path), 0, true}, 1};
}

DefinitionsPtr with_siblings(std::uint64_t count) {
  DefinitionsBuilder builder(HashSeed{3});
  builder.add_api({id_of(1), "shop", {}, 1, nullptr});
  for (std::uint64_t i = 0; i < count; ++i) {
    EXPECT_TRUE(builder.add_endpoint(fields(i + 2, "/items/item-number-" + std::to_string(i))));
  }
  return builder.finish(count);
}

TEST(Cost, OfAStartWith100000SiblingsIsUnderAKilobyteForEach) {
  DefinitionsPtr snapshot;
  const Cost cost = cost_of([&] { snapshot = with_siblings(siblings); });
  EXPECT_EQ(snapshot->endpoint_count(), siblings);
  // All that was ever asked for, temporaries included; what stays is less.
  EXPECT_LT(cost.bytes / siblings, 2500u);
  EXPECT_LT(cost.allocations / siblings, 40u);
}

TEST(Cost, OfAChangeGrowsWithTheLogarithmOfItsSiblings) {
  const DefinitionsPtr few = with_siblings(100);
  const DefinitionsPtr many = with_siblings(siblings);
  const auto insert = [](const DefinitionsPtr& into) {
    DefinitionsPtr next;
    return cost_of([&] { next = *into->with_endpoint(fields(900000, "/items/fresh"), 900000); });
  };
  const auto remove = [](const DefinitionsPtr& from) {
    DefinitionsPtr next;
    return cost_of([&] { next = *from->without_endpoint(id_of(50), 900000); });
  };
  EXPECT_LT(insert(many).allocations, insert(few).allocations * 4);
  EXPECT_LT(insert(many).bytes, 32768u);
  EXPECT_LT(remove(many).allocations, remove(few).allocations * 4);
  EXPECT_LT(remove(many).bytes, 32768u);
}

TEST(Cost, OfALookupIsNoAllocationOnceTheArenaIsWarm) {
  const DefinitionsPtr snapshot =
      *with_siblings(1000)->with_endpoint(fields(900000, "/users/:id/files/*rest"), 1);
  Arena arena;
  const auto look = [&](std::string_view method, std::string_view path) {
    RouteResult result;
    const Cost cost = cost_of([&] {
      arena.reset();
      const auto target = resolve_target(path, 2, arena);
      const ApiRecord* const api = snapshot->find_api_by_slug(target->segments[1].text);
      result = api->routes.lookup(method, target->below(2), arena);
      EXPECT_TRUE(parse_query("a=%41&b=+", 10, arena));
    });
    return std::pair(result.outcome, cost.allocations);
  };
  look("GET", "/mock/shop/items/item-number-77");
  using Outcome = std::pair<RouteOutcome, std::size_t>;
  EXPECT_EQ(look("GET", "/mock/shop/items/item-number-77"), Outcome(RouteOutcome::found, 0));
  EXPECT_EQ(look("GET", "/mock/shop/users/%41/./files/a/b%20c"), Outcome(RouteOutcome::found, 0));
  EXPECT_EQ(look("POST", "/mock/shop/items/item-number-77"), Outcome(RouteOutcome::wrong_method, 0));
  EXPECT_EQ(look("GET", "/mock/shop/nothing"), Outcome(RouteOutcome::miss, 0));
}

}  // namespace
}  // namespace mimus
