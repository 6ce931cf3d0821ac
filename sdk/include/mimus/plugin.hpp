// The C++20 face of mimus/plugin.h: views, RAII, and the wall that no exception passes.
//
// A plugin is a class P with a nested `Binding` and any of the functions below; those it
// does not have cost nothing.
//
//   struct P::Binding;                                   what P keeps for one API or endpoint
//   explicit P(mimus::Host& host);                       the host outlives the plugin
//   mimus::Status configure(std::string_view json);      the manifest's options, resolved
//   mimus::Status self_test();  mimus::Status activate();  void quiesce();
//   void check(const mimus::View&, mimus::Report&);
//   mimus::Result<std::unique_ptr<Binding>> bind(const mimus::View&);   null: not in this pipeline
//   mimus_action on_request(Binding&, mimus::Request&);
//   mimus_action on_request_body(Binding&, mimus::Request&, std::string_view whole);
//   mimus_action on_resume(Binding&, mimus::Request&);
//   mimus_action on_response(Binding&, mimus::Request&);
//   mimus_action on_response_body(Binding&, mimus::Request&, std::string_view whole, mimus_rc);
//   void on_end(Binding&, mimus::Request&);
//   void admin(const mimus::AdminRequest&, mimus::AdminReply&);
//   void reset(std::string_view what);
//   void enrich(std::span<mimus_record* const>);
//   void on_open(Binding&, mimus::Peer&);  void on_timer(Binding&, mimus::Peer&, void* ud);
//   void on_message(Binding&, mimus::Peer&, std::string_view data, bool binary);
//   void on_close(Binding&, mimus::Peer&);
//
//   MIMUS_MANIFEST =
//   #include "manifest.inc"
//   ;
//   MIMUS_PLUGIN(P, "example.id", "1.0.0")
//
// Threads are those of plugin.h.
#pragma once

#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "mimus/header_text.h"
#include "mimus/plugin.h"
#include "mimus/result.h"

namespace mimus {
/// Texts across the line and back; no bytes are copied.
inline mimus_str str(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view view(mimus_str text) {
  return text.n == 0 ? std::string_view{} : std::string_view{text.p, text.n};
}
inline mimus_field field(std::string_view name, std::string_view value) { return {str(name), str(value)}; }

/// mimus_view with C++ views; valid for the call.
struct View {
  mimus_level level;
  std::string_view id, api_id, slug, method, path, fields, api_fields, config;
  std::uint64_t revision;
};

/// Collects faults of a definition.
class Report {
 public:
  Report(mimus_report* report, mimus_report_fn adder) : report_(report), add_(adder) {}
  void add(std::string_view pointer, std::string_view detail, std::string_view code = {}) {
    add_(report_, str(pointer), str(detail), str(code));
  }

 private:
  mimus_report* report_;
  mimus_report_fn add_;
};

/// A request of the plugin's own: see mimus_fetch.
struct FetchSpec {
  std::string_view url, method = "GET";
  std::span<const mimus_field> headers = {};
  std::string_view body = {};
  std::uint32_t timeout_ms = 5000;
  std::size_t max_body = 1 << 20;
};

/// What came of a fetch; valid for the call.
class Fetched {
 public:
  explicit Fetched(const mimus_fetched& from) : from_(from) {}
  mimus_rc rc() const { return from_.rc; }
  int status() const { return from_.status; }
  std::string_view body() const { return view(from_.body); }
  std::string_view why() const { return view(from_.why); }
  std::span<const mimus_field> headers() const { return {from_.headers, from_.n_headers}; }
  /// The first value under a name.
  std::optional<std::string_view> header(std::string_view name) const {
    for (const mimus_field& field : headers()) {
      if (header::same_name(view(field.name), name)) return view(field.value);
    }
    return std::nullopt;
  }

 private:
  const mimus_fetched& from_;
};

/// The host's services for one instance. The tables are fetched once; a NULL one is absent,
/// or withheld by the operator, which the functions below answer with E_UNAVAILABLE.
class Host {
 public:
  Host(const mimus_host_api* api, mimus_host* host) : api_(api), host_(host) {
    http = table<mimus_http_v1>("mimus.http/1");
    async = table<mimus_async_v1>("mimus.async/1");
    timer = table<mimus_timer_v1>("mimus.timer/1");
    kv = table<mimus_kv_v1>("mimus.kv/1");
    forward = table<mimus_forward_v1>("mimus.forward/1");
    hash = table<mimus_hash_v1>("mimus.hash/1");
    metrics = table<mimus_metrics_v1>("mimus.metrics/1");
    journal = table<mimus_journal_v1>("mimus.journal/1");
    channel = table<mimus_channel_v1>("mimus.channel/1");
    relay = table<mimus_relay_v1>("mimus.relay/1");
    fetching = table<mimus_fetch_v1>("mimus.fetch/1");
    task = table<mimus_task_v1>("mimus.task/1");
  }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  const mimus_http_v1* http;
  const mimus_async_v1* async;
  const mimus_timer_v1* timer;
  const mimus_kv_v1* kv;
  const mimus_forward_v1* forward;
  const mimus_hash_v1* hash;
  const mimus_metrics_v1* metrics;
  const mimus_journal_v1* journal;
  const mimus_channel_v1* channel;
  const mimus_relay_v1* relay;
  const mimus_fetch_v1* fetching;
  const mimus_task_v1* task;

  mimus_host* get() const { return host_; }
  void log(mimus_log_level level, std::string_view text) const { api_->log(host_, level, str(text)); }
  void set_error(std::string_view text) const { api_->set_error(host_, str(text)); }
  std::uint64_t now_ms() const { return api_->now_ms(host_); }
  std::int64_t wall_us() const { return api_->wall_us(host_); }
  unsigned worker_index() const { return api_->worker_index(host_); }
  unsigned worker_count() const { return api_->worker_count; }
  /// The number of a journal field, or < 0; also where the journal is not granted.
  int journal_field(std::string_view name) const {
    return journal != nullptr ? journal->field(host_, str(name)) : -1;
  }

  /// [w] On OK `done(const Fetched&)` is kept and called once, on this worker; else it is
  /// destroyed uncalled. An exception that leaves it is logged.
  template <class F>
  mimus_rc fetch(const FetchSpec& spec, F done) const {
    if (fetching == nullptr) return MIMUS_E_UNAVAILABLE;
    auto call = std::make_unique<Call<F>>(Call<F>{this, std::move(done)});
    const mimus_fetch to{sizeof(mimus_fetch), spec.timeout_ms,     str(spec.method), str(spec.url),
                         spec.headers.data(), spec.headers.size(), str(spec.body),   spec.max_body};
    const mimus_rc rc = fetching->start(
        host_, &to,
        [](mimus_inst*, void* ud, const mimus_fetched* fetched) {
          const std::unique_ptr<Call<F>> own(static_cast<Call<F>*>(ud));
          own->run(Fetched(*fetched));
        },
        call.get());
    if (rc == MIMUS_OK) (void)call.release();
    return rc;
  }
  /// [any] On OK `run(mimus_rc)` is kept and called once, on a task thread; else it is
  /// destroyed uncalled. An exception that leaves it is logged.
  template <class F>
  mimus_rc spawn(F run) const {
    if (task == nullptr) return MIMUS_E_UNAVAILABLE;
    return hand_over(std::move(run), [&](auto fire, void* ud) { return task->spawn(host_, fire, ud); });
  }
  /// [any] The same for a timer of the instance.
  template <class F>
  mimus_rc after(std::uint64_t ms, F run) const {
    if (timer == nullptr) return MIMUS_E_UNAVAILABLE;
    return hand_over(std::move(run), [&](auto fire, void* ud) { return timer->start(host_, ms, fire, ud); });
  }

 private:
  /// A callback on its way through the host's `ud`.
  template <class F>
  struct Call {
    const Host* host;
    F body;
    template <class... A>
    void run(A&&... args) noexcept {
      try {
        (void)body(std::forward<A>(args)...);
      } catch (const std::exception& e) {
        host->log(MIMUS_LOG_ERROR, e.what());
      } catch (...) {
        host->log(MIMUS_LOG_ERROR, "an exception of unknown type");
      }
    }
  };
  template <class F, class Start>
  mimus_rc hand_over(F body, Start start) const {
    auto call = std::make_unique<Call<F>>(Call<F>{this, std::move(body)});
    const mimus_rc rc = start(
        +[](mimus_inst*, void* ud, mimus_rc how) {
          const std::unique_ptr<Call<F>> own(static_cast<Call<F>*>(ud));
          own->run(how);
        },
        call.get());
    if (rc == MIMUS_OK) (void)call.release();
    return rc;
  }
  template <class T>
  const T* table(const char* id) const {
    return static_cast<const T*>(api_->get_extension(host_, id));
  }

  const mimus_host_api* api_;
  mimus_host* host_;
};

/// A hold on an exchange; gives its handle back when destroyed. Empty if refused.
class Hold {
 public:
  Hold() = default;
  Hold(const mimus_async_v1* async, mimus_resume* handle) : async_(async), handle_(handle) {}
  Hold(Hold&& other) noexcept : async_(other.async_), handle_(std::exchange(other.handle_, nullptr)) {}
  Hold& operator=(Hold&& other) noexcept {
    std::swap(async_, other.async_);
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Hold() {
    if (handle_ != nullptr) async_->release(handle_);
  }
  explicit operator bool() const { return handle_ != nullptr; }
  mimus_resume* get() const { return handle_; }
  /// [any] False: the exchange had ended, or this is empty.
  bool resume() const { return handle_ != nullptr && async_->resume(handle_) == MIMUS_OK; }

 private:
  const mimus_async_v1* async_ = nullptr;
  mimus_resume* handle_ = nullptr;
};

/// One exchange as the plugin sees it, for the length of a hook. Views live until the
/// exchange ends.
class Request {
 public:
  Request(const Host& host, mimus_req* req, void** context) : host_(host), req_(req), context_(context) {}

  std::string_view attr(mimus_attr which) const {
    mimus_str out{};
    return http().attr(req_, which, &out) == MIMUS_OK ? view(out) : std::string_view{};
  }
  std::optional<std::string_view> get(mimus_set set, std::string_view name, std::uint32_t nth = 0) const {
    mimus_str out{};
    if (http().get(req_, set, str(name), nth, &out) != MIMUS_OK) return std::nullopt;
    return view(out);
  }
  struct Field {
    std::string_view name, value;
  };
  /// The field at an index, nothing past the end.
  std::optional<Field> at(mimus_set set, std::uint32_t index) const {
    mimus_field out{};
    if (http().at(req_, set, index, &out) != MIMUS_OK) return std::nullopt;
    return Field{view(out.name), view(out.value)};
  }
  /// Nothing: it has not arrived yet; return MIMUS_NEED_BODY.
  std::optional<std::string_view> request_body() const {
    mimus_str out{};
    if (http().request_body(req_, &out) != MIMUS_OK) return std::nullopt;
    return view(out);
  }
  mimus_rc response_body(std::string_view& whole) const {
    mimus_str out{};
    const mimus_rc rc = http().response_body(req_, &out);
    whole = view(out);
    return rc;
  }
  void body_ceiling(std::size_t bytes) const { http().body_ceiling(req_, bytes); }
  int status() const { return http().status(req_); }
  void replace_status(int status) const { http().replace_status(req_, status); }
  /// Nothing: nobody knows yet.
  std::optional<std::uint64_t> response_length() const {
    std::uint64_t out = 0;
    if (http().response_length(req_, &out) != MIMUS_OK) return std::nullopt;
    return out;
  }
  void forget_length() const { http().forget_length(req_); }
  mimus_rc replace_body(std::string_view body, std::uint32_t flags = 0) const {
    return http().replace_body(req_, str(body), flags);
  }
  mimus_rc set(std::string_view name, std::string_view value) const {
    return http().set(req_, str(name), str(value));
  }
  mimus_rc add(std::string_view name, std::string_view value) const {
    return http().add(req_, str(name), str(value));
  }
  void remove(std::string_view name) const { http().remove(req_, str(name)); }
  /// Has the answer's Vary name a request's header field, unless it does, or says "*".
  void vary(std::string_view name) const {
    for (std::uint32_t i = 0;; ++i) {
      const auto known = get(MIMUS_RESPONSE_HEADERS, "Vary", i);
      if (!known) break;
      if (header::lists(*known, name) || header::lists(*known, "*")) return;
    }
    add("Vary", name);
  }
  /// Of the request, for those that come later; from the hooks of the request direction.
  mimus_rc set_request(std::string_view name, std::string_view value) const {
    return http().set_request(req_, str(name), str(value));
  }
  mimus_rc remove_request(std::string_view name) const { return http().remove_request(req_, str(name)); }
  /// RESPONDED, or FAIL if the host refuses the answer.
  mimus_action respond(int status, std::span<const mimus_field> headers, std::string_view body,
                       std::uint32_t flags = 0) const {
    return http().respond(req_, status, headers.data(), headers.size(), str(body), flags) == MIMUS_OK
               ? MIMUS_RESPONDED
               : MIMUS_FAIL;
  }
  mimus_action problem(int status, std::string_view code, std::string_view detail,
                       std::span<const mimus_fault> faults = {}) const {
    return http().problem(req_, status, str(code), str(detail), faults.data(), faults.size()) == MIMUS_OK
               ? MIMUS_RESPONDED
               : MIMUS_FAIL;
  }
  void record(int field, bool value) const { http().record_flag(req_, field, value ? 1 : 0); }
  void record(int field, std::string_view value) const { http().record_text(req_, field, str(value)); }
  void record(int field, const char* value) const { record(field, std::string_view(value)); }  ///< No bool.
  void record_error(std::string_view code) const { http().record_error(req_, str(code)); }
  Hold hold(std::uint32_t timeout_ms = 0) const {
    return host_.async != nullptr ? Hold{host_.async, host_.async->hold(req_, timeout_ms)} : Hold{};
  }

  /// Memory of the exchange; T's destructor is not run.
  template <class T, class... A>
  T* make(A&&... args) const {
    static_assert(std::is_trivially_destructible_v<T>);
    return new (http().alloc(req_, sizeof(T))) T{std::forward<A>(args)...};
  }
  /// The plugin's own pointer for this exchange; null at first.
  void*& context() const { return *context_; }
  mimus_req* get() const { return req_; }

 private:
  const mimus_http_v1& http() const { return *host_.http; }

  const Host& host_;
  mimus_req* req_;
  void** context_;
};

/// One open WebSocket, for the length of a hook. Where the capability `channel` is not granted
/// everything is E_UNAVAILABLE.
class Peer {
 public:
  Peer(const Host& host, mimus_channel* channel, void** context)
      : host_(host), channel_(channel), context_(context) {}
  mimus_rc send_event(std::string_view name, std::string_view payload) const {
    return call<&mimus_channel_v1::send_event>(str(name), str(payload));
  }
  mimus_rc send_text(std::string_view text) const { return call<&mimus_channel_v1::send_text>(str(text)); }
  mimus_rc send_binary(std::string_view data) const {
    return call<&mimus_channel_v1::send_binary>(str(data));
  }
  mimus_rc join(std::string_view room) const { return call<&mimus_channel_v1::join>(str(room)); }
  mimus_rc leave(std::string_view room) const { return call<&mimus_channel_v1::leave>(str(room)); }
  /// To everyone in the room, or on the endpoint if it is "".
  mimus_rc broadcast(std::string_view room, std::string_view name, std::string_view payload,
                     bool but_me = false) const {
    return call<&mimus_channel_v1::broadcast>(str(room), str(name), str(payload), but_me ? 1 : 0);
  }

  void close(int code, std::string_view reason) const { call<&mimus_channel_v1::close>(code, str(reason)); }
  mimus_rc start_timer(std::uint64_t ms, void* ud) const {
    return call<&mimus_channel_v1::start_timer>(ms, ud);
  }
  std::string_view client_id() const {
    return host_.channel != nullptr ? view(host_.channel->client_id(channel_)) : std::string_view{};
  }

  // Since ABI 1.1.

  mimus_rc emit(const mimus_event& event) const { return newer<&mimus_channel_v1::emit>(&event); }
  mimus_rc broadcast_event(std::string_view room, const mimus_event& event, bool but_me = false) const {
    return newer<&mimus_channel_v1::broadcast_event>(str(room), &event, but_me ? 1 : 0);
  }
  mimus_rc acknowledge(const mimus_event& event) const {
    return newer<&mimus_channel_v1::acknowledge>(&event);
  }
  std::string_view attr(mimus_channel_attr which) const {
    mimus_str out{};
    return newer<&mimus_channel_v1::attr>(which, &out) == MIMUS_OK ? view(out) : std::string_view{};
  }
  mimus_rc fault(mimus_channel_fault how, std::uint64_t value = 0) const {
    return newer<&mimus_channel_v1::fault>(how, value);
  }
  /// To be called from on_open; where the capability `forward` is granted.
  mimus_rc relay(const mimus_relay& to) const {
    return host_.relay != nullptr ? host_.relay->start(channel_, &to) : MIMUS_E_UNAVAILABLE;
  }

  /// The plugin's own pointer for this channel; null at first.
  void*& context() const { return *context_; }

 private:
  template <auto function, class... A>
  mimus_rc call(A... args) const {
    return host_.channel != nullptr ? (host_.channel->*function)(channel_, args...) : MIMUS_E_UNAVAILABLE;
  }
  /// Of a minor later than 0, which an older host has not.
  template <auto function, class... A>
  mimus_rc newer(A... args) const {
    return MIMUS_HAS(host_.channel, fault) ? call<function>(args...) : MIMUS_E_UNAVAILABLE;
  }

  const Host& host_;
  mimus_channel* channel_;
  void** context_;
};

struct AdminRequest {
  std::string_view method, path, query, body;
};

class AdminReply {
 public:
  using Fn = void (*)(mimus_reply*, std::int32_t, mimus_str, mimus_str);
  AdminReply(mimus_reply* reply, Fn fn) : reply_(reply), fn_(fn) {}
  void json(int status, std::string_view body) { send(status, {}, body); }  ///< The answer, once.
  void problem(int status, std::string_view code, std::string_view detail) { send(status, code, detail); }

 private:
  void send(int status, std::string_view code, std::string_view body) {
    fn_(reply_, status, str(code), str(body));
  }
  mimus_reply* reply_;
  Fn fn_;
};

}  // namespace mimus

#include "mimus/plugin_wall.hpp"
/// At file scope, once: exports the class P as the plugin ID, which its manifest names too.
#define MIMUS_PLUGIN(P, ID, VERSION)                                                \
  static const mimus_plugin* mimus_entry_here(std::uint32_t major, std::uint32_t) { \
    if (major != MIMUS_ABI_MAJOR) return nullptr;                                   \
    mimus::wall::prime_unwinder();                                                  \
    static const mimus_plugin table = mimus::wall::Tables<P>::plugin(ID, VERSION);  \
    return &table;                                                                  \
  }                                                                                 \
  MIMUS_EXPORT(mimus_entry_here)
