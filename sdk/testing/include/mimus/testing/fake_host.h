// A host for tests: it loads one real plugin and shows it requests, on a clock that moves
// only when told to.
//
//   FakeHost host(PATH_OF_THE_SO, {.options = {{"example-ttl", "5"}}});
//   Bound& bound = host.bind({.fields = R"({"exampleMode":"a"})"});
//   Exchange& x = host.run(bound, {.method = "GET", .path = "/users/1"});
//   EXPECT_EQ(x.answer.status, 200);
//
// What the ABI forbids (answering twice, MIMUS_SUSPEND without a hold, a handle that is
// never released, …) prints what it was and aborts, unless `collect_misuse` was called.
// Not thread-safe: everything happens on the caller's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mimus/plugin.h"

namespace mimus::testing {

struct Field {
  std::string name, value;
  bool operator==(const Field&) const = default;
};
using Fields = std::vector<Field>;

/// What the plugin sees of a request. Nothing is derived from anything else, but for
/// `raw_path` and `target`, which are `path` when they are empty.
struct Request {
  std::string method = "GET";
  std::string path = "/";
  std::string raw_path = {}, raw_query = {}, target = {};
  Fields headers = {}, query = {}, params = {};
  std::string body = {};
  bool body_arrived = true;  ///< false: it is whole only once it was asked for
  std::string client_ip = "127.0.0.1", host = "mock.test", scheme = "http", allow = {};
};

/// An answer: what lies behind the plugin gives it, or the plugin itself.
struct Answer {
  int status = 200;
  Fields headers = {};
  std::string body = {};
  bool streaming = false;  ///< the body is not whole in memory: to be had by MIMUS_NEED_BODY
  std::optional<std::uint64_t> length = {};  ///< that the upstream of a streaming one announced

  /// The values under a name, without regard to case, ", " between them; "" if none.
  std::string header(std::string_view name) const;
  /// How many fields have that name.
  std::size_t count(std::string_view name) const;
  bool operator==(const Answer&) const = default;
};

struct Fault {
  std::string pointer, detail, code;
};

struct Forwarded {
  std::string url, method;
  Fields headers;
  std::uint32_t timeout_ms = 0;
};

/// One request as it goes through the plugin. Owned by the host, valid as long as it.
struct Exchange {
  enum class State {
    suspended,  ///< the plugin holds it
    passed,     ///< the plugin let it pass: `FakeHost::answer` goes on
    forwarded,  ///< the plugin forwarded it: `answer` or `fail_upstream` goes on
    ended       ///< all is over, on_end has been called
  };
  State state = State::passed;
  bool entered = false;    ///< the plugin is in the pipeline of what was bound
  bool responded = false;  ///< the plugin gave the answer itself
  bool failed = false;     ///< a hook returned FAIL, or a hold met its deadline
  Answer answer;           ///< status 0: it was cut off before there was one
  std::string problem;     ///< code of the plugin's problem answer
  std::vector<Fault> faults;
  std::optional<Forwarded> forward;
  std::map<std::string, std::string> texts;     ///< journal fields that were recorded
  std::map<std::string, std::int64_t> numbers;  ///< likewise, flags as 0 or 1
  std::string error;                            ///< record_error, or the problem's code
};

/// What the scripted upstream makes of a fetch.
struct Reply {
  int status = 200;
  Fields headers = {};
  std::string body = {};
  std::uint64_t after_ms = 0;  ///< 0: as soon as the hook that asked has returned
  std::string failure = {};    ///< not "": there is no answer, for this reason
};

/// A fetch as the plugin asked for it.
struct Asked {
  std::string url, method, body;
  Fields headers;
  std::uint32_t timeout_ms = 0;
};

struct Definition {
  mimus_level level = MIMUS_LEVEL_ENDPOINT;
  std::string id = "01JENDPOINT00000000000000A", api_id = "01JAPI0000000000000000000A";
  std::string slug = "shop", method = "GET", path = "/";
  std::string fields = "{}", api_fields = "{}", config = {};
  std::uint64_t revision = 1;
};

/// Owned by the host.
struct Bound {
  mimus_rc rc = MIMUS_OK;
  std::string error;         ///< what the plugin said when rc is a refusal
  bool in_pipeline = false;  ///< false: it wants nothing to do with this one
  mimus_bound* handle = nullptr;
  std::string path;  ///< of the definition
};

/// A journal record for scan and enrich.
struct Record {
  std::map<std::string, std::string> texts;
  std::map<std::string, std::int64_t> numbers;
};

/// Who opens a channel.
struct Client {
  bool socket_io = false;  ///< a namespace of a Socket.IO client; else a raw WebSocket
  std::string auth = "{}", query = {}, client_ip = "127.0.0.1", subprotocol = {};
};

/// An open WebSocket, or a namespace of a Socket.IO client. Owned by the host.
struct Channel {
  struct Sent {
    std::string name, payload;
    bool operator==(const Sent&) const = default;
  };
  /// An event with its arguments, as Socket.IO has them.
  struct Emitted {
    std::string name, args;
    std::vector<std::string> binaries = {};
    std::int64_t ack = -1;
    bool operator==(const Emitted&) const = default;
  };
  struct Fault {
    mimus_channel_fault kind;
    std::uint64_t value;
    bool operator==(const Fault&) const = default;
  };
  struct Relay {
    std::string url;
    Fields headers;
    std::uint32_t timeout_ms = 0;
  };
  std::vector<Sent> sent;                ///< events, broadcast ones too, as raw clients see them
  std::vector<std::string> texts, data;  ///< messages as they are
  std::vector<Emitted> emitted;          ///< of `sent`, those that came by emit and broadcast_event
  std::vector<Emitted> acknowledged;     ///< answers to events; they have no name
  std::vector<Fault> faults;
  std::optional<Relay> relay;
  std::set<std::string> rooms;
  bool open = true;
  int close_code = 0;  ///< what the plugin closed it with; 0 too where it cut it off
  std::string close_reason;
  bool slow = false;  ///< set it: the next send is NOSPC, and the channel closes
};

/// What the plugin made of a client that asked to be let in.
struct Handshake {
  std::uint32_t delay_ms = 0;
  std::int32_t refuse_with = 0;  ///< 0: it is let in
  bool operator==(const Handshake&) const = default;
};

struct AdminAnswer {
  int status = 0;  ///< 0: there was none
  std::string code, body;
};

struct Setup {
  std::map<std::string, std::string> options = {};  ///< name to JSON text, over the manifest's defaults
  std::uint32_t worker_count = 1;
  std::vector<std::string> withheld = {};  ///< extensions that this host does not have
};

/// The manifest text of a plugin file, read without running it; "" if it has none.
std::string manifest_of(const std::string& file);

struct State;  // private to the kit

class FakeHost {
 public:
  /// Loads, creates, configures and activates. A refusal shows in `rc` and `error`; a file
  /// that is no plugin aborts.
  explicit FakeHost(const std::string& file, Setup setup = {});
  /// The same with code that is loaded already, or linked in; it outlives this host.
  FakeHost(const mimus_plugin& plugin, std::string manifest, Setup setup = {});
  /// Ends open exchanges and channels, unbinds everything, quiesces, destroys, unloads.
  ~FakeHost();
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;

  mimus_rc rc() const;                  ///< of the life cycle so far
  const std::string& error() const;     ///< the last text of set_error
  const std::string& manifest() const;  ///< its JSON, as the file carries it
  /// Ends the instance and starts another one on the same KV, whose keys are then cold.
  /// What was bound is unbound.
  void restart();
  void quiesce();
  /// Ends the life now, as the destructor would, to have what is said at its end: only
  /// misuse(), log() and kv() may be called afterwards.
  void end();

  std::vector<Fault> check(const Definition& definition);
  Bound& bind(const Definition& definition);
  void unbind(Bound& bound);

  /// Runs the request direction as far as it goes.
  Exchange& start(Bound& bound, Request request);
  /// What lies behind the plugin answers a passed or forwarded exchange.
  void answer(Exchange& exchange, Answer answer);
  /// The upstream of a forwarded exchange failed: the host answers with a problem.
  void fail_upstream(Exchange& exchange, int status, std::string_view code);
  /// The client has gone: on_end follows, without an answer.
  void cut(Exchange& exchange);
  /// start, then answer if the request was passed on.
  Exchange& run(Bound& bound, Request request, Answer behind = {});

  /// Moves the clock, firing timers and deadlines in order.
  void advance(std::uint64_t ms);
  std::uint64_t now_ms() const;
  void set_worker(std::uint32_t index);

  std::map<std::string, std::string> kv() const;    ///< what is stored and has not expired
  void put_kv(std::string key, std::string value);  ///< as if stored by an earlier instance
  void cool_kv();           ///< keys are on disk only: the next get of each is PENDING
  void fill_kv(bool full);  ///< puts are NOSPC from now on, or no longer

  /// Asks the plugin's own route at `path`, as GET /admin/plugins/{id}/x does.
  AdminAnswer admin(std::string_view method, std::string_view path, std::string_view query = {},
                    std::string_view body = {});
  mimus_rc reset(std::string_view what);
  /// Has mimus.record/1 fill these; numbers and texts that are there can be read.
  void enrich(std::vector<Record>& records);
  std::vector<Record> records;  ///< what scan shows, oldest first
  mimus_rc scan_rc = MIMUS_OK;  ///< what scan returns
  std::string scan_filters;     ///< what scan was last asked for

  /// What mimus.forward/1 `check` refuses: the reason, or "" for a URL that it takes.
  std::function<std::string(std::string_view url)> refuse_target;

  /// How fetches of a URL end from now on; "*" is for those of any other. Without a script
  /// there is no answer. The fetch's own timeout and max_body are kept.
  void upstream(std::string url, Reply reply);
  std::vector<Asked> fetched;  ///< what was fetched, oldest first
  /// Tasks wait until they are let go (false), or run as soon as the hook has returned.
  void hold_tasks(bool hold);

  /// The next `times` calls of an extension's functions are refused with `rc`, which must be
  /// one of its refusals: fail_next("mimus.kv/1", MIMUS_E_NOSPC).
  void fail_next(std::string extension, mimus_rc rc, unsigned times = 1);
  /// The end of an instance, all at once: quiesce; every exchange loses its client, suspended
  /// ones too; every channel closes; timers, fetches and tasks are told GONE, and new ones are
  /// refused. What is bound is unbound only by the destructor.
  void end_work();

  const void* extension(const char* id) const;      ///< the plugin's table under an id, or null
  bool has_peer() const;                            ///< whether it has mimus.peer/1, which open needs
  Handshake handshake(Bound& bound);                ///< a client asks to be let in
  Channel& open(Bound& bound, Client client = {});  ///< it has been let in
  void close(Channel& channel);                     ///< the client has gone
  /// What a raw client sends.
  void say(Channel& channel, std::string_view data, bool binary = false);
  /// An event of a Socket.IO client; `args` is a JSON array.
  void say_event(Channel& channel, std::string_view name, std::string_view args,
                 const std::vector<std::string>& binaries = {}, std::int64_t ack = -1);
  /// A Socket.IO client acknowledges what was emitted with this `ack`.
  void say_ack(Channel& channel, std::int64_t ack, std::string_view args);
  /// A changed definition applies to an open channel: on_close for the old binding, its rooms and
  /// timers gone, on_rebind for the new one.
  void rebind(Channel& channel, Bound& bound);
  /// Has mimus.session/1 make a definition of a recorded session; status 0: there is no such table.
  AdminAnswer replay(std::string_view session);

  std::uint64_t counter(std::string_view name) const;
  const std::vector<std::string>& log() const;

  /// Keeps what the ABI forbids for `misuse` instead of aborting.
  void collect_misuse();
  const std::vector<std::string>& misuse() const;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace mimus::testing
