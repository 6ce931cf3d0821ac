// Checks of what a plugin does with what it is shown.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "host/kit/checks.h"
#include "host/kit/child.h"
#include "host/kit/definitions.h"
#include "host/kit/samples.h"

namespace mimus::kit {
namespace {

using testing::Bound;
using testing::Definition;
using testing::Exchange;

constexpr std::chrono::microseconds budget{1000};
constexpr int budget_rounds = 100;

/// Calls `with` for every binding at a level of requests that the plugin takes.
template <class F>
void each_binding(Life& life, F&& with) {
  for (const Definition& definition : definitions(life.manifest())) {
    if (definition.level == MIMUS_LEVEL_CHANNEL) continue;
    Bound& bound = life.host->bind(definition);
    if (!bound.in_pipeline) continue;
    with(bound);
    life.host->unbind(bound);
  }
}

/// What an admin request may carry.
const std::vector<std::string>& admin_texts() {
  static const std::vector<std::string> out = {"",
                                               "{}",
                                               "{",
                                               "[]",
                                               "%",
                                               "a=1&a=2&&=&%zz=%",
                                               "since=yesterday&until=&by=nothing&limit=-1",
                                               std::string(20'000, 'x'),
                                               std::string("\0\xff\x80", 3),
                                               "/../..",
                                               "/summary"};
  return out;
}

/// Recorded sessions, as a host makes them.
const std::vector<std::string>& sessions() {
  static const std::vector<std::string> out = {
      R"({"protocol":"websocket","messages":[]})",
      R"({"protocol":"websocket","messages":[{"afterMs":5,"direction":"out","text":"{{count}}"},
          {"afterMs":4,"direction":"in","base64":"AA=="},{"afterMs":9,"direction":"out","close":1006}]})",
      R"({"protocol":"socket.io","messages":[{"afterMs":0,"direction":"in","event":"save","args":[1,{"_placeholder":true,"num":0}]},
          {"afterMs":1,"direction":"out","event":"","args":["ok"]},{"afterMs":1,"direction":"out","event":"","args":[]},
          {"afterMs":99999999999,"direction":"out","event":"{{x}}","args":["{{y}}"]}]})"};
  return out;
}

/// Measures hooks, without the time in which others had the CPUs.
class Stopwatch final : public StepWatcher {
 public:
  explicit Stopwatch(const Clock& clock) : clock_(clock) {}
  void enter_hook(const char* name) override {
    StepWatcher::enter_hook(name);
    const auto lost = starved();
    started_.push_back(clock_.now() - lost);
  }
  void leave_hook(const char* name) override {
    const auto left = clock_.now();
    times[name].push_back(left - starved() - started_.back());
    started_.pop_back();
    StepWatcher::leave_hook(name);
  }
  std::map<std::string_view, std::vector<std::chrono::microseconds>> times;

 private:
  const Clock& clock_;
  std::vector<std::chrono::microseconds> started_;
};

}  // namespace

void check_requests(Case& t) {
  Life life;
  begin(life, t);
  if (!life) return;
  std::size_t bindings = 0;
  each_binding(life, [&](Bound& bound) {
    ++bindings;
    for (const Sample& sample : samples(true)) show(*life.host, bound, sample);
  });
  t.misuses(*life.host);
  if (bindings == 0)
    t.info("binds to none of the definitions that its manifest's schemas suggest: no hook was called");
}

void check_channels(Case& t) {
  Life life;
  begin(life, t);
  if (!life) return;
  if (!life.host->has_peer()) return t.info("has no mimus.peer/1");
  walk(*life.host, life.manifest(), {.large = false, .cut = false});
  for (const std::string& session : sessions()) {
    const testing::AdminAnswer answer = life.host->replay(session);
    if (answer.status == 200 && nlohmann::json::parse(answer.body, nullptr, false).is_discarded())
      return t.error("makes a definition of a recorded session that is no JSON");
  }
  t.misuses(*life.host);
}

void check_admin(Case& t) {
  Life life;
  begin(life, t);
  if (!life) return;
  if (life.host->extension("mimus.admin/1") == nullptr) {
    if (!life.manifest().admin_path.empty())
      t.error("claims " + life.manifest().admin_path + " in its manifest but has no mimus.admin/1");
    return t.info("has no mimus.admin/1");
  }
  life.host->records.push_back({{{"method", "GET"}, {"path", "/"}}, {{"status", 200}, {"time", 1}}});
  std::vector<std::string> paths = admin_texts();
  const auto operations = nlohmann::json::parse(life.manifest().admin_operations, nullptr, false);
  if (operations.is_array()) {
    for (const auto& one : operations) {
      if (one.is_object() && one.contains("path") && one["path"].is_string()) paths.push_back(one["path"]);
    }
  }
  for (const char* method : {"GET", "PUT", "POST", "DELETE", "PATCH", ""}) {
    for (const std::string& path : paths) {
      for (const std::string& text : admin_texts()) {
        const testing::AdminAnswer answer = life.host->admin(method, path, text, text);
        if (answer.status != 0 && (answer.status < 200 || answer.status > 599))
          return t.error("answers an admin request with status " + std::to_string(answer.status) +
                         ": it must be 200 to 599");
        if (answer.status >= 200 && answer.status < 400 && answer.status != 204 && !answer.body.empty() &&
            nlohmann::json::parse(answer.body, nullptr, false).is_discarded())
          return t.error("answers an admin request with a body that is no JSON");
      }
    }
  }
  for (const std::string& what : life.manifest().resets) life.host->reset(what);
  life.host->reset("x-no-such-thing");
  t.misuses(*life.host);
}

void check_records(Case& t) {
  Life life;
  begin(life, t);
  if (!life) return;
  std::vector<testing::Record> none;
  life.host->enrich(none);
  for (const std::string& text : admin_texts()) {
    std::vector<testing::Record> batch(50);
    for (testing::Record& record : batch) {
      for (const char* name : {"clientIp", "userAgent", "path", "query", "method", "traceId", "error"})
        record.texts[name] = text;
      for (const char* name : {"status", "time", "durationMicros", "responseSize"}) record.numbers[name] = -1;
    }
    batch.push_back({});
    life.host->enrich(batch);
    for (const testing::Record& record : batch) {
      for (const auto& [name, value] : record.texts) {
        const auto& declared = life.manifest().journal;
        const bool own = std::any_of(declared.begin(), declared.end(),
                                     [&name = name](const FieldSpec& f) { return f.name == name; });
        if (!own && value != text)
          return t.error("changes the field " + name + " of a record, which its manifest does not declare");
      }
    }
  }
  t.misuses(*life.host);
}

void check_cancel(Case& t) {
  Life life;
  begin(life, t);
  if (!life) return;
  each_binding(life, [&](Bound& bound) {
    for (const Sample& sample : samples(false)) {
      // After 0, 1, 2 … suspensions, until the exchange needs no more of them.
      for (int waits = 0; waits < 8; ++waits) {
        Exchange& x = start(*life.host, bound, sample);
        for (int i = 0; i < waits && x.state == Exchange::State::suspended; ++i) life.host->advance(1);
        const bool suspended = x.state == Exchange::State::suspended;
        life.host->cut(x);
        life.host->advance(1'000);
        if (!suspended) break;
      }
    }
  });
  life.host->advance(15 * 60'000);
  t.misuses(*life.host);
}

void check_resume(Case& t) {
  Life life;
  begin(life, t);
  if (!life) return;
  std::size_t held = 0;
  each_binding(life, [&](Bound& bound) {
    for (const Sample& sample : samples(false)) {
      Exchange& x = start(*life.host, bound, sample);
      if (x.state != Exchange::State::suspended) continue;
      ++held;
      // The deadline of the hold comes first, then whatever the plugin waited for.
      life.host->advance(12 * 60'000);
      settle(*life.host, x, sample.behind);
      life.host->advance(12 * 60'000);
    }
  });
  t.misuses(*life.host);
  if (held == 0) t.info("held no exchange");
}

void check_budget(Case& t) {
  const auto plugin = t.open();
  if (!plugin) return;
  Stopwatch watch(t.clock);
  const Patience patience(t.clock);
  for (int i = 0; i < budget_rounds && (i == 0 || patience.left()); ++i) {
    testing::FakeHost host(*spied(plugin->table(), watch), plugin->manifest().text,
                           t.setup(plugin->manifest()));
    host.collect_misuse();
    if (!t.lives(host, watch)) return;
    for (const Definition& definition : definitions(plugin->manifest())) {
      Bound& bound = host.bind(definition);
      if (!bound.in_pipeline || definition.level == MIMUS_LEVEL_CHANNEL) continue;
      for (const Sample& sample : samples(false)) show(host, bound, sample);
    }
  }
  std::string told;
  for (auto& [hook, times] : watch.times) {
    if (!hook.starts_with("on_")) continue;
    std::sort(times.begin(), times.end());
    const auto p99 = times[times.size() * 99 / 100];
    if (p99 > budget) {
      t.warning(std::string(hook) + " takes " + std::to_string(p99.count()) +
                " µs at the 99th percentile, and nothing else of that worker runs meanwhile: prepare in "
                "bind, or use "
                "mimus.task/1");
    }
    told += (told.empty() ? "" : ", ") + std::string(hook) + " " + std::to_string(p99.count());
  }
  if (!told.empty()) t.info("99th percentiles in µs: " + told);
}

}  // namespace mimus::kit
