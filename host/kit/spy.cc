#include "host/kit/spy.h"

#include <cstring>
#include <string_view>

#include "host/kit/spy_calls.h"

namespace mimus::kit {
namespace {

using namespace calls;

// ---- What the plugin calls ----------------------------------------------------------------

void watch(mimus_http_v1& t) {
  host_call<"http.attr", &mimus_http_v1::attr>(t);
  host_call<"http.get", &mimus_http_v1::get>(t);
  host_call<"http.at", &mimus_http_v1::at>(t);
  host_call<"http.set", &mimus_http_v1::set>(t);
  host_call<"http.add", &mimus_http_v1::add>(t);
  host_call<"http.remove", &mimus_http_v1::remove>(t);
  host_call<"http.request_body", &mimus_http_v1::request_body>(t);
  host_call<"http.response_body", &mimus_http_v1::response_body>(t);
  host_call<"http.body_ceiling", &mimus_http_v1::body_ceiling>(t);
  host_call<"http.status", &mimus_http_v1::status, Refusal::never>(t);
  host_call<"http.replace_status", &mimus_http_v1::replace_status>(t);
  host_call<"http.respond", &mimus_http_v1::respond>(t);
  host_call<"http.problem", &mimus_http_v1::problem>(t);
  host_call<"http.alloc", &mimus_http_v1::alloc, Refusal::never>(t);
  host_call<"http.record_flag", &mimus_http_v1::record_flag>(t);
  host_call<"http.record_int", &mimus_http_v1::record_int>(t);
  host_call<"http.record_text", &mimus_http_v1::record_text>(t);
  host_call<"http.record_error", &mimus_http_v1::record_error>(t);
  host_call<"http.response_length", &mimus_http_v1::response_length>(t);
  host_call<"http.forget_length", &mimus_http_v1::forget_length>(t);
  host_call<"http.replace_body", &mimus_http_v1::replace_body>(t);
  host_call<"http.set_request", &mimus_http_v1::set_request>(t);
  host_call<"http.remove_request", &mimus_http_v1::remove_request>(t);
}
void watch(mimus_async_v1& t) {
  host_call<"async.hold", &mimus_async_v1::hold, Refusal::null>(t);
  host_call<"async.resume", &mimus_async_v1::resume>(t);
  host_call<"async.release", &mimus_async_v1::release, Refusal::never>(t);
}
mimus_rc start_timer(mimus_host* host, std::uint64_t ms, void (*fire)(mimus_inst*, void*, mimus_rc),
                     void* ud) noexcept {
  const InHost<"timer.start"> here;
  if (const auto code = watcher->refuse("timer.start")) return *code;
  return with_late<"a timer's callback">(
      fire, ud, [&](auto fn, void* late) { return real<mimus_timer_v1>->start(host, ms, fn, late); });
}
void watch(mimus_timer_v1& t) { t.start = start_timer; }
void watch(mimus_kv_v1& t) {
  host_call<"kv.get", &mimus_kv_v1::get>(t);
  host_call<"kv.put", &mimus_kv_v1::put>(t);
  host_call<"kv.del", &mimus_kv_v1::del>(t);
  host_call<"kv.del_prefix", &mimus_kv_v1::del_prefix>(t);
}
void watch(mimus_forward_v1& t) {
  host_call<"forward.forward", &mimus_forward_v1::forward>(t);
  host_call<"forward.forwarded", &mimus_forward_v1::forwarded, Refusal::never>(t);
  // A refused check lends a reason, which a refusal made here would not.
  host_call<"forward.check", &mimus_forward_v1::check, Refusal::never>(t);
}
mimus_rc start_fetch(mimus_host* host, const mimus_fetch* what,
                     void (*done)(mimus_inst*, void*, const mimus_fetched*), void* ud) noexcept {
  const InHost<"fetch.start"> here;
  if (const auto code = watcher->refuse("fetch.start")) return *code;
  return with_late<"a fetch's callback">(
      done, ud, [&](auto fn, void* late) { return real<mimus_fetch_v1>->start(host, what, fn, late); });
}
void watch(mimus_fetch_v1& t) { t.start = start_fetch; }
mimus_rc spawn_task(mimus_host* host, void (*run)(mimus_inst*, void*, mimus_rc), void* ud) noexcept {
  const InHost<"task.spawn"> here;
  if (const auto code = watcher->refuse("task.spawn")) return *code;
  return with_late<"a task">(run, ud,
                             [&](auto fn, void* late) { return real<mimus_task_v1>->spawn(host, fn, late); });
}
void watch(mimus_task_v1& t) { t.spawn = spawn_task; }
void watch(mimus_hash_v1&) {}  // pure
void watch(mimus_metrics_v1& t) {
  host_call<"metrics.counter", &mimus_metrics_v1::counter>(t);
  host_call<"metrics.add", &mimus_metrics_v1::add, Refusal::never>(t);
}
void watch(mimus_journal_v1& t) {
  host_call<"journal.field", &mimus_journal_v1::field, Refusal::minus_one>(t);
  host_call<"journal.text", &mimus_journal_v1::text>(t);
  host_call<"journal.number", &mimus_journal_v1::number>(t);
  host_call<"journal.set_text", &mimus_journal_v1::set_text>(t);
  host_call<"journal.scan", &mimus_journal_v1::scan>(t);
}
void watch(mimus_channel_v1& t) {
  host_call<"channel.send_event", &mimus_channel_v1::send_event>(t);
  host_call<"channel.close", &mimus_channel_v1::close>(t);
  host_call<"channel.start_timer", &mimus_channel_v1::start_timer>(t);
  host_call<"channel.client_id", &mimus_channel_v1::client_id, Refusal::never>(t);
  host_call<"channel.send_text", &mimus_channel_v1::send_text>(t);
  host_call<"channel.send_binary", &mimus_channel_v1::send_binary>(t);
  host_call<"channel.join", &mimus_channel_v1::join>(t);
  host_call<"channel.leave", &mimus_channel_v1::leave>(t);
  host_call<"channel.broadcast", &mimus_channel_v1::broadcast>(t);
  host_call<"channel.emit", &mimus_channel_v1::emit>(t);
  host_call<"channel.broadcast_event", &mimus_channel_v1::broadcast_event>(t);
  host_call<"channel.acknowledge", &mimus_channel_v1::acknowledge>(t);
  host_call<"channel.attr", &mimus_channel_v1::attr>(t);
  host_call<"channel.fault", &mimus_channel_v1::fault>(t);
}
void watch(mimus_relay_v1& t) { host_call<"relay.start", &mimus_relay_v1::start>(t); }

void watch(mimus_host_api& t);

/// The host's table with every call watched.
template <class T>
const void* offered(const char* id, const void* table) {
  real<T> = static_cast<const T*>(table);
  stand_in<T> = *real<T>;
  watch(stand_in<T>);
  return watcher->offer(id, &stand_in<T>, sizeof(T));
}

using Offer = const void* (*)(const char*, const void*);
constexpr struct {
  const char* id;
  Offer offer;
} extensions[] = {
    {"mimus.http/1", offered<mimus_http_v1>},       {"mimus.async/1", offered<mimus_async_v1>},
    {"mimus.timer/1", offered<mimus_timer_v1>},     {"mimus.kv/1", offered<mimus_kv_v1>},
    {"mimus.forward/1", offered<mimus_forward_v1>}, {"mimus.hash/1", offered<mimus_hash_v1>},
    {"mimus.metrics/1", offered<mimus_metrics_v1>}, {"mimus.journal/1", offered<mimus_journal_v1>},
    {"mimus.channel/1", offered<mimus_channel_v1>}, {"mimus.fetch/1", offered<mimus_fetch_v1>},
    {"mimus.task/1", offered<mimus_task_v1>},       {"mimus.relay/1", offered<mimus_relay_v1>},
};

const void* get_host_extension(mimus_host* host, const char* id) noexcept {
  const InHost<"get_extension"> here;
  const void* const table = real<mimus_host_api>->get_extension(host, id);
  if (table == nullptr) return nullptr;
  for (const auto& known : extensions) {
    if (std::strcmp(known.id, id) == 0) return known.offer(id, table);
  }
  return table;
}

void watch(mimus_host_api& t) {
  t.get_extension = get_host_extension;
  host_call<"log", &mimus_host_api::log, Refusal::never>(t);
  host_call<"set_error", &mimus_host_api::set_error, Refusal::never>(t);
  host_call<"now_ms", &mimus_host_api::now_ms, Refusal::never>(t);
  host_call<"wall_us", &mimus_host_api::wall_us, Refusal::never>(t);
  host_call<"worker_index", &mimus_host_api::worker_index, Refusal::never>(t);
}

// ---- What the host calls ------------------------------------------------------------------

/// A table of the plugin's, which may be one of an older header: what it lacks is NULL.
template <class T>
T& copy_of(const void* table) {
  real<T> = static_cast<const T*>(table);
  stand_in<T> = T{};
  std::memcpy(&stand_in<T>, table, std::min<std::size_t>(real<T>->size, sizeof(T)));
  return stand_in<T>;
}

const void* get_plugin_extension(mimus_inst* inst, const char* id) noexcept {
  const void* table = nullptr;
  {
    const InHook<"get_extension"> here;
    table = real<mimus_plugin>->get_extension(inst, id);
  }
  const std::string_view name = id;
  if (table != nullptr && name == "mimus.admin/1") {
    auto& t = copy_of<mimus_admin_v1>(table);
    hook<"admin.handle", &mimus_admin_v1::handle>(t);
    hook<"admin.reset", &mimus_admin_v1::reset>(t);
    return &t;
  }
  if (table != nullptr && name == "mimus.record/1") {
    auto& t = copy_of<mimus_record_v1>(table);
    hook<"record.enrich", &mimus_record_v1::enrich>(t);
    return &t;
  }
  if (table != nullptr && name == "mimus.peer/1") {
    auto& t = copy_of<mimus_peer_v1>(table);
    hook<"peer.on_open", &mimus_peer_v1::on_open>(t);
    hook<"peer.on_timer", &mimus_peer_v1::on_timer>(t);
    hook<"peer.on_close", &mimus_peer_v1::on_close>(t);
    hook<"peer.on_message", &mimus_peer_v1::on_message>(t);
    hook<"peer.on_event", &mimus_peer_v1::on_event>(t);
    hook<"peer.on_rebind", &mimus_peer_v1::on_rebind>(t);
    hook<"peer.on_handshake", &mimus_peer_v1::on_handshake>(t);
    return &t;
  }
  if (table != nullptr && name == "mimus.session/1") {
    auto& t = copy_of<mimus_session_v1>(table);
    hook<"session.replay", &mimus_session_v1::replay>(t);
    return &t;
  }
  return table;
}

mimus_rc create(const mimus_host_api* api, mimus_host* host, mimus_inst** out) noexcept {
  const InHook<"create"> here;
  return real<mimus_plugin>->create(static_cast<const mimus_host_api*>(offered<mimus_host_api>("", api)),
                                    host, out);
}

}  // namespace

const mimus_plugin* spied(const mimus_plugin& plugin, Watcher& from) {
  watcher = &from;
  mimus_plugin& t = copy_of<mimus_plugin>(&plugin);
  t.size = sizeof t;
  t.create = create;
  hook<"configure", &mimus_plugin::configure>(t);
  hook<"self_test", &mimus_plugin::self_test>(t);
  hook<"activate", &mimus_plugin::activate>(t);
  hook<"quiesce", &mimus_plugin::quiesce>(t);
  hook<"destroy", &mimus_plugin::destroy>(t);
  hook<"check", &mimus_plugin::check>(t);
  hook<"bind", &mimus_plugin::bind>(t);
  hook<"unbind", &mimus_plugin::unbind>(t);
  hook<"on_request", &mimus_plugin::on_request>(t);
  hook<"on_request_body", &mimus_plugin::on_request_body>(t);
  hook<"on_resume", &mimus_plugin::on_resume>(t);
  hook<"on_response", &mimus_plugin::on_response>(t);
  hook<"on_response_body", &mimus_plugin::on_response_body>(t);
  hook<"on_end", &mimus_plugin::on_end>(t);
  if (t.get_extension != nullptr) t.get_extension = get_plugin_extension;
  return &t;
}

}  // namespace mimus::kit
