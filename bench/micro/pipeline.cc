// A routed request through its bound plugins to a whole answer, without sockets.
#include <benchmark/benchmark.h>

#include "host/net/server.h"
#include "host/pipeline/flow.h"
#include "host/pipeline/http_table.h"
#include "host/pipeline/worker.h"
#include "host/plugin/crash_page.h"
#include "store/database.h"

extern "C" {
#define PASSING(n) const mimus_plugin* passing_entry_##n(std::uint32_t, std::uint32_t)
PASSING(0);
PASSING(1);
PASSING(2);
PASSING(3);
PASSING(4);
PASSING(5);
PASSING(6);
PASSING(7);
PASSING(8);
PASSING(9);
#undef PASSING
}

namespace mimus {
namespace {

/// Takes whole answers and ends the exchange.
class Sink final : public ResponseSink {
 public:
  explicit Sink(Exchange& exchange) : exchange_(exchange) {}
  void want_body(std::size_t) override {}
  void send(std::string_view body) override {
    bytes_ += body.size();
    static_cast<Responder*>(exchange_.state)->on_end();
  }
  void begin(std::int64_t) override {}
  bool write(std::string_view) override { return true; }
  void finish() override {}
  void abort() override {}
  void upgrade(const std::vector<Header>&, std::unique_ptr<Takeover>) override {}
  bool hand_over(unsigned) override { return false; }
  std::size_t bytes() const { return bytes_; }

 private:
  Exchange& exchange_;
  std::size_t bytes_ = 0;
};

void quiet(mimus_log_level, std::string_view) {}

/// What WorkerContext wants and no plain mock uses.
class NoUpstream final : public Upstream {
 public:
  Id start(const UpstreamRequest&, UpstreamReceiver&) override { return 0; }
  void cancel(Id) override {}
  void pause(Id) override {}
  void resume(Id) override {}
  void send(Id, std::string_view) override {}
  std::size_t queued(Id) const override { return 0; }
  void finish(Id) override {}
};

/// A plugin that passes, from its file or linked in: what a slot itself costs.
PluginSource passing(int n, bool loaded) {
  constexpr mimus_entry_fn entries[] = {passing_entry_0, passing_entry_1, passing_entry_2, passing_entry_3,
                                        passing_entry_4, passing_entry_5, passing_entry_6, passing_entry_7,
                                        passing_entry_8, passing_entry_9};
  const std::string number = std::to_string(n);
  auto manifest = parse_manifest(
      R"({"id":"bench.passing)" + number + R"(","version":"1.0.0","abi":{"major":)" +
      std::to_string(MIMUS_ABI_MAJOR) + R"(,"minor":)" + std::to_string(MIMUS_ABI_MINOR) +
      R"(},"summary":"Passes","order":{"phase":"traffic"},"fail":"open","fields":{"endpoint":{"b)" + number +
      R"(":{}}}})");
  PluginSource out;
  if (manifest) out.manifest = std::move(*manifest);
  out.builtin = true;
  if (loaded) {
    out.file = MIMUS_PASSING_DIRECTORY "/passing_" + number + ".so";
  } else {
    out.entry = entries[n];
  }
  return out;
}

void run_a_pipeline(benchmark::State& state) {
  use_crash_page(make_crash_page());
  FakeClock clock;
  Metrics metrics;
  const Limits limits;
  const AddressPolicy addresses;
  const auto database = memory_database(clock);
  PluginServices services;
  services.clock = &clock;
  services.kv = &database->kv();
  services.metrics = &metrics;
  services.addresses = &addresses;
  services.extension = exchange_extension;
  services.log = quiet;
  auto sources = find_plugins(MIMUS_PLUGIN_DIRECTORY, {});
  if (!sources) return state.SkipWithError(sources.error().message.c_str());
  for (int n = 0; n < static_cast<int>(state.range(1)); ++n)
    sources->push_back(passing(n, state.range(2) != 0));
  auto plugins = PluginHost::load(std::move(*sources), services, [](const OptionSpec& o) {
    return o.fallback.starts_with("\"@share/") ? std::string("\"share/mimus/country.mmdb\"") : o.fallback;
  });
  if (!plugins) return state.SkipWithError(plugins.error().message.c_str());

  UlidSource ids(1);
  const Ulid api_id = ids.next(clock.wall_us());
  const Ulid id = ids.next(clock.wall_us());
  const std::string_view cors = state.range(0) != 0 ? "true" : "false";
  const auto api = std::make_shared<const std::string>("{\"cors\":" + std::string(cors) + "}");
  const DefinitionWrite write{Kind::endpoint,
                              id,
                              api_id,
                              1,
                              false,
                              R"({"responses":[{"json":{"id":1,"name":"Ada"}}]})",
                              {"GET", "/users/:id", 0, true}};
  if (!database->definitions().commit({&write, 1}, clock.wall_us())) return state.SkipWithError("no commit");
  DefinitionsBuilder builder{HashSeed{}};
  builder.add_api({api_id, "bench", {}, 1, api});
  if (!builder.add_endpoint({id, api_id, write.route, 1})) return state.SkipWithError("no endpoint");

  Generations generations(**plugins);
  generations.publish(builder.finish(1));
  Compiler compiler(**plugins, database->definitions(), generations, {});
  Loop loop(0, clock);
  NoUpstream upstream;
  WorkerContext worker{loop,
                       clock,
                       limits,
                       Generations::Lease(generations),
                       compiler,
                       upstream,
                       nullptr,
                       true,
                       UlidSource(2),
                       metrics,
                       0,
                       0,
                       {}};
  Compiler::Job job{generations.definitions(), nullptr, nullptr, nullptr, nullptr};
  job.api = job.definitions->find_api(api_id);
  job.endpoint = job.definitions->find_endpoint(id);
  if (!compiler.compile(job)) return state.SkipWithError("no pipeline");

  std::vector<Flow*> idle;
  Flow flow(idle);
  Exchange exchange;
  Sink sink(exchange);
  exchange.sink = &sink;
  exchange.loop = &loop;
  exchange.state = static_cast<Responder*>(&flow);
  exchange.request.method = "GET";
  exchange.request.raw_path = "/mock/bench/users/1";
  for (auto _ : state) {
    exchange.arena.reset();
    exchange.response.headers.clear();
    Route route;
    route.api = job.api;
    route.endpoint = job.endpoint;
    route.path = route.raw_path = "/users/1";
    idle.clear();
    flow.start(worker, exchange, worker.lease.acquire(), route);
  }
  if (sink.bytes() == 0) state.SkipWithError("nothing was answered");
}
BENCHMARK(run_a_pipeline)
    ->ArgNames({"cors", "passing", "loaded"})
    ->Args({0, 0, 0})
    ->Args({1, 0, 0})
    ->Args({0, 5, 0})
    ->Args({0, 5, 1})
    ->Args({0, 10, 0})
    ->Args({0, 10, 1});

}  // namespace
}  // namespace mimus
