// The tables that do not belong to one exchange: timer, kv, hash, metrics, journal.
#include <openssl/evp.h>

#include <algorithm>

#include "state.h"

namespace mimus::testing {
namespace {

// ---- the host itself -------------------------------------------------------------------

const void* get_extension(mimus_host* h, const char* id) {
  const auto& withheld = h->state->setup.withheld;
  if (std::find(withheld.begin(), withheld.end(), id) != withheld.end()) return nullptr;
  return extension(id);
}
void write_log(mimus_host* h, mimus_log_level, mimus_str text) { h->state->log.emplace_back(borrow(text)); }
void set_error(mimus_host* h, mimus_str text) { h->state->error = borrow(text); }
std::uint64_t now_ms(mimus_host* h) { return h->state->now; }
std::int64_t wall_us(mimus_host* h) {
  return 1'767'225'600'000'000 + static_cast<std::int64_t>(h->state->now) * 1000;  // from 2026 on
}
std::uint32_t worker_index(mimus_host* h) { return h->state->worker; }

// ---- mimus.timer/1 ---------------------------------------------------------------------

mimus_rc start_timer(mimus_host* h, std::uint64_t ms, void (*fire)(mimus_inst*, void*, mimus_rc), void* ud) {
  State& host = *h->state;
  if (const mimus_rc rc = host.fault("mimus.timer/1"); rc != MIMUS_OK) return rc;
  if (host.ending) return MIMUS_E_UNAVAILABLE;
  host.timers.emplace(host.now + ms, Timer{Timer::Kind::instance, fire, ud});
  return MIMUS_OK;
}

// ---- mimus.kv/1 ------------------------------------------------------------------------

/// Where a live entry is, or the end.
auto find(State& host, mimus_str key) {
  auto it = host.kv.find(borrow(key));
  if (it != host.kv.end() && it->second.expires != 0 && it->second.expires <= host.now) {
    host.kv.erase(it);
    it = host.kv.end();
  }
  return it;
}

bool outside_callback(State& host) {
  if (host.in_kv) host.misuse("kv was called from inside kv's `with`");
  return !host.in_kv;
}

mimus_rc kv_get(mimus_host* h, mimus_str key, mimus_resume* handle, void (*with)(void*, mimus_str),
                void* ud) {
  State& host = *h->state;
  if (!outside_callback(host)) return MIMUS_E_INVAL;
  if (const mimus_rc rc = host.fault("mimus.kv/1"); rc != MIMUS_OK) return rc;
  const auto it = find(host, key);
  if (it == host.kv.end()) return MIMUS_ABSENT;
  if (it->second.cold) {
    if (handle == nullptr) return MIMUS_ABSENT;
    it->second.cold = false;
    if (!handle->resumed && handle->exchange != nullptr) {
      handle->resumed = true;
      host.resumed.push_back(handle);
    }
    return MIMUS_PENDING;
  }
  const std::string value = it->second.value;
  host.in_kv = true;
  with(ud, lend(value));
  host.in_kv = false;
  return MIMUS_OK;
}
mimus_rc kv_put(mimus_host* h, mimus_str key, mimus_str value, std::uint64_t ttl_ms) {
  State& host = *h->state;
  if (!outside_callback(host)) return MIMUS_E_INVAL;
  if (const mimus_rc rc = host.fault("mimus.kv/1"); rc != MIMUS_OK) return rc;
  if (host.kv_full) return MIMUS_E_NOSPC;
  host.kv[std::string(borrow(key))] = {std::string(borrow(value)), ttl_ms == 0 ? 0 : host.now + ttl_ms,
                                       false};
  return MIMUS_OK;
}
mimus_rc kv_del(mimus_host* h, mimus_str key) {
  State& host = *h->state;
  if (!outside_callback(host)) return MIMUS_E_INVAL;
  if (const mimus_rc rc = host.fault("mimus.kv/1"); rc != MIMUS_OK) return rc;
  const auto it = find(host, key);
  if (it == host.kv.end()) return MIMUS_ABSENT;
  host.kv.erase(it);
  return MIMUS_OK;
}
mimus_rc kv_del_prefix(mimus_host* h, mimus_str prefix) {
  State& host = *h->state;
  if (!outside_callback(host)) return MIMUS_E_INVAL;
  if (const mimus_rc rc = host.fault("mimus.kv/1"); rc != MIMUS_OK) return rc;
  std::erase_if(host.kv, [&](const auto& entry) { return entry.first.starts_with(borrow(prefix)); });
  return MIMUS_OK;
}

// ---- mimus.hash/1 ----------------------------------------------------------------------

void digest(const EVP_MD* kind, const mimus_str* parts, size_t n, std::uint8_t* out) {
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  EVP_DigestInit_ex(context, kind, nullptr);
  for (size_t i = 0; i < n; ++i) EVP_DigestUpdate(context, parts[i].p, parts[i].n);
  EVP_DigestFinal_ex(context, out, nullptr);
  EVP_MD_CTX_free(context);
}
void sha256(const mimus_str* parts, size_t n, std::uint8_t out[32]) { digest(EVP_sha256(), parts, n, out); }
void md5(const mimus_str* parts, size_t n, std::uint8_t out[16]) { digest(EVP_md5(), parts, n, out); }

// ---- mimus.metrics/1 -------------------------------------------------------------------

mimus_rc counter(mimus_host* h, mimus_str name, mimus_str, std::uint32_t* id) {
  State& host = *h->state;
  *id = static_cast<std::uint32_t>(host.counters.size());
  host.counters.emplace_back(borrow(name), 0);
  return MIMUS_OK;
}
void count(mimus_host* h, std::uint32_t id, std::uint64_t by) {
  if (id < h->state->counters.size()) {
    h->state->counters[id].second += by;
  } else {
    h->state->misuse("a counter that does not exist was added to");
  }
}

// ---- mimus.journal/1 -------------------------------------------------------------------

std::int32_t field_number(mimus_host* h, mimus_str name) {
  const auto& names = h->state->field_names;
  const auto it = std::find(names.begin(), names.end(), borrow(name));
  return it == names.end() ? -1 : static_cast<std::int32_t>(it - names.begin());
}
const std::string& name_of(const mimus_record* r, std::int32_t field) {
  static const std::string none;
  const auto& names = r->host->field_names;
  return field >= 0 && static_cast<size_t>(field) < names.size() ? names[static_cast<size_t>(field)] : none;
}
mimus_rc record_text(const mimus_record* r, std::int32_t field, mimus_str* out) {
  const auto it = r->record->texts.find(name_of(r, field));
  if (it == r->record->texts.end()) return MIMUS_ABSENT;
  *out = lend(it->second);
  return MIMUS_OK;
}
mimus_rc record_number(const mimus_record* r, std::int32_t field, std::int64_t* out) {
  const auto it = r->record->numbers.find(name_of(r, field));
  if (it == r->record->numbers.end()) return MIMUS_ABSENT;
  *out = it->second;
  return MIMUS_OK;
}
mimus_rc record_set_text(mimus_record* r, std::int32_t field, mimus_str value) {
  const std::string& name = name_of(r, field);
  if (name.empty()) return MIMUS_E_INVAL;
  r->record->texts[name] = borrow(value);
  return MIMUS_OK;
}
mimus_rc scan(mimus_host* h, mimus_str filters, std::int32_t (*each)(void*, const mimus_record*), void* ud) {
  State& host = *h->state;
  host.face->scan_filters = borrow(filters);
  if (const mimus_rc rc = host.fault("mimus.journal/1"); rc != MIMUS_OK) return rc;
  if (host.face->scan_rc == MIMUS_E_INVAL) return MIMUS_E_INVAL;
  for (auto it = host.face->records.rbegin(); it != host.face->records.rend(); ++it) {
    const mimus_record record{&host, &*it};
    if (each(ud, &record) == 0) break;
  }
  return host.face->scan_rc;
}

}  // namespace

const mimus_host_api host_api{sizeof(mimus_host_api),
                              MIMUS_ABI_MAJOR,
                              MIMUS_ABI_MINOR,
                              1,
                              "fake",
                              get_extension,
                              write_log,
                              set_error,
                              now_ms,
                              wall_us,
                              worker_index};

const void* extension(std::string_view id) {
  static const mimus_timer_v1 timer{sizeof timer, start_timer};
  static const mimus_kv_v1 kv{sizeof kv, kv_get, kv_put, kv_del, kv_del_prefix};
  static const mimus_hash_v1 hash{sizeof hash, sha256, md5};
  static const mimus_metrics_v1 metrics{sizeof metrics, counter, count};
  static const mimus_journal_v1 journal{sizeof journal, field_number,    record_text,
                                        record_number,  record_set_text, scan};
  if (id == "mimus.http/1") return http_table();
  if (id == "mimus.async/1") return async_table();
  if (id == "mimus.forward/1") return forward_table();
  if (id == "mimus.timer/1") return &timer;
  if (id == "mimus.kv/1") return &kv;
  if (id == "mimus.hash/1") return &hash;
  if (id == "mimus.metrics/1") return &metrics;
  if (id == "mimus.journal/1") return &journal;
  if (id == "mimus.channel/1") return channel_table();
  if (id == "mimus.relay/1") return relay_table();
  if (id == "mimus.fetch/1") return fetch_table();
  if (id == "mimus.task/1") return task_table();
  return nullptr;
}

}  // namespace mimus::testing
