// What the parts of the fake host share: the opaque types of plugin.h, filled in.
#pragma once

#include <cstddef>
#include <deque>

#include "mimus/testing/fake_host.h"

struct mimus_host {
  mimus::testing::State* state;
};

struct mimus_req : mimus::testing::Exchange {
  mimus::testing::State* host = nullptr;
  mimus::testing::Bound* bound = nullptr;
  mimus::testing::Request request;
  void* context = nullptr;
  bool in_hook = false;
  bool has_answer = false;     // recorded by the plugin or given from behind
  bool in_response = false;    // header changes are allowed
  bool body_gathered = false;  // a streaming body was asked for and fitted
  bool body_too_large = false;
  std::size_t ceiling = 1u << 20;
  mimus_resume* held = nullptr;
  std::vector<std::unique_ptr<std::max_align_t[]>> memory;
  std::deque<std::string> lent;  // what was lent of the answer, which may change meanwhile
};

struct mimus_resume {
  mimus::testing::State* host;
  mimus_req* exchange;  // null once the hold is over
  bool resumed = false;
  bool released = false;
};

struct mimus_channel : mimus::testing::Channel {
  mimus::testing::State* host = nullptr;
  mimus::testing::Bound* bound = nullptr;
  void* context = nullptr;
  std::string id, path;
  mimus::testing::Client client;
  bool opening = false;  // on_open is being called: a relay may be started
};

struct mimus_record {
  mimus::testing::State* host;
  mimus::testing::Record* record;
};

namespace mimus::testing {

inline mimus_str lend(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view borrow(mimus_str text) {
  return text.n == 0 ? std::string_view{} : std::string_view{text.p, text.n};
}
[[noreturn]] void give_up(const std::string& why);             // the test itself is wrong
bool same_name(std::string_view a, std::string_view b);        // header names: ASCII case aside
bool is_field(std::string_view name, std::string_view value);  // fit to be sent

struct Fetch;

struct Timer {
  enum class Kind { instance, channel, deadline, fetch } kind;
  void (*fire)(mimus_inst*, void*, mimus_rc) = nullptr;
  void* ud = nullptr;
  mimus_channel* channel = nullptr;
  mimus_resume* hold = nullptr;
  Fetch* fetch = nullptr;
};

/// A fetch in flight: what it will come to.
struct Fetch {
  void (*done)(mimus_inst*, void*, const mimus_fetched*);
  void* ud;
  mimus_rc rc;
  Reply reply;
};

struct Task {
  void (*run)(mimus_inst*, void*, mimus_rc);
  void* ud;
};

struct Stored {
  std::string value;
  std::uint64_t expires = 0;  // 0: never
  bool cold = false;
};

struct State {
  FakeHost* face = nullptr;
  mimus_host handle{this};
  mimus_host_api api{};
  Setup setup;
  void* library = nullptr;
  const mimus_plugin* plugin = nullptr;
  mimus_inst* instance = nullptr;
  bool quiesced = false;
  mimus_rc rc = MIMUS_OK;
  std::string manifest, error;
  bool fail_closed = false;

  std::uint64_t now = 1000;
  std::uint32_t worker = 0;
  std::multimap<std::uint64_t, Timer> timers;
  std::deque<mimus_resume*> resumed;  // to be shown on_resume
  std::deque<std::unique_ptr<mimus_resume>> holds;
  std::map<std::string, Stored, std::less<>> kv;
  bool kv_full = false;
  bool in_kv = false;
  std::vector<std::pair<std::string, std::uint64_t>> counters;
  std::map<std::string, Reply, std::less<>> upstream;  // by URL
  std::deque<std::unique_ptr<Fetch>> fetches;          // in flight
  std::deque<Task> tasks;                              // waiting
  bool tasks_held = false;
  bool ending = false;  // no new timers, fetches and tasks
  int off_worker = 0;   // calls of the plugin that the host makes elsewhere: no fetch there
  std::map<std::string, std::deque<mimus_rc>, std::less<>> faults;  // to come, by extension
  std::vector<std::string> field_names;                             // by number
  std::vector<std::string> log, misuses;
  bool collect = false;
  std::string why;

  std::deque<std::unique_ptr<mimus_req>> exchanges;
  std::deque<std::unique_ptr<mimus_channel>> channels;
  std::deque<std::unique_ptr<Bound>> bounds;

  void misuse(std::string what);
  /// A table of the plugin's, or null.
  template <class T>
  const T* extension_of(const char* id) const {
    if (plugin->get_extension == nullptr) return nullptr;
    return static_cast<const T*>(plugin->get_extension(instance, id));
  }
  void describe();  // what the manifest says
  void begin();     // create, configure, activate
  void end();       // the rest of an instance's life

  // The walk of one exchange (exchange.cc).
  void go_on(mimus_req& x, mimus_action action);
  void respond(mimus_req& x);
  void finish(mimus_req& x);
  void end_hold(mimus_req& x);
  void run_resumed();

  // Work beside exchanges (work.cc).
  void settle();  // whatever is due now and does not wait for the clock
  void end_fetch(Fetch& fetch, mimus_rc how, std::string reason);
  void end_work();
  /// The refusal that the test has put in the way of an extension's next call, or OK.
  mimus_rc fault(std::string_view extension);
  void close_channel(mimus_channel& channel);
  void close_what_ended();  // the channels that a hook closed, or that read too slowly
};

/// While it lives the plugin is called as on a thread that is no worker's; what it has begun
/// there is done at the end.
class OffWorker {
 public:
  explicit OffWorker(State& state) : state_(state) { ++state_.off_worker; }
  ~OffWorker() {
    if (--state_.off_worker == 0) state_.settle();
  }
  OffWorker(const OffWorker&) = delete;
  OffWorker& operator=(const OffWorker&) = delete;

 private:
  State& state_;
};

extern const mimus_host_api host_api;
const void* extension(std::string_view id);  // the fake's tables, or null
const mimus_http_v1* http_table();
const mimus_async_v1* async_table();
const mimus_forward_v1* forward_table();
const mimus_channel_v1* channel_table();
const mimus_relay_v1* relay_table();
const mimus_fetch_v1* fetch_table();
const mimus_task_v1* task_table();

}  // namespace mimus::testing
