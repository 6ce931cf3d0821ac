// The host's side of plugin.h for what needs no exchange: log, time, KV, timers, hashes,
// metrics, journal.

#include <openssl/evp.h>

#include <string>

#include "host/net/loop.h"
#include "host/net/server.h"
#include "host/plugin/fetch.h"
#include "host/plugin/loaded.h"
#include "host/plugin/metrics.h"
#include "host/plugin/request_filters.h"
#include "host/plugin/resume.h"
#include "host/plugin/task_pool.h"

namespace mimus {

struct InstanceTimer : Timer, Post {
  mimus_host* host = nullptr;
  PluginPtr plugin;  // kept until it fired
  void (*callback)(mimus_inst*, void*, mimus_rc) = nullptr;
  void* ud = nullptr;
  std::chrono::milliseconds after{};
  unsigned worker = 0;
  Loop* loop = nullptr;
  InstanceTimer* previous = nullptr;
  InstanceTimer* next = nullptr;

  /// Puts it on its worker's list and arms it. [w], or whoever ends the loop
  void start() {
    InstanceTimer*& head = host->timers[worker];
    next = head;
    if (head != nullptr) head->previous = this;
    head = this;
    if (host->ending.load(std::memory_order_relaxed)) return finish(MIMUS_E_GONE);
    loop->arm(*this, after);
  }
  /// Takes it off and tells the plugin; frees it.
  void finish(mimus_rc rc) {
    (previous != nullptr ? previous->next : host->timers[worker]) = next;
    if (next != nullptr) next->previous = previous;
    if (host->services.server != nullptr && Timer::armed()) loop->disarm(*this);  // else its loop has ended
    {
      const CrumbScope crumb(host->slot, Hook::timer);
      callback(host->instance, ud, rc);
    }
    plugin->holders.timers.fetch_sub(1, std::memory_order_relaxed);
    delete this;
  }
};

void end_timers(mimus_host& host, unsigned worker) {
  InstanceTimer*& head = host.timers[worker];
  while (head != nullptr) head->finish(MIMUS_E_GONE);
}

namespace {

std::string_view view(mimus_str text) {
  return text.n == 0 ? std::string_view{} : std::string_view{text.p, text.n};
}

// ---- base ------------------------------------------------------------------------------

void log(mimus_host* host, mimus_log_level level, mimus_str text) {
  host->services.log(level, host->id + ": " + std::string(view(text)));
}

void set_error(mimus_host* host, mimus_str text) {
  const std::lock_guard lock(host->mutex);
  host->error = view(text);
}

std::uint64_t now_ms(mimus_host* host) {
  const Loop* const loop = Loop::current();
  const auto now = loop != nullptr ? loop->now() : host->services.clock->now();
  return static_cast<std::uint64_t>(now.count() / 1000);
}

std::int64_t wall_us(mimus_host* host) {
  const Loop* const loop = Loop::current();
  return loop != nullptr ? loop->wall_us() : host->services.clock->wall_us();
}

std::uint32_t worker_index(mimus_host*) {
  const Loop* const loop = Loop::current();
  return loop != nullptr ? loop->index() : 0;
}

// ---- mimus.kv/1 ------------------------------------------------------------------------

/// The store's key for a plugin's: valid until the next call on this thread.
std::string_view own_key(const mimus_host* host, mimus_str key) {
  thread_local std::string full;
  full.assign(host->id).push_back('\0');
  full.append(view(key));
  return full;
}

mimus_rc kv_get(mimus_host* host, mimus_str key, mimus_resume* resume, void (*with)(void*, mimus_str),
                void* ud) {
  if (host->services.kv == nullptr) return MIMUS_E_UNAVAILABLE;  // the store is not open yet
  std::function<void()> loaded;
  if (resume != nullptr) {
    // Shared, so that a callback that is dropped uncalled gives the reference back too.
    resume->retain();
    loaded = [held = std::shared_ptr<mimus_resume>(resume, [](mimus_resume* r) { r->release(); })] {
      held->resume();
    };
  }
  struct Call {
    void (*with)(void*, mimus_str);
    void* ud;
  } const call{with, ud};
  const auto found = host->services.kv->get(
      own_key(host, key),
      [&call](std::string_view value) {
        call.with(call.ud, {value.data(), value.size()});
      },
      std::move(loaded));
  return found == KvStore::Found::yes       ? MIMUS_OK
         : found == KvStore::Found::pending ? MIMUS_PENDING
                                            : MIMUS_ABSENT;
}

template <class Change>
mimus_rc kv_change(mimus_host* host, Change change) {
  KvStore* const kv = host->services.kv;
  if (kv == nullptr) return MIMUS_E_UNAVAILABLE;
  return change(*kv) ? MIMUS_OK : MIMUS_E_NOSPC;
}

mimus_rc kv_put(mimus_host* host, mimus_str key, mimus_str value, std::uint64_t ttl_ms) {
  return kv_change(host, [&](KvStore& kv) { return kv.put(own_key(host, key), view(value), ttl_ms); });
}
mimus_rc kv_del(mimus_host* host, mimus_str key) {
  return kv_change(host, [&](KvStore& kv) { return kv.remove(own_key(host, key)); });
}
mimus_rc kv_del_prefix(mimus_host* host, mimus_str prefix) {
  return kv_change(host, [&](KvStore& kv) { return kv.remove_prefix(own_key(host, prefix)); });
}

// ---- mimus.timer/1 ---------------------------------------------------------------------

mimus_rc timer_start(mimus_host* host, std::uint64_t ms, void (*fire)(mimus_inst*, void*, mimus_rc),
                     void* ud) {
  constexpr std::uint64_t longest = 366ull * 24 * 3600 * 1000;
  Loop* const loop = Loop::current();
  if (loop == nullptr && host->services.server == nullptr) return MIMUS_E_UNAVAILABLE;
  if (host->ending.load(std::memory_order_relaxed)) return MIMUS_E_GONE;
  if (ms > longest) return MIMUS_E_INVAL;
  auto* const timer = new InstanceTimer;
  timer->host = host;
  timer->plugin = host->self.lock();
  timer->plugin->holders.timers.fetch_add(1, std::memory_order_relaxed);
  timer->callback = fire;
  timer->ud = ud;
  timer->after = std::chrono::milliseconds(ms);
  timer->Timer::fire = [](Timer& t) { static_cast<InstanceTimer&>(t).finish(MIMUS_OK); };
  if (loop != nullptr) {
    timer->loop = loop;
    timer->worker = loop->index();
    timer->start();
  } else {
    timer->loop = &host->services.server->loop(0);
    timer->Post::run = [](Post& p) { static_cast<InstanceTimer&>(p).start(); };
    timer->loop->post(*timer);
  }
  return MIMUS_OK;
}

// ---- mimus.hash/1 ----------------------------------------------------------------------

/// A digest fetched once and a context for each thread: EVP_sha256() looked up each time
/// costs more than hashing 96 bytes does.
void digest(const char* name, const mimus_str* parts, std::size_t n, std::uint8_t* out) {
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  thread_local const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
  static EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  static EVP_MD* const md5 = EVP_MD_fetch(nullptr, "MD5", nullptr);
  EVP_DigestInit_ex2(context.get(), name[0] == 'S' ? sha256 : md5, nullptr);
  for (std::size_t i = 0; i < n; ++i) EVP_DigestUpdate(context.get(), parts[i].p, parts[i].n);
  EVP_DigestFinal_ex(context.get(), out, nullptr);
}
void hash_sha256(const mimus_str* parts, std::size_t n, std::uint8_t out[32]) {
  digest("SHA256", parts, n, out);
}
void hash_md5(const mimus_str* parts, std::size_t n, std::uint8_t out[16]) { digest("MD5", parts, n, out); }

// ---- mimus.metrics/1 -------------------------------------------------------------------

mimus_rc metrics_counter(mimus_host* host, mimus_str name, mimus_str help, std::uint32_t* id) {
  *id = host->services.metrics->counter(view(name), view(help));
  return *id == Metrics::overflow ? MIMUS_E_NOSPC : MIMUS_OK;
}
void metrics_add(mimus_host* host, std::uint32_t id, std::uint64_t by) {
  host->services.metrics->add(id, by);
}

// ---- mimus.journal/1 -------------------------------------------------------------------

std::int32_t journal_field(mimus_host* host, mimus_str name) { return host->fields->number(view(name)); }

const Record& record_of(const mimus_record* record) { return *reinterpret_cast<const Record*>(record); }

mimus_rc journal_text(const mimus_record* record, std::int32_t field, mimus_str* out) {
  const auto text = record_of(record).text(field);
  if (!text) return MIMUS_ABSENT;
  *out = {text->data(), text->size()};
  return MIMUS_OK;
}
mimus_rc journal_number(const mimus_record* record, std::int32_t field, std::int64_t* out) {
  const auto number = record_of(record).number(field);
  if (!number) return MIMUS_ABSENT;
  *out = *number;
  return MIMUS_OK;
}
mimus_rc journal_set_text(mimus_record* record, std::int32_t field, mimus_str value) {
  if (field < core_field_count) return MIMUS_E_INVAL;
  reinterpret_cast<Record*>(record)->set_text(field, view(value));
  return MIMUS_OK;
}
mimus_rc journal_scan(mimus_host* host, mimus_str filters, std::int32_t (*each)(void*, const mimus_record*),
                      void* ud) {
  Journal* const journal = host->services.journal;
  if (journal == nullptr) return MIMUS_OK;
  const Result<std::vector<Filter>> parsed = parse_filters(view(filters), journal->fields());
  if (!parsed) {
    set_error(host, {parsed.error().message.data(), parsed.error().message.size()});
    return MIMUS_E_INVAL;
  }
  const Result<bool> fresh = journal->scan(*parsed, [&](const Record& record) {
    return each(ud, reinterpret_cast<const mimus_record*>(&record)) != 0;
  });
  return fresh && *fresh ? MIMUS_OK : MIMUS_E_UNAVAILABLE;
}

constexpr mimus_kv_v1 kv_table{sizeof(mimus_kv_v1), kv_get, kv_put, kv_del, kv_del_prefix};
constexpr mimus_timer_v1 timer_table{sizeof(mimus_timer_v1), timer_start};
constexpr mimus_hash_v1 hash_table{sizeof(mimus_hash_v1), hash_sha256, hash_md5};
constexpr mimus_metrics_v1 metrics_table{sizeof(mimus_metrics_v1), metrics_counter, metrics_add};
constexpr mimus_journal_v1 journal_table{sizeof(mimus_journal_v1), journal_field,    journal_text,
                                         journal_number,           journal_set_text, journal_scan};

const void* get_extension(mimus_host* host, const char* id) {
  const std::string_view name = id;
  if (!may_use(host->granted, name)) return nullptr;
  if (name == "mimus.kv/1") return &kv_table;
  if (name == "mimus.timer/1") return &timer_table;
  if (name == "mimus.hash/1") return &hash_table;
  if (name == "mimus.metrics/1") return &metrics_table;
  if (name == "mimus.journal/1") return &journal_table;
  if (name == "mimus.fetch/1") return &fetch_table;
  if (name == "mimus.task/1") return &task_table;
  return host->services.extension(name);
}

}  // namespace

void offer_services(mimus_host& host) {
  host.timers.resize(host.services.workers);
  host.fetching.resize(host.services.workers);
  host.api = {sizeof(mimus_host_api),
              MIMUS_ABI_MAJOR,
              MIMUS_ABI_MINOR,
              host.services.workers,
              MIMUS_VERSION,
              get_extension,
              log,
              set_error,
              now_ms,
              wall_us,
              worker_index};
}

}  // namespace mimus

std::string mimus_host::take_error() {
  const std::lock_guard lock(mutex);
  return std::exchange(error, {});
}
