// The plugin mimus.dedup: answers a request that was answered before from what was kept.
#include <atomic>
#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mimus/header_text.h"
#include "mimus/json_text.h"
#include "mimus/plugin.hpp"
#include "plugins/dedup/answer.h"
#include "plugins/dedup/flights.h"
#include "plugins/dedup/key.h"
#include "plugins/dedup/ledger.h"
#include "plugins/dedup/routes.h"

namespace mimus::dedup {

/// Hooks run on workers, each with its own flights; counters and entries are shared.
class Dedup {
 public:
  struct Binding {
    KeyRules rules;
    std::shared_ptr<Counters> counters;
  };

  explicit Dedup(Host& host) : host_(host), flights_(host.worker_count()), ledger_(host.worker_count()) {
    run_ = static_cast<std::uint64_t>(host.wall_us());
  }

  Status configure(std::string_view options) {
    const std::string_view ttl = json::member(options, "dedup-ttl-seconds").value_or("60");
    std::uint64_t seconds = 0;
    const auto [end, error] = std::from_chars(ttl.data(), ttl.data() + ttl.size(), seconds);
    if (error != std::errc{} || end != ttl.data() + ttl.size() || seconds < 1 || seconds > 10'000'000'000) {
      return invalid("dedup-ttl-seconds is not a number of seconds from 1 on");
    }
    ttl_ms_ = seconds * 1000;
    if (host_.kv == nullptr || host_.hash == nullptr || host_.async == nullptr) {
      return invalid("mimus.kv/1, mimus.hash/1 and mimus.async/1 are needed");
    }
    if (host_.journal != nullptr) flag_ = host_.journal_field("deduplicated");
    return count_in_metrics();
  }

  Result<std::unique_ptr<Binding>> bind(const View& view) {
    const bool on =
        view.level == MIMUS_LEVEL_ENDPOINT && json::member(view.fields, "deduplication") == "true";
    if (!on) return std::unique_ptr<Binding>{};
    return std::make_unique<Binding>(
        Binding{key_rules(view.id, view.revision, view.fields), ledger_.counters(view.id)});
  }

  mimus_action on_request(Binding& binding, Request& request) {
    const auto body = request.request_body();
    return body ? on_request_body(binding, request, *body) : mimus_action{MIMUS_NEED_BODY};
  }

  mimus_action on_request_body(Binding& binding, Request& request, std::string_view body) {
    auto* passage = request.make<Passage>();
    request.context() = passage;
    passage->key = request_key(binding.rules, host_, request, body);
    return look(binding, request, *passage);
  }

  mimus_action on_resume(Binding& binding, Request& request) {
    Passage& passage = *static_cast<Passage*>(request.context());
    let_go(passage);
    passage.role = Passage::Role::none;
    return look(binding, request, passage);
  }

  mimus_action on_response(Binding& binding, Request& request) {
    auto* passage = static_cast<Passage*>(request.context());
    if (passage == nullptr || passage->role != Passage::Role::leading) return MIMUS_NEXT;
    const std::vector<Header> headers = response_headers(request);
    const Verdict verdict = judge(request.status(), headers);
    // An upstream's answer to HEAD does not tell how long the body would be.
    const bool headless = request.attr(MIMUS_METHOD) == "HEAD" && forwarded(request);
    if (verdict != Verdict::keep || headless) {
      land(*passage, verdict == Verdict::keep ? Verdict::pass : verdict);
      return MIMUS_NEXT;
    }
    std::string_view body;
    const mimus_rc rc = request.response_body(body);
    if (rc == MIMUS_PENDING) {
      request.body_ceiling(max_body_bytes);
      return MIMUS_NEED_BODY;
    }
    return on_response_body(binding, request, body, rc);
  }

  mimus_action on_response_body(Binding& binding, Request& request, std::string_view body, mimus_rc rc) {
    auto* passage = static_cast<Passage*>(request.context());
    if (passage == nullptr || passage->role != Passage::Role::leading) return MIMUS_NEXT;
    const bool whole = rc == MIMUS_OK && body.size() <= max_body_bytes;
    const Verdict otherwise = rc == MIMUS_E_GONE ? Verdict::retry : Verdict::pass;
    land(*passage, whole ? keep(binding, request, *passage, body) : otherwise);
    return MIMUS_NEXT;
  }

  void on_end(Binding&, Request& request) {
    auto* passage = static_cast<Passage*>(request.context());
    if (passage == nullptr) return;
    if (passage->role == Passage::Role::leading) land(*passage, Verdict::retry);
    if (passage->role == Passage::Role::waiting) flights().leave(*passage);
    passage->role = Passage::Role::none;
    let_go(*passage);
  }

  void admin(const AdminRequest& request, AdminReply& reply) {
    const Routes routes{ledger_, ttl_ms_ / 1000, host_.wall_us(), [this](std::string_view id) { empty(id); }};
    routes.answer(request, reply);
  }

  void reset(std::string_view) {
    empty({});
    ledger_.clear_counters();
  }

 private:
  /// After so many leaders without an answer to share, a request goes on by itself: those
  /// who wait shall not become a queue in front of a failing upstream.
  static constexpr int max_rounds = 3;

  Flights& flights() { return flights_[host_.worker_index() % flights_.size()].flights; }

  mimus_action look(Binding& binding, Request& request, Passage& passage) {
    if (passage.pass) return alone(binding);
    if (flights().has(passage.key)) {
      if (passage.rounds == max_rounds || !hold(request, passage)) return alone(binding);
      ++passage.rounds;
      passage.role = Passage::Role::waiting;
      flights().join(passage);
      return MIMUS_SUSPEND;
    }
    hold(request, passage);
    Hit hit{*this, binding, request, passage, MIMUS_FAIL};
    const std::string key = store_key(binding, passage.key);
    const mimus_rc rc = host_.kv->get(host_.get(), str(key), passage.hold, &Hit::with, &hit);
    if (rc == MIMUS_PENDING && passage.hold != nullptr && passage.loads < max_rounds) {
      ++passage.loads;
      passage.role = Passage::Role::loading;
      return MIMUS_SUSPEND;
    }
    let_go(passage);
    if (rc == MIMUS_OK && hit.action == MIMUS_RESPONDED) return MIMUS_RESPONDED;
    flights().begin(passage.key);
    passage.role = Passage::Role::leading;
    passage.epoch = epoch_.load(std::memory_order_acquire);
    return alone(binding);
  }

  /// A miss: goes on to the next plugin.
  mimus_action alone(Binding& binding) {
    count(binding, Counters::miss);
    return MIMUS_NEXT;
  }

  /// What answers from a kept value, while the store lends it.
  struct Hit {
    Dedup& self;
    Binding& binding;
    Request& request;
    Passage& passage;
    mimus_action action;

    static void with(void* ud, mimus_str value) {
      Hit& hit = *static_cast<Hit*>(ud);
      hit.action =
          wall::guard<mimus_action>(&hit.self.host_, MIMUS_FAIL, [&] { return hit.answer(view(value)); });
    }

    mimus_action answer(std::string_view value) {
      const std::optional<Answer> kept = decode(value);
      if (!kept) return MIMUS_FAIL;
      const std::int64_t now_us = self.host_.wall_us();
      if (kept->expires_us <= now_us) return MIMUS_FAIL;
      const std::int64_t resident_s = now_us > kept->kept_us ? (now_us - kept->kept_us) / 1'000'000 : 0;
      const std::string age = std::to_string(resident_s + kept->age_s);
      std::vector<mimus_field> headers;
      headers.reserve(kept->headers.size() + 2);
      for (const Header& h : kept->headers) headers.push_back(field(h.name, h.value));
      headers.push_back(field("X-Mock-Deduplicated", "true"));
      headers.push_back(field("Age", age));
      if (request.respond(kept->status, headers, kept->body) != MIMUS_RESPONDED) return MIMUS_FAIL;
      if (self.flag_ >= 0) request.record(self.flag_, true);
      self.count(binding, Counters::hit);
      if (passage.waited) self.count(binding, Counters::coalesced);
      if (kept->run != self.run_) {
        self.ledger_.entered(binding.rules.endpoint_id, passage.key, value.size(), kept->expires_us, now_us);
      }
      return MIMUS_RESPONDED;
    }
  };

  Verdict keep(Binding& binding, Request& request, const Passage& passage, std::string_view body) {
    Answer answer;
    answer.status = request.status();
    answer.run = run_;
    answer.kept_us = host_.wall_us();
    answer.expires_us = answer.kept_us + static_cast<std::int64_t>(ttl_ms_) * 1000;
    for (const Header& h : response_headers(request)) {
      if (header::same_name(h.name, "age")) answer.age_s = age_seconds(h.value);
      if (stored_header(h.name)) answer.headers.push_back(h);
    }
    answer.body = body;
    const std::string value = encode(answer);
    const std::string key = store_key(binding, passage.key);
    if (passage.epoch != epoch_.load(std::memory_order_acquire)) return Verdict::retry;
    if (host_.kv->put(host_.get(), str(key), str(value), ttl_ms_) != MIMUS_OK) return Verdict::pass;
    ledger_.entered(binding.rules.endpoint_id, passage.key, value.size(), answer.expires_us, answer.kept_us);
    if (passage.epoch !=
        epoch_.load(std::memory_order_acquire)) {  // emptied meanwhile: it was made before that
      host_.kv->del(host_.get(), str(key));
      ledger_.removed(passage.key);
      return Verdict::retry;
    }
    return Verdict::keep;
  }

  /// The leader has its answer, or will have none: those who wait are resumed.
  void land(Passage& leader, Verdict verdict) {
    leader.role = Passage::Role::none;
    flights().land(leader.key, [&](Passage& passage) {
      passage.role = Passage::Role::none;
      passage.waited = true;
      passage.pass = verdict == Verdict::pass;
      host_.async->resume(passage.hold);
    });
  }

  bool hold(Request& request, Passage& passage) {
    passage.hold = host_.async->hold(request.get(), 0);
    return passage.hold != nullptr;
  }
  void let_go(Passage& passage) {
    if (passage.hold != nullptr) host_.async->release(passage.hold);
    passage.hold = nullptr;
  }

  bool forwarded(const Request& request) const {
    return host_.forward != nullptr && host_.forward->forwarded(request.get()) == 1;
  }

  static std::vector<Header> response_headers(const Request& request) {
    std::vector<Header> headers;
    while (const auto h = request.at(MIMUS_RESPONSE_HEADERS, static_cast<std::uint32_t>(headers.size()))) {
      headers.push_back({h->name, h->value});
    }
    return headers;
  }

  /// Begins with the endpoint's id, so that all of an endpoint's can be removed.
  static std::string store_key(const Binding& binding, const Digest& key) {
    std::string out = binding.rules.endpoint_id;
    out.append(reinterpret_cast<const char*>(key.data()), key.size());
    return out;
  }

  void empty(std::string_view endpoint_id) {
    epoch_.fetch_add(1, std::memory_order_acq_rel);
    host_.kv->del_prefix(host_.get(), str(endpoint_id));
    ledger_.emptied(endpoint_id);
  }

  void count(Binding& binding, Counters::Kind kind) {
    binding.counters->add(host_.worker_index(), kind);
    if (host_.metrics != nullptr) host_.metrics->add(host_.get(), metrics_[kind], 1);
  }

  Status count_in_metrics() {
    static constexpr struct {
      const char* name;
      const char* help;
    } counters[] = {{"dedup_hits_total", "Requests answered from a kept answer"},
                    {"dedup_misses_total", "Requests with deduplication that were answered anew"},
                    {"dedup_coalesced_total", "Hits that waited for an identical request in flight"}};
    if (host_.metrics == nullptr) return Done{};
    for (std::size_t i = 0; i < metrics_.size(); ++i) {
      if (host_.metrics->counter(host_.get(), str(counters[i].name), str(counters[i].help), &metrics_[i]) !=
          MIMUS_OK) {
        return invalid(std::string("the counter ") + counters[i].name + " was refused");
      }
    }
    return Done{};
  }

  struct alignas(64) WorkerFlights {
    Flights flights;
  };

  Host& host_;
  std::vector<WorkerFlights> flights_;  // by worker
  Ledger ledger_;
  std::uint64_t run_ = 0;
  std::uint64_t ttl_ms_ = 60'000;
  std::array<std::uint32_t, 3> metrics_{};  // by Counters::Kind
  int flag_ = -1;
  std::atomic<std::uint64_t> epoch_{0};  // counts how often it was emptied
};

}  // namespace mimus::dedup

MIMUS_MANIFEST =
#include "manifest.inc"
    ;
MIMUS_PLUGIN(mimus::dedup::Dedup, "mimus.dedup", "0.1.0")
