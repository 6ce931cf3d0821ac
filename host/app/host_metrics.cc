#include "host/app/host_metrics.h"

namespace mimus {

void add_host_metrics(Metrics& metrics, const MetricSources& from) {
  metrics.source([from](std::vector<Metrics::Sample>& out) {
    const auto add = [&](const char* name, const char* help, const char* kind, std::uint64_t value,
                         std::string labels = {}) {
      out.push_back(
          {std::string("mimus_") + name, help, kind, static_cast<double>(value), std::move(labels)});
    };
    const auto label = [](const char* key, std::string_view value) {
      return std::string(key).append("=\"").append(value).append("\"");
    };
    add("restarts_total", "Starts of the server after a crash", "counter", from.supervision->restarts);
    add("safe_mode", "1 while only built-in plugins are loaded", "gauge",
        crash_page() != nullptr && crash_page()->safe_mode ? 1 : 0);
    const NetStats net = from.server->stats();
    add("connections_accepted_total", "Connections accepted", "counter", net.accepted);
    add("connections_active", "Connections open now", "gauge", net.active);
    for (std::size_t i = 0; i < net.turned_away.size(); ++i) {
      add("connections_refused_total", "Connections closed as soon as they were accepted", "counter",
          net.turned_away[i], label("reason", turned_away_names[i]));
    }
    add("requests_total", "Requests whose head was complete", "counter", net.requests);
    for (std::size_t i = 0; i < net.refused.size(); ++i) {
      add("requests_refused_total", "Malformed, oversized or late requests", "counter", net.refused[i],
          label("status", std::to_string(refusal_statuses[i])));
    }
    for (std::size_t i = 0; i < net.timed_out.size(); ++i) {
      add("request_timeouts_total", "Connections closed by a timeout", "counter", net.timed_out[i],
          label("waiting_for", timed_out_names[i]));
    }
    add("received_bytes_total", "Bytes read from clients", "counter", net.bytes_in);
    add("sent_bytes_total", "Bytes written to clients", "counter", net.bytes_out);
    add("tls_handshakes_total", "TLS handshakes that came through", "counter", net.tls_handshakes);
    add("tls_handshakes_failed_total", "Connections that ended before their TLS handshake was through",
        "counter", net.tls_failures);
    add("tls_connections_active", "TLS connections open now", "gauge", net.tls_active);
    add("websockets_active", "WebSockets open now", "gauge", net.websockets);
    add("engine_sessions_active", "Engine.IO sessions open now", "gauge",
        static_cast<std::uint64_t>(from.engine_sessions->load(std::memory_order_relaxed)));
    add("timers_armed", "Timers of connections, channels and plugins that wait", "gauge", net.timers);
    const KvStore::Stats kv = from.database->kv().stats();
    add("kv_entries", "Keys of plugins in memory", "gauge", kv.entries);
    add("kv_bytes", "Bytes of plugins' keys and values in memory", "gauge", kv.bytes);
    add("kv_write_errors_total", "Writes behind that failed", "counter", kv.write_errors);
    if (from.journal == nullptr) return;
    const Journal::Stats journal = from.journal->stats();
    add("journal_records", "Records in the journal", "gauge", journal.records);
    add("journal_bytes", "Bytes in the journal", "gauge", journal.bytes);
    add("journal_lost_total", "Records that a failing disk lost", "counter", journal.dropped);
    add("journal_write_errors_total", "Writes of the journal that failed", "counter", journal.write_errors);
  });
}

}  // namespace mimus
