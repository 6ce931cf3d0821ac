// One worker's world around a Flow: real plugins, definitions and compiler; a sink, an
// upstream and a journal that tests look into.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/net/server.h"
#include "host/pipeline/flow.h"
#include "host/pipeline/http_table.h"
#include "host/pipeline/worker.h"
#include "mimus/json_text.h"
#include "store/database.h"
#include "tests/unit/channel/loop_thread.h"
#include "tests/unit/pipeline/probe.h"

namespace mimus {

/// Keeps what was answered, and ends the exchange as a connection does.
class FakeSink final : public ResponseSink {
 public:
  explicit FakeSink(Exchange& exchange) : exchange_(exchange) {}
  void want_body(std::size_t) override { ++wanted; }
  void send(std::string_view whole) override {
    ++sent;
    status = exchange_.response.status;
    body = whole;
    end();
  }
  void begin(std::int64_t promised) override {
    begun = true;
    status = exchange_.response.status;
    length = promised;
    if (!unsendable) return;
    exchange_.response.status = status = 500;
    exchange_.response_size = 7;  // of the problem document that a connection sends instead
    end();
  }
  bool write(std::string_view data) override {
    body.append(data);
    return room;
  }
  void finish() override {
    finished = true;
    end();
  }
  void abort() override {
    aborted = true;
    end();
  }
  void upgrade(const std::vector<Header>&, std::unique_ptr<Takeover>) override {}
  bool hand_over(unsigned) override { return false; }

  void end() {
    for (const Header& header : exchange_.response.headers)
      headers.emplace(std::string(header.name), std::string(header.value));
    auto* const last = static_cast<Responder*>(exchange_.state);
    exchange_.state = nullptr;
    ++ended;
    last->on_end();
  }

  int wanted = 0, sent = 0, ended = 0, status = 0;
  bool begun = false, finished = false, aborted = false, room = true, unsendable = false;
  std::int64_t length = -2;
  std::string body;
  std::multimap<std::string, std::string> headers;

 private:
  Exchange& exchange_;
};

class FakeUpstream final : public Upstream {
 public:
  Id start(const UpstreamRequest& request, UpstreamReceiver& to) override {
    ++started;
    receiver = &to;
    method = request.method;
    url = request.url.authority + request.url.path_query;
    body = request.body;
    living = started;
    return static_cast<Id>(started);
  }
  void cancel(Id id) override {
    if (id == static_cast<Id>(living)) living = 0;
  }
  void pause(Id id) override { paused = paused || (id != 0 && id == static_cast<Id>(living)); }
  void resume(Id id) override {
    if (id == static_cast<Id>(living)) paused = false;
  }
  void send(Id, std::string_view) override {}
  std::size_t queued(Id) const override { return 0; }
  void finish(Id id) override { cancel(id); }

  /// The end as the client tells it: nothing of the exchange is left to cancel.
  void end() {
    living = 0;
    receiver->on_end();
  }
  void fail(UpstreamError error) {
    living = 0;
    receiver->on_error(error, "on purpose");
  }

  int started = 0, living = 0;  ///< The number of the one that may still be heard of; 0: none.
  bool paused = false;
  UpstreamReceiver* receiver = nullptr;
  std::string method, url, body;
};

class FakeProducer final : public Producer {
 public:
  struct Kept {
    int status = 0;
    std::int64_t request_size = 0, response_size = 0;
    std::string method, path, error, trace_id;
    std::map<int, std::string> text;
    std::map<int, std::int64_t> number;
    Ulid id, api, endpoint;
    RecordKind kind;
    std::string user_agent;
    std::int64_t duration_us;
  };
  bool append(const RecordInput& input) override {
    if (full) return false;
    Kept kept{input.status,
              input.request_size,
              input.response_size,
              std::string(input.method),
              std::string(input.path),
              std::string(input.error),
              std::string(input.trace_id),
              {},
              {},
              input.id,
              input.api,
              input.endpoint,
              input.kind,
              std::string(input.user_agent),
              input.duration_us};
    for (const FieldValue& value : input.extra) {
      kept.text[value.field] = value.text;
      kept.number[value.field] = value.number;
    }
    records.push_back(std::move(kept));
    return true;
  }
  bool full = false;
  std::vector<Kept> records;
};

class World {
 public:
  struct Setup {
    std::string api = R"({"slug":"test"})";
    std::string endpoint = "{}";
    std::string without = {};  ///< A hook that the probes' tables have not.
    std::vector<std::pair<std::string, std::string>> host_config = {};
    bool lossless = true;
    bool journal = true;
    bool compile_first = true;
    const DefinitionStore* definitions = nullptr;  ///< That documents are read from, if not the database's.
  };

  World() { reset_probes(); }
  ~World();

  /// Loads the probes and defines GET /users/:id. Tests write scripts before that.
  void open(const Setup& setup);
  void open() { open(Setup()); }

  struct Ask {
    std::string_view method = "GET";
    bool has_body = false;
    bool routed = true;  ///< False: a miss.
    std::vector<Header> headers = {};
  };
  void start(const Ask& ask);
  void start() { start(Ask()); }

  void arrive(std::string_view body);  ///< The request's body is whole.
  void cancel();                       ///< The client has gone.
  void on(const std::function<void()>& work) { loop_thread.on(work); }
  /// Waits for an answer that takes another thread, which posts it to the loop.
  void await_end() {
    for (int ended = 0; ended == 0;) on([&] { ended = sink->ended; });
  }
  /// What is posted by now has run.
  void settle() { loop_thread.advance(std::chrono::milliseconds(0)); }

  /// The member "type" of a problem without its "urn:mimus:error:".
  std::string problem() const;

  LoopThread loop_thread;
  Metrics metrics;
  Limits limits;
  AddressPolicy addresses;
  std::unique_ptr<Database> database;
  std::unique_ptr<PluginHost> plugins;
  std::unique_ptr<Generations> generations;
  std::unique_ptr<Compiler> compiler;
  std::unique_ptr<WorkerContext> worker;
  FakeUpstream upstream;
  FakeProducer journal;
  std::vector<Flow*> idle;
  std::unique_ptr<Flow> flow;
  std::unique_ptr<Exchange> exchange;
  std::unique_ptr<FakeSink> sink;
  Ulid api_id, id;
};

inline World::~World() {
  if (compiler == nullptr) return;
  if (sink != nullptr && sink->ended == 0) cancel();
  EXPECT_TRUE(idle.size() == 1 || flow == nullptr) << "the flow did not come back";
  compiler.reset();
  on([this] { worker.reset(); });
  generations.reset();
  plugins.reset();
}

inline void World::open(const Setup& setup) {
  FakeClock& clock = loop_thread.clock;
  database = memory_database(clock);
  PluginServices services;
  services.clock = &clock;
  services.kv = &database->kv();
  services.metrics = &metrics;
  services.addresses = &addresses;
  services.extension = exchange_extension;
  services.log = [](mimus_log_level, std::string_view) {};
  auto loaded = PluginHost::load(probe_sources(setup.without), services,
                                 [](const OptionSpec& option) { return option.fallback; });
  ASSERT_TRUE(loaded) << loaded.error().message;
  plugins = *std::move(loaded);
  UlidSource ids(1);
  api_id = ids.next(clock.wall_us());
  id = ids.next(clock.wall_us());
  const RouteRecord route{"GET", "/users/:id", 0, true};
  const DefinitionWrite write{Kind::endpoint, id, api_id, 1, false, setup.endpoint, route};
  ASSERT_TRUE(database->definitions().commit({&write, 1}, clock.wall_us()));
  DefinitionsBuilder builder{HashSeed{}};
  builder.add_api({api_id, "test", {}, 1, std::make_shared<const std::string>(setup.api)});
  ASSERT_TRUE(builder.add_endpoint({id, api_id, route, 1}));
  generations = std::make_unique<Generations>(*plugins);
  generations->publish(builder.finish(1));
  const DefinitionStore& read = setup.definitions != nullptr ? *setup.definitions : database->definitions();
  compiler = std::make_unique<Compiler>(*plugins, read, *generations, setup.host_config);
  worker.reset(new WorkerContext{loop_thread.loop,
                                 clock,
                                 limits,
                                 Generations::Lease(*generations),
                                 *compiler,
                                 upstream,
                                 setup.journal ? &journal : nullptr,
                                 setup.lossless,
                                 UlidSource(2),
                                 metrics,
                                 metrics.counter("failures", "Failures"),
                                 metrics.counter("dropped", "Dropped"),
                                 {}});
  if (!setup.compile_first) return;
  Compiler::Job job;
  job.definitions = generations->definitions();
  job.api = job.definitions->find_api(api_id);
  ASSERT_TRUE(compiler->compile(job));
  job.endpoint = job.definitions->find_endpoint(id);
  ASSERT_TRUE(compiler->compile(job));
}

inline void World::start(const Ask& ask) {
  exchange = std::make_unique<Exchange>();
  sink = std::make_unique<FakeSink>(*exchange);
  if (flow == nullptr) flow = std::make_unique<Flow>(idle);
  idle.clear();
  exchange->sink = sink.get();
  exchange->loop = &loop_thread.loop;
  exchange->state = static_cast<Responder*>(flow.get());
  exchange->request.method = ask.method;
  exchange->request.raw_path = "/mock/test/users/1";
  exchange->request.raw_query = "x=1";
  exchange->request.has_body = ask.has_body;
  exchange->request.headers = ask.headers;
  on([&] {
    const Generation* const generation = worker->lease.acquire();
    Route route;
    route.api = generation->definitions->find_api(api_id);
    route.endpoint = ask.routed ? generation->definitions->find_endpoint(id) : nullptr;
    route.outcome = ask.routed ? RouteOutcome::found : RouteOutcome::miss;
    route.path = route.raw_path = "/users/1";
    flow->start(*worker, *exchange, generation, route);
  });
}

inline void World::arrive(std::string_view body) {
  on([&] {
    exchange->body = exchange->arena.copy(body);
    flow->on_body();
  });
}

inline void World::cancel() {
  on([this] {
    flow->on_cancel();
    sink->end();
  });
}

inline std::string World::problem() const {
  const std::string type = json::unquote(json::member(sink->body, "type").value_or("\"\""));
  constexpr std::string_view prefix = "urn:mimus:error:";
  return type.starts_with(prefix) ? type.substr(prefix.size()) : "no problem: " + sink->body;
}

}  // namespace mimus
