// Bringing a JSON body into its one form, for the key of a repeated request.
#include "plugins/dedup/canonical.h"

#include <benchmark/benchmark.h>

#include <string>

namespace {

void canonicalise(benchmark::State& state) {
  std::string text = "{\"z\": 1";
  while (text.size() < static_cast<std::size_t>(state.range(0))) {
    text += ", \"k" + std::to_string(text.size() * 7919 % 1000) +
            "\": {\"b\": [1, 2.50, \"three\"], \"a\": null}";
  }
  text += "}";
  for (auto _ : state) benchmark::DoNotOptimize(mimus::dedup::canonical_json(text));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}
BENCHMARK(canonicalise)->Arg(200)->Arg(10'000);

}  // namespace
