// What a plugin does beside its exchanges: holds, fetches from a scripted upstream, tasks, and
// the faults that a test puts in its way.
#include <algorithm>

#include "state.h"

namespace mimus::testing {

mimus_rc State::fault(std::string_view extension) {
  const auto at = faults.find(extension);
  if (at == faults.end() || at->second.empty()) return MIMUS_OK;
  const mimus_rc refusal = at->second.front();
  at->second.pop_front();
  return refusal;
}

void State::end_fetch(Fetch& fetch, mimus_rc how, std::string reason) {
  const auto at =
      std::find_if(fetches.begin(), fetches.end(), [&](const auto& each) { return each.get() == &fetch; });
  const std::unique_ptr<Fetch> own = std::move(*at);
  fetches.erase(at);
  std::erase_if(timers, [&](const auto& entry) { return entry.second.fetch == own.get(); });
  const bool answered = how == MIMUS_OK || how == MIMUS_E_NOSPC;
  std::vector<mimus_field> fields;
  if (answered) {
    for (const Field& f : own->reply.headers) fields.push_back({lend(f.name), lend(f.value)});
  }
  const mimus_fetched fetched{
      sizeof fetched, how,           answered ? own->reply.status : 0,
      fields.data(),  fields.size(), how == MIMUS_OK ? lend(own->reply.body) : mimus_str{},
      lend(reason)};
  own->done(instance, own->ud, &fetched);
}

void State::settle() {
  while (true) {
    if (!resumed.empty()) {
      run_resumed();
    } else if (!tasks.empty() && !tasks_held) {
      const Task task = tasks.front();
      tasks.pop_front();
      ++off_worker;
      task.run(instance, task.ud, MIMUS_OK);
      --off_worker;
    } else {
      const auto first = std::find_if(timers.begin(), timers.upper_bound(now), [](const auto& entry) {
        return entry.second.kind == Timer::Kind::fetch;
      });
      if (first == timers.upper_bound(now)) return;
      Fetch& fetch = *first->second.fetch;
      end_fetch(fetch, fetch.rc, fetch.reply.failure);
    }
  }
}

void State::end_work() {
  if (instance == nullptr) return;
  if (plugin->quiesce != nullptr && !quiesced) plugin->quiesce(instance);
  quiesced = true;
  for (const auto& c : channels) close_channel(*c);
  for (const auto& x : exchanges) {
    if (x->state != Exchange::State::ended) face->cut(*x);
  }
  ending = true;
  while (!fetches.empty()) end_fetch(*fetches.front(), MIMUS_E_GONE, "the instance ends");
  while (!tasks.empty()) {
    const Task task = tasks.front();
    tasks.pop_front();
    task.run(instance, task.ud, MIMUS_E_GONE);
  }
  std::multimap<std::uint64_t, Timer> left;
  left.swap(timers);
  for (const auto& [when, timer] : left) {
    if (timer.kind == Timer::Kind::instance) timer.fire(instance, timer.ud, MIMUS_E_GONE);
  }
}

void FakeHost::upstream(std::string url, Reply reply) { state_->upstream[std::move(url)] = std::move(reply); }
void FakeHost::hold_tasks(bool hold) {
  state_->tasks_held = hold;
  state_->settle();
}
void FakeHost::fail_next(std::string extension, mimus_rc rc, unsigned times) {
  std::deque<mimus_rc>& faults = state_->faults[std::move(extension)];
  faults.insert(faults.end(), times, rc);
}
void FakeHost::end_work() { state_->end_work(); }

namespace {

constexpr std::size_t most_fetches = 64, most_tasks = 1024, most_body = 16 << 20;

/// What becomes of a fetch, by the script.
std::unique_ptr<Fetch> played(const State& host, const mimus_fetch& to) {
  auto script = host.upstream.find(borrow(to.url));
  if (script == host.upstream.end()) script = host.upstream.find("*");
  auto fetch = std::make_unique<Fetch>();
  fetch->rc = MIMUS_OK;
  if (script == host.upstream.end()) {
    fetch->reply.failure = "no upstream is scripted for " + std::string(borrow(to.url));
  } else {
    fetch->reply = script->second;
  }
  const std::uint64_t timeout = to.timeout_ms == 0 ? 5000 : to.timeout_ms;
  if (fetch->reply.after_ms >= timeout) {
    fetch->reply.failure = "no whole answer in time";
    fetch->reply.after_ms = timeout;
  }
  if (!fetch->reply.failure.empty()) {
    fetch->rc = MIMUS_E_UNAVAILABLE;
  } else if (fetch->reply.body.size() > (to.max_body == 0 ? most_body / 16 : to.max_body)) {
    fetch->rc = MIMUS_E_NOSPC;
    fetch->reply.failure = "the answer's body is too large";
  }
  return fetch;
}

mimus_rc start_fetch(mimus_host* h, const mimus_fetch* to,
                     void (*done)(mimus_inst*, void*, const mimus_fetched*), void* ud) {
  State& host = *h->state;
  if (const mimus_rc rc = host.fault("mimus.fetch/1"); rc != MIMUS_OK) return rc;
  if (host.ending || host.off_worker != 0) return MIMUS_E_UNAVAILABLE;
  const std::string_view url = borrow(to->url);
  if (to->size < sizeof(mimus_fetch) || done == nullptr || to->max_body > most_body) return MIMUS_E_INVAL;
  if (!url.starts_with("http://") && !url.starts_with("https://")) return MIMUS_E_INVAL;
  Asked asked{std::string(url),
              to->method.n == 0 ? "GET" : std::string(borrow(to->method)),
              std::string(borrow(to->body)),
              {},
              to->timeout_ms};
  for (std::size_t i = 0; i < to->n_headers; ++i) {
    const std::string_view name = borrow(to->headers[i].name), value = borrow(to->headers[i].value);
    if (!is_field(name, value)) return MIMUS_E_INVAL;
    asked.headers.push_back({std::string(name), std::string(value)});
  }
  if (host.fetches.size() >= most_fetches) return MIMUS_E_NOSPC;
  host.face->fetched.push_back(std::move(asked));
  host.fetches.push_back(played(host, *to));
  Fetch& fetch = *host.fetches.back();
  fetch.done = done;
  fetch.ud = ud;
  Timer timer{Timer::Kind::fetch};
  timer.fetch = &fetch;
  host.timers.emplace(host.now + fetch.reply.after_ms, timer);
  return MIMUS_OK;
}

mimus_rc spawn(mimus_host* h, void (*run)(mimus_inst*, void*, mimus_rc), void* ud) {
  State& host = *h->state;
  if (const mimus_rc rc = host.fault("mimus.task/1"); rc != MIMUS_OK) return rc;
  if (host.ending) return MIMUS_E_UNAVAILABLE;
  if (host.tasks.size() >= most_tasks) return MIMUS_E_NOSPC;
  host.tasks.push_back({run, ud});
  return MIMUS_OK;
}

// ---- mimus.async/1 ---------------------------------------------------------------------

mimus_resume* hold(mimus_req* x, std::uint32_t timeout_ms) {
  State& host = *x->host;
  if (x->held != nullptr || x->in_response || host.fault("mimus.async/1") != MIMUS_OK) return nullptr;
  host.holds.push_back(std::make_unique<mimus_resume>(mimus_resume{&host, x}));
  x->held = host.holds.back().get();
  Timer deadline{Timer::Kind::deadline};
  deadline.hold = x->held;
  host.timers.emplace(host.now + (timeout_ms == 0 ? 11u * 60 * 1000 : timeout_ms), deadline);
  return x->held;
}
mimus_rc resume(mimus_resume* handle) {
  if (handle->released) handle->host->misuse("a resume handle was used after its release");
  if (handle->exchange == nullptr || handle->resumed) return MIMUS_E_GONE;
  handle->resumed = true;
  handle->host->resumed.push_back(handle);
  return MIMUS_OK;
}
void release(mimus_resume* handle) {
  if (handle->released) handle->host->misuse("a resume handle was released twice");
  handle->released = true;
}

}  // namespace

const mimus_async_v1* async_table() {
  static const mimus_async_v1 table{sizeof table, hold, resume, release};
  return &table;
}
const mimus_fetch_v1* fetch_table() {
  static const mimus_fetch_v1 table{sizeof table, start_fetch};
  return &table;
}
const mimus_task_v1* task_table() {
  static const mimus_task_v1 table{sizeof table, spawn};
  return &table;
}

}  // namespace mimus::testing
