// The life of the plugin and of what is bound, the clock, and the doors to the rest.
#include "mimus/testing/fake_host.h"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>

#include "mimus/json_text.h"
#include "state.h"

namespace mimus::testing {
namespace {

constexpr const char* core_fields[] = {
    "id",        "time",    "apiId",          "endpointId",  "method",       "path",
    "query",     "status",  "durationMicros", "requestSize", "responseSize", "clientIp",
    "userAgent", "traceId", "error",          "capture"};

/// The options as `configure` receives them: the manifest's defaults, then the overrides.
std::string options_of(const std::string& manifest, const std::map<std::string, std::string>& overrides) {
  std::string out = "{";
  json::elements(json::member(manifest, "options").value_or(""), [&](std::string_view option) {
    const std::string name = json::unquote(json::member(option, "name").value_or(""));
    const auto given = overrides.find(name);
    if (out.size() > 1) out += ',';
    json::quote(out, name);
    out += ':';
    out += given != overrides.end() ? std::string_view(given->second)
                                    : json::member(option, "default").value_or("null");
    return true;
  });
  return out + "}";
}

mimus_view view_of(const Definition& d) {
  return {sizeof(mimus_view), d.level,      lend(d.id),     d.revision,         lend(d.api_id), lend(d.slug),
          lend(d.method),     lend(d.path), lend(d.fields), lend(d.api_fields), lend(d.config)};
}

}  // namespace

void give_up(const std::string& why) {
  std::fprintf(stderr, "fake host: %s\n", why.c_str());
  std::abort();
}

void State::misuse(std::string what) {
  if (!collect) give_up("misuse by " + std::string(plugin == nullptr ? "?" : plugin->id) + ": " + what);
  misuses.push_back(std::move(what));
}

void State::describe() {
  fail_closed = json::member(manifest, "fail") == "\"closed\"";
  for (const char* name : core_fields) field_names.emplace_back(name);
  json::elements(json::member(manifest, "journal").value_or(""), [&](std::string_view field) {
    field_names.push_back(json::unquote(json::member(field, "name").value_or("")));
    return true;
  });
}

void State::begin() {
  const OffWorker here(*this);
  quiesced = ending = false;
  api = host_api;
  api.worker_count = setup.worker_count;
  rc = plugin->create(&api, &handle, &instance);
  if (rc == MIMUS_OK && plugin->configure != nullptr)
    rc = plugin->configure(instance, lend(options_of(manifest, setup.options)));
  if (rc == MIMUS_OK && MIMUS_HAS(plugin, self_test) && plugin->self_test != nullptr)
    rc = plugin->self_test(instance);
  if (rc == MIMUS_OK && plugin->activate != nullptr) rc = plugin->activate(instance);
}

void State::end() {
  end_work();
  for (const auto& b : bounds) face->unbind(*b);
  if (instance != nullptr) plugin->destroy(instance);
  instance = nullptr;
  for (const auto& hold : holds) {
    if (!hold->released) misuse("a resume handle was never released");
  }
  holds.clear();
}

FakeHost::FakeHost(const std::string& file, Setup setup) : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.face = this;
  s.setup = std::move(setup);
  s.manifest = manifest_of(file);
  if (s.manifest.empty()) give_up(file + " has no manifest");
  s.library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (s.library == nullptr) give_up(dlerror());
  const auto entry = reinterpret_cast<mimus_entry_fn>(dlsym(s.library, MIMUS_ENTRY_SYMBOL));
  if (entry == nullptr) give_up(file + " exports no " MIMUS_ENTRY_SYMBOL);
  s.plugin = entry(MIMUS_ABI_MAJOR, MIMUS_ABI_MINOR);
  if (s.plugin == nullptr) give_up(file + " refuses this ABI");
  if (json::unquote(json::member(s.manifest, "id").value_or("")) != s.plugin->id)
    give_up(file + " has another id in its manifest than in its code");
  s.describe();
  s.begin();
}

FakeHost::FakeHost(const mimus_plugin& plugin, std::string manifest, Setup setup)
    : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.face = this;
  s.setup = std::move(setup);
  s.manifest = std::move(manifest);
  s.plugin = &plugin;
  s.describe();
  s.begin();
}

FakeHost::~FakeHost() {
  state_->end();
#if !defined(MIMUS_KEEP_LIBRARIES)
  if (state_->library != nullptr) dlclose(state_->library);
#endif
}

mimus_rc FakeHost::rc() const { return state_->rc; }
const std::string& FakeHost::error() const { return state_->error; }
const std::string& FakeHost::manifest() const { return state_->manifest; }

void FakeHost::restart() {
  state_->end();
  state_->bounds.clear();
  state_->channels.clear();
  cool_kv();
  state_->begin();
}

void FakeHost::quiesce() {
  const OffWorker here(*state_);
  if (state_->plugin->quiesce != nullptr) state_->plugin->quiesce(state_->instance);
  state_->quiesced = true;
}

void FakeHost::end() { state_->end(); }

std::vector<Fault> FakeHost::check(const Definition& definition) {
  const OffWorker here(*state_);
  std::vector<Fault> faults;
  if (state_->plugin->check == nullptr) return faults;
  const mimus_view view = view_of(definition);
  const mimus_rc rc = state_->plugin->check(
      state_->instance, &view, reinterpret_cast<mimus_report*>(&faults),
      [](mimus_report* report, mimus_str pointer, mimus_str detail, mimus_str code) {
        reinterpret_cast<std::vector<Fault>*>(report)->push_back(
            {std::string(borrow(pointer)), std::string(borrow(detail)), std::string(borrow(code))});
      });
  if (rc != MIMUS_OK) faults.push_back({"", "check failed: " + state_->error, "plugin-failed"});
  return faults;
}

Bound& FakeHost::bind(const Definition& definition) {
  const OffWorker here(*state_);
  state_->bounds.push_back(std::make_unique<Bound>());
  Bound& bound = *state_->bounds.back();
  const mimus_view view = view_of(definition);
  state_->error.clear();
  bound.rc = state_->plugin->bind(state_->instance, &view, &bound.handle);
  bound.error = bound.rc == MIMUS_OK ? "" : state_->error;
  bound.path = definition.path;
  bound.in_pipeline = bound.rc == MIMUS_OK && bound.handle != nullptr;
  return bound;
}

void FakeHost::unbind(Bound& bound) {
  for (std::size_t i = 0; i < state_->exchanges.size(); ++i) {  // a binding outlives its exchanges
    if (state_->exchanges[i]->bound == &bound) cut(*state_->exchanges[i]);
  }
  if (bound.in_pipeline) state_->plugin->unbind(state_->instance, bound.handle);
  bound.in_pipeline = false;
  bound.handle = nullptr;
}

Exchange& FakeHost::start(Bound& bound, Request request) {
  State& s = *state_;
  s.exchanges.push_back(std::make_unique<mimus_req>());
  mimus_req& x = *s.exchanges.back();
  x.host = &s;
  x.bound = &bound;
  x.request = std::move(request);
  x.answer.status = 0;
  x.entered = bound.in_pipeline;
  if (bound.rc != MIMUS_OK) {
    x.failed = true;
    if (s.fail_closed) {
      x.answer = {.status = 503};
      x.state = Exchange::State::ended;
    }
    return x;
  }
  if (!x.entered || s.plugin->on_request == nullptr) return x;  // passed
  s.go_on(x, s.plugin->on_request(s.instance, bound.handle, &x, &x.context));
  s.settle();
  return x;
}

void FakeHost::answer(Exchange& exchange, Answer answer) {
  mimus_req& x = static_cast<mimus_req&>(exchange);
  if (x.state != Exchange::State::passed && x.state != Exchange::State::forwarded)
    give_up("answer() is for an exchange that was passed on or forwarded");
  x.answer = std::move(answer);
  if (x.entered) {
    state_->respond(x);
  } else {
    x.state = Exchange::State::ended;
  }
  state_->settle();
}

void FakeHost::fail_upstream(Exchange& exchange, int status, std::string_view code) {
  exchange.problem = exchange.error = code;
  answer(exchange,
         {.status = status, .headers = {{"Content-Type", "application/problem+json"}}, .body = "{}"});
}

void FakeHost::cut(Exchange& exchange) {
  mimus_req& x = static_cast<mimus_req&>(exchange);
  if (x.state == Exchange::State::ended) return;
  x.answer.status = 0;
  if (x.entered) {
    state_->finish(x);
  } else {
    x.state = Exchange::State::ended;
  }
  state_->settle();
}

Exchange& FakeHost::run(Bound& bound, Request request, Answer behind) {
  Exchange& x = start(bound, std::move(request));
  if (x.state == Exchange::State::passed || x.state == Exchange::State::forwarded)
    answer(x, std::move(behind));
  return x;
}

void FakeHost::advance(std::uint64_t ms) {
  State& s = *state_;
  const std::uint64_t until = s.now + ms;
  while (!s.timers.empty() && s.timers.begin()->first <= until) {
    const auto first = s.timers.begin();
    s.now = first->first;
    const Timer timer = first->second;
    s.timers.erase(first);
    if (timer.kind == Timer::Kind::instance) {
      timer.fire(s.instance, timer.ud, MIMUS_OK);
    } else if (timer.kind == Timer::Kind::fetch) {
      s.end_fetch(*timer.fetch, timer.fetch->rc, timer.fetch->reply.failure);
    } else if (timer.kind == Timer::Kind::deadline) {
      mimus_req* const x = timer.hold->exchange;
      if (x != nullptr && !timer.hold->resumed) s.go_on(*x, MIMUS_FAIL);
    } else if (timer.channel->open) {
      const auto* const peer = s.extension_of<mimus_peer_v1>("mimus.peer/1");
      mimus_channel& c = *timer.channel;
      if (peer->on_timer != nullptr) peer->on_timer(s.instance, c.bound->handle, &c, &c.context, timer.ud);
      s.close_what_ended();
    }
    s.settle();
  }
  s.now = until;
}

std::uint64_t FakeHost::now_ms() const { return state_->now; }
void FakeHost::set_worker(std::uint32_t index) { state_->worker = index; }

std::map<std::string, std::string> FakeHost::kv() const {
  std::map<std::string, std::string> live;
  for (const auto& [key, stored] : state_->kv) {
    if (stored.expires == 0 || stored.expires > state_->now) live[key] = stored.value;
  }
  return live;
}
void FakeHost::put_kv(std::string key, std::string value) {
  state_->kv[std::move(key)] = {std::move(value), 0, false};
}
void FakeHost::cool_kv() {
  for (auto& [key, stored] : state_->kv) stored.cold = true;
}
void FakeHost::fill_kv(bool full) { state_->kv_full = full; }

namespace {

void keep_reply(mimus_reply* reply, std::int32_t status, mimus_str code, mimus_str text) {
  *reinterpret_cast<AdminAnswer*>(reply) = {status, std::string(borrow(code)), std::string(borrow(text))};
}

}  // namespace

AdminAnswer FakeHost::admin(std::string_view method, std::string_view path, std::string_view query,
                            std::string_view body) {
  const auto* const table = state_->extension_of<mimus_admin_v1>("mimus.admin/1");
  AdminAnswer answer;
  if (table == nullptr) return answer;
  const OffWorker here(*state_);
  const mimus_admin_request request{sizeof request, lend(method), lend(path), lend(query), lend(body)};
  table->handle(state_->instance, &request, reinterpret_cast<mimus_reply*>(&answer), keep_reply);
  return answer;
}

AdminAnswer FakeHost::replay(std::string_view session) {
  const auto* const table = state_->extension_of<mimus_session_v1>("mimus.session/1");
  AdminAnswer answer;
  if (table == nullptr) return answer;
  const OffWorker here(*state_);
  table->replay(state_->instance, lend(session), reinterpret_cast<mimus_reply*>(&answer), keep_reply);
  return answer;
}

mimus_rc FakeHost::reset(std::string_view what) {
  const OffWorker here(*state_);
  const auto* const table = state_->extension_of<mimus_admin_v1>("mimus.admin/1");
  return table == nullptr ? mimus_rc{MIMUS_ABSENT} : table->reset(state_->instance, lend(what));
}

void FakeHost::enrich(std::vector<Record>& batch) {
  const OffWorker here(*state_);
  const auto* const table = state_->extension_of<mimus_record_v1>("mimus.record/1");
  if (table == nullptr) return;
  std::vector<mimus_record> lent;
  std::vector<mimus_record*> pointers;
  for (Record& record : batch) lent.push_back({state_.get(), &record});
  for (mimus_record& record : lent) pointers.push_back(&record);
  table->enrich(state_->instance, pointers.data(), pointers.size());
}

const void* FakeHost::extension(const char* id) const { return state_->extension_of<void>(id); }

std::uint64_t FakeHost::counter(std::string_view name) const {
  for (const auto& [known, value] : state_->counters) {
    if (known == name) return value;
  }
  return 0;
}
const std::vector<std::string>& FakeHost::log() const { return state_->log; }
void FakeHost::collect_misuse() { state_->collect = true; }
const std::vector<std::string>& FakeHost::misuse() const { return state_->misuses; }

}  // namespace mimus::testing
