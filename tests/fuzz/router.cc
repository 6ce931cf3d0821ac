// The route tree: each line of the input adds an endpoint ("GET /a/:b 3", the number is its
// priority), takes one out ("-7"), keeps a snapshot ("=") or looks one up ("?GET /a/b"). What is
// found is what a matcher finds that tries every endpoint.
#include <algorithm>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/route/naive_matcher.h"

namespace mimus::fuzz {
namespace {

using testing::NaiveResult;
using testing::NaiveRoute;

constexpr std::size_t max_endpoints = 48;
constexpr std::size_t max_lookups = 24;
// The tree remembers this many places that matched under other methods, for Allow.
constexpr std::size_t max_allow = 16;

struct Router {
  RouteTree tree;
  std::vector<NaiveRoute> routes;
};

struct Lookup {
  std::string_view method, path;
};

unsigned number(std::string_view text) {
  unsigned out = 0;
  for (const char c : text.substr(0, 4)) out = out * 10 + static_cast<unsigned char>(c) % 10;
  return out;
}

std::string_view take_word(std::string_view& line) {
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(word.size() + 1, line.size()));
  return word;
}

Ulid id_of(std::size_t index) {
  Ulid id;
  id.bytes[14] = static_cast<std::uint8_t>(index >> 8);
  id.bytes[15] = static_cast<std::uint8_t>(index);
  return id;
}

void add(Router& router, std::string_view line, std::size_t index) {
  const std::string_view method = take_word(line), path = take_word(line);
  auto pattern = parse_path_pattern(path);
  if (method.empty() || !pattern) return;
  const auto endpoint = std::make_shared<const EndpointRecord>(EndpointFields{
      id_of(index), id_of(0), {std::string(method), std::string(path), number(line), true}, 1});
  router.tree.put(*pattern, endpoint);
  router.routes.push_back({endpoint, *std::move(pattern)});
}

void remove(Router& router, std::string_view line) {
  if (router.routes.empty()) return;
  const std::size_t victim = number(line) % router.routes.size();
  const NaiveRoute& route = router.routes[victim];
  require(router.tree.remove(route.pattern, *route.endpoint), "what was put can be removed");
  require(!router.tree.remove(route.pattern, *route.endpoint), "but once");
  router.routes.erase(router.routes.begin() + static_cast<std::ptrdiff_t>(victim));
}

void look_up(const Router& router, const Lookup& lookup) {
  Arena arena;
  const auto target = resolve_target(lookup.path, 0, arena);
  if (!target) return;
  const auto segments = target->below(0);
  const RouteResult got = router.tree.lookup(lookup.method, segments, arena);
  if (got.outcome == RouteOutcome::too_ambiguous) return;
  const NaiveResult want = testing::naive_lookup(router.routes, lookup.method, segments);
  require(got.outcome == want.outcome, "the outcome is the same", lookup.path);
  require(got.endpoint == want.endpoint, "the endpoint is the same", lookup.path);
  if (got.outcome == RouteOutcome::found) {
    for (const PathParam& param : got.params) {
      require(target->path.find(param.raw) != std::string_view::npos, "a parameter is of the path",
              param.raw);
    }
  } else if (got.outcome != RouteOutcome::miss && want.matched <= max_allow) {
    require(got.allow == testing::allow_text(want.allow), "the methods are the same", got.allow);
  }
  const auto near = router.tree.near_misses(lookup.method, segments);
  require(near.size() <= 3, "there are at most three near misses");
  for (const NearMiss& miss : near) require(!miss.reason.empty(), "a near miss says why");
}

}  // namespace
}  // namespace mimus::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mimus::fuzz;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  Router router, kept;
  std::vector<Lookup> lookups;
  for (std::size_t index = 1; !input.empty(); ++index) {
    std::string_view line = input.substr(0, input.find('\n'));
    input.remove_prefix(std::min(line.size() + 1, input.size()));
    if (line.starts_with('-')) {
      remove(router, line.substr(1));
    } else if (line.starts_with('=')) {
      kept = router;
    } else if (line.starts_with('?')) {
      line.remove_prefix(1);
      const std::string_view method = take_word(line);
      if (lookups.size() == max_lookups) continue;
      lookups.push_back({method, line});
      look_up(router, lookups.back());
    } else if (router.routes.size() < max_endpoints) {
      add(router, line, index);
    }
  }
  for (const Lookup& lookup : lookups) {
    look_up(router, lookup);
    look_up(kept, lookup);  // Whatever came after it.
  }
  return 0;
}
