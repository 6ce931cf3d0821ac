// Finding the endpoint of a request among few and many.
#include <benchmark/benchmark.h>

#include <string>

#include "host/route/definitions.h"

namespace mimus {
namespace {

DefinitionsPtr definitions(std::int64_t endpoints) {
  UlidSource ids(1);
  DefinitionsBuilder builder{HashSeed{}};
  const Ulid api = ids.next(1'000'000);
  const auto document = std::make_shared<const std::string>("{}");
  builder.add_api({api, "bench", {}, 1, document});
  for (std::int64_t i = 0; i < endpoints; ++i) {
    const Status added = builder.add_endpoint(
        {ids.next(1'000'000), api, {"GET", "/things/" + std::to_string(i) + "/parts/:part", 0, true}, 1});
    if (!added) std::abort();
  }
  return builder.finish(1);
}

void route_among(benchmark::State& state) {
  const DefinitionsPtr all = definitions(state.range(0));
  Arena arena;
  for (auto _ : state) {
    arena.reset();
    const auto target = resolve_target("/mock/bench/things/7/parts/bolt", 2, arena);
    const ApiRecord* const api = all->find_api_by_slug(target->segments[1].text);
    const RouteResult found = api->routes.lookup("GET", target->below(2), arena);
    if (found.outcome != RouteOutcome::found) state.SkipWithError("not found");
    benchmark::DoNotOptimize(found.endpoint);
  }
}
BENCHMARK(route_among)->Arg(10)->Arg(10'000)->Arg(100'000);

}  // namespace
}  // namespace mimus
