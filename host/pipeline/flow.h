// One exchange on its way through a pipeline: request direction, answer, response
// direction, journal, send.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "host/net/exchange.h"
#include "host/net/responder.h"
#include "host/pipeline/compiler.h"
#include "host/pipeline/generation.h"
#include "host/pipeline/pipeline.h"
#include "host/plugin/resume.h"
#include "host/route/definitions.h"
#include "host/upstream/upstream.h"
#include "store/journal.h"

namespace mimus {

struct WorkerContext;

/// Where a request was routed to.
struct Route {
  const ApiRecord* api = nullptr;
  const EndpointRecord* endpoint = nullptr;  ///< nullptr on a miss: the API's pipeline runs.
  std::span<const PathParam> params;
  std::string_view allow;     ///< Of the path, where it is known.
  std::string_view path;      ///< Below the API, decoded.
  std::string_view raw_path;  ///< The same, dot-free, in its original encoding.
  RouteOutcome outcome = RouteOutcome::found;
  std::span<const Segment> segments;  ///< Below the API: for near misses.
};

/// Route::path of a route whose segments are known. Copies only where a segment differs
/// from its original encoding.
std::string_view decoded_path(const Route& route, Arena& arena);

/// Not thread-safe: one worker's. Reused from one exchange to the next. It is the
/// mimus_req that plugins see: http_table.cc translates.
///
/// Invariant: `entered_` steps have been entered, each of which gets on_end exactly once.
/// Invariant: while a plugin's hook runs, `slot_` is its step, and nothing is freed.
class Flow final : public Responder, private mimus_resume::Waiter {
 public:
  explicit Flow(std::vector<Flow*>& idle) : idle_(idle), incoming_(*this) {}

  /// The flow of a handle that a plugin was given; nullptr: that exchange has ended, though
  /// the flow may have another by now. [w]
  static Flow* of(mimus_req* handle) {
    const auto bits = reinterpret_cast<std::uintptr_t>(handle);
    auto* const flow = reinterpret_cast<Flow*>(bits & ((std::uintptr_t{1} << serial_shift) - 1));
    return flow->serial_ == bits >> serial_shift ? flow : nullptr;
  }

  /// Takes the exchange through the pipeline of its route. `generation` is leased until end.
  void start(WorkerContext& worker, Exchange& exchange, const Generation* generation, const Route& route);

  void on_body() override;
  void on_body_too_large() override;
  void on_writable() override;
  void on_cancel() override;
  void on_end() override;  ///< Afterwards the flow is back among the idle ones.

  /// The instance must go: where it holds the exchange, that is as if its deadline had come.
  void evict(const PluginHost::Loaded& plugin);

  /// The journal has room again.
  void retry_journal();

  // What the plugins' tables do, on the step whose hook runs. See mimus/plugin.h.
  mimus_rc respond(int status, const mimus_field* fields, std::size_t n, std::string_view body,
                   std::uint32_t flags);
  mimus_rc problem(int status, std::string_view code, std::string_view detail,
                   std::span<const mimus_fault> faults);
  mimus_rc forward(const mimus_forward& to);
  mimus_rc set_header(std::string_view name, std::string_view value, bool keep_others);
  mimus_rc remove_header(std::string_view name);
  mimus_rc set_request_header(std::string_view name, std::string_view value);
  mimus_rc remove_request_header(std::string_view name);
  mimus_rc replace_status(int status);
  mimus_rc replace_body(std::string_view body, std::uint32_t flags);
  mimus_resume* hold(std::chrono::milliseconds timeout);
  mimus_rc response_body(std::string_view& out) const;
  mimus_rc response_length(std::uint64_t& out) const;
  mimus_rc forget_length();
  void body_ceiling(std::size_t bytes) { ceiling_ = bytes; }
  void record(const FieldValue& value);  ///< Text must be in the arena or live as long.
  void record_error(std::string_view code) { error_ = exchange_->arena.copy(code); }
  std::span<const QueryField> query();
  bool request_body_known() const { return body_known_ || !exchange_->request.has_body; }
  bool forwarded() const { return forwarded_; }
  Exchange& exchange() { return *exchange_; }
  const Route& route() const { return route_; }
  bool in_response() const { return direction_ == Direction::response; }

 private:
  enum class Direction : std::uint8_t { request, response };
  /// What the flow waits for; none: its code is running or it is not in use.
  enum class Waiting : std::uint8_t {
    none,
    compile,
    capture_body,
    body,
    resume,
    forward_body,
    upstream,
    gather,
    journal,
    stream,
    sent
  };
  enum class Answer : std::uint8_t { none, whole, forward };

  /// Hears of the upstream's answer.
  struct Incoming final : UpstreamReceiver {
    explicit Incoming(Flow& owner) : flow(owner) {}
    void on_head(int status, std::span<const Header> headers, std::int64_t length) override;
    void on_data(std::string_view data) override;
    void on_end() override;
    void on_error(UpstreamError error, std::string_view why) override;
    Flow& flow;
  };

  // Functions that return bool say whether the caller goes on with the next step; after
  // false the flow waits or has ended, and must not be touched.
  bool find_pipeline();
  void compile();
  bool gone() const;
  void enter();
  void run_request();
  bool apply(mimus_action action);
  bool call_body_hook();
  bool fail();
  bool leave_out();      ///< The step's breaker is open.
  bool decide();         ///< As the step's fail policy says.
  void forget_answer();  ///< A plugin that failed leaves nothing of its answer.
  void answer_by_default();
  void begin_answer();
  void start_forward();
  void run_response();
  bool apply_response(mimus_action action);
  bool call_response_body_hook(bool broke_off = false);
  void commit();
  void send();
  void finish_stream();
  void on_woken(mimus_resume& handle, mimus_resume::Woken how) override;

  void drop_hold();
  void drop_upstream();
  void set_problem(int status, std::string_view code, std::string_view detail,
                   std::span<const mimus_fault> faults);
  /// False: the journal is full, and the flow must wait.
  bool append_record(int status);
  void count(int status, std::int64_t micros);
  void append_last_record(int status);  ///< Of an exchange that can wait no more: a full journal drops it.
  std::string_view capture_headers(const std::vector<Header>& headers);
  /// The request's fields as the client sent them, whatever plugins have made of them.
  const std::vector<Header>& client_headers() const;
  bool may_change_request(std::string_view name);
  void count_failure();
  /// Calls a hook of the step at hand. An exception that comes out, past the SDK's wall, is a
  /// failure; if plugin and host have each a C++ runtime of their own, it aborts here.
  template <class Function, class... More>
  auto call(Function* function, Hook hook, More... more) {
    const Step& now = step();
    const CrumbScope crumb(now.plugin->host.slot, hook);
    using Said = decltype(function(now.plugin->instance, now.bound, handle(), nullptr, more...));
    try {
      return function(now.plugin->instance, now.bound, handle(), &contexts_[slot_], more...);
    } catch (...) {
      if constexpr (std::is_void_v<Said>) {
        count_failure();
      } else {
        return Said{MIMUS_FAIL};
      }
    }
  }
  bool left_out() const { return contexts_[slot_] == &left_out_mark_; }
  const std::vector<Step>& steps() const;
  const Step& step() const { return pipeline_->steps()[slot_]; }
  mimus_req* handle() {
    return reinterpret_cast<mimus_req*>(reinterpret_cast<std::uintptr_t>(this) | std::uintptr_t{serial_}
                                                                                     << serial_shift);
  }

  static constexpr int serial_shift = 48;  // addresses of Linux's processes are shorter
  static_assert(sizeof(void*) == 8);

  static inline char left_out_mark_;  // its address is the context of a step that was not entered

  std::vector<Flow*>& idle_;
  WorkerContext* worker_ = nullptr;
  Exchange* exchange_ = nullptr;
  /// Where versions of plugins are compared: what it waited for before is not theirs.
  std::int64_t began_us_ = 0;
  const Generation* generation_ = nullptr;
  const Pipeline* pipeline_ = nullptr;
  Route route_;

  Direction direction_ = Direction::request;
  Waiting waiting_ = Waiting::none;
  Answer answer_ = Answer::none;
  bool candidate_ = false;  // a canary's pipeline
  bool body_known_ = false;
  bool forwarded_ = false;  // the answer came from an upstream
  bool streaming_ = false;  // the answer's body is not whole
  bool begun_ = false;      // its head was handed to the sink
  bool broken_ = false;     // it broke off: cut the connection once it is journalled
  bool query_known_ = false;
  std::uint16_t serial_ = 0;      // counts the exchanges, in each one's handle
  bool request_changed_ = false;  // client_headers_ holds what it was
  std::uint32_t entered_ = 0;
  std::uint32_t slot_ = 0;
  int compiles_ = 0;
  void** contexts_ = nullptr;  // one for each step, in the arena
  mimus_resume* hold_ = nullptr;

  std::string_view body_;                    // the whole answer
  std::optional<std::string_view> uncoded_;  // what it was before a plugin put a coding on it
  std::string gathered_;                     // the first part of a streaming one
  std::int64_t upstream_length_ = -1;
  std::size_t ceiling_ = 0;
  Upstream::Id upstream_ = 0;
  struct Outgoing {
    Url url;
    std::string_view method;
    std::vector<Header> headers;
    std::chrono::milliseconds timeout{};
  };
  Outgoing outgoing_;

  std::span<const QueryField> query_;
  std::string_view error_;
  std::vector<FieldValue> fields_;
  std::vector<Header> client_headers_;
  std::string captured_body_;  // of a streamed answer, while the API captures bodies
  std::int64_t streamed_ = 0;  // body bytes that went to the sink
  Incoming incoming_;
};

}  // namespace mimus
