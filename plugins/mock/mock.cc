// The feature `mock`: answers with a response of the endpoint's definition.
#include "mimus/plugin.hpp"
#include "plugins/mock/response.h"
#include "plugins/mock/sequence.h"

namespace mimus::mock {
namespace {

/// An exchange as conditions see it.
class RequestFacts final : public when::Facts {
 public:
  RequestFacts(const Request& request, std::string_view body) : request_(request), body_(body) {}

  bool any(std::size_t place, std::string_view name, const Show& show) const override {
    switch (static_cast<Where>(place)) {
      case Where::query:
        return any_field(MIMUS_QUERY, name, show);
      case Where::header:
        return any_field(MIMUS_REQUEST_HEADERS, name, show);
      case Where::path:
        return any_field(MIMUS_PARAMS, name, show);
      case Where::cookie:
        return any_field(MIMUS_REQUEST_HEADERS, "cookie",
                         [&](std::string_view field) { return any_cookie(field, name, show); });
      case Where::method:
        return show(request_.attr(MIMUS_METHOD));
      case Where::ip:
        return show(request_.attr(MIMUS_CLIENT_IP));
      case Where::body:
        break;
    }
    return false;
  }
  std::string_view document(std::size_t) const override { return body_; }

 private:
  bool any_field(mimus_set set, std::string_view name, const Show& show) const {
    for (std::uint32_t n = 0;; ++n) {
      const auto value = request_.get(set, name, n);
      if (!value) return false;
      if (show(*value)) return true;
    }
  }

  const Request& request_;
  std::string_view body_;
};

/// A response that waits for its time. The timer owns it, whatever becomes of the exchange.
struct Delay {
  Hold hold;
};

/// What a suspended exchange waits for; in the exchange's memory.
struct Waiting {
  const Response* chosen = nullptr;  // its delay; null: the sequence's position is being read
  mimus_resume* hold = nullptr;      // for the position; released on resume or at the end
};

}  // namespace

class Mock {
 public:
  struct Binding {
    Binding(Responses made, Sequences* home) : responses(std::move(made)), sequences(home) {}
    ~Binding() {
      if (position != nullptr) sequences->release(*position);
    }
    Binding(const Binding&) = delete;
    Binding& operator=(const Binding&) = delete;

    Responses responses;
    Sequences* sequences;
    Position* position = nullptr;  // only in sequence mode
  };

  explicit Mock(Host& host) : host_(host), sequences_(host), name_field_(host.journal_field("responseName")) {
    random_ = static_cast<std::uint64_t>(host.wall_us());
  }

  void quiesce() { sequences_.save(); }
  void reset(std::string_view what) {
    if (what == "sequences") sequences_.rewind();
  }

  void check(const View& view, Report& report) {
    if (view.level != MIMUS_LEVEL_ENDPOINT) return;
    compile(view.fields,
            [&](const std::string& pointer, const std::string& detail) { report.add(pointer, detail); });
  }

  Result<std::unique_ptr<Binding>> bind(const View& view) {
    if (view.level != MIMUS_LEVEL_ENDPOINT) return std::unique_ptr<Binding>();
    std::string wrong;
    Responses responses = compile(view.fields, [&](const std::string& pointer, const std::string& detail) {
      if (wrong.empty()) wrong = pointer + " " + detail;
    });
    if (!wrong.empty()) return invalid(wrong);
    auto binding = std::make_unique<Binding>(std::move(responses), &sequences_);
    const Responses& bound = binding->responses;
    if (bound.mode == Mode::sequence && bound.all.size() > 1)
      binding->position = &sequences_.acquire(view.id, bound.digest);
    return binding;
  }

  mimus_action on_request(Binding& b, Request& r) {
    if (b.responses.only != nullptr) return send(*b.responses.only, r);
    if (!b.responses.needs_body) return choose(b, r, {});
    const auto body = r.request_body();
    return body ? choose(b, r, *body) : mimus_action{MIMUS_NEED_BODY};
  }

  mimus_action on_request_body(Binding& b, Request& r, std::string_view whole) { return choose(b, r, whole); }

  mimus_action on_resume(Binding& b, Request& r) {
    Waiting& waiting = *static_cast<Waiting*>(r.context());
    if (waiting.chosen != nullptr) return send(*waiting.chosen, r);
    end_wait(r);
    return choose(b, r, {});
  }

  void on_end(Binding&, Request& r) { end_wait(r); }

 private:
  mimus_action choose(Binding& b, Request& r, std::string_view body) {
    const Responses& responses = b.responses;
    if (responses.mode == Mode::random)
      return send_in_time(choose_by_weight(responses, next_random() % responses.total_weight), r);
    if (b.position != nullptr) {
      if (!b.position->known()) return load(*b.position, r);
      return send_in_time(responses.all[b.position->take() % responses.all.size()], r);
    }
    const RequestFacts facts(r, body);
    when::Subject subject(facts);
    const Response* const chosen =
        responses.mode == Mode::rules ? choose_by_rules(responses, subject) : responses.fallback;
    if (chosen == nullptr)
      return r.problem(404, "no-matching-response", "no response's condition holds and none is the default");
    return send_in_time(*chosen, r);
  }

  /// Holds the exchange until the position is known, which on_resume finds.
  mimus_action load(Position& position, Request& r) {
    mimus_resume* const hold = host_.async->hold(r.get(), 0);
    if (hold == nullptr) return MIMUS_FAIL;
    waiting(r).hold = hold;
    if (sequences_.load(position, hold)) host_.async->resume(hold);
    return MIMUS_SUSPEND;
  }

  mimus_action send_in_time(const Response& response, Request& r) {
    if (response.delay_ms == 0) return send(response, r);
    auto delay = std::make_unique<Delay>(Delay{r.hold()});
    if (!delay->hold) return MIMUS_FAIL;
    const auto fire = [](mimus_inst*, void* ud, mimus_rc) {
      const std::unique_ptr<Delay> due(static_cast<Delay*>(ud));
      due->hold.resume();
    };
    if (host_.timer->start(host_.get(), response.delay_ms, fire, delay.get()) != MIMUS_OK) return MIMUS_FAIL;
    (void)delay.release();  // the timer's now
    waiting(r).chosen = &response;
    return MIMUS_SUSPEND;
  }

  mimus_action send(const Response& response, Request& r) const {
    if (!response.name.empty()) r.record(name_field_, response.name);
    return r.respond(response.status, response.headers, response.body, MIMUS_OF_BOUND);
  }

  Waiting& waiting(Request& r) const {
    if (r.context() == nullptr) r.context() = r.make<Waiting>();
    return *static_cast<Waiting*>(r.context());
  }

  void end_wait(Request& r) const {
    auto* const waiting = static_cast<Waiting*>(r.context());
    if (waiting == nullptr || waiting->hold == nullptr) return;
    host_.async->release(waiting->hold);
    waiting->hold = nullptr;
  }

  std::uint64_t next_random() {  // splitmix64
    std::uint64_t z = random_.fetch_add(0x9e3779b97f4a7c15u, std::memory_order_relaxed) + 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  Host& host_;
  Sequences sequences_;
  int name_field_;
  std::atomic<std::uint64_t> random_;
};

}  // namespace mimus::mock

MIMUS_MANIFEST =
#include "manifest.inc"
    ;
MIMUS_PLUGIN(mimus::mock::Mock, "mimus.mock", "0.1.0")
