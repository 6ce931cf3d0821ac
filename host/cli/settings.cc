#include "host/cli/settings.h"

#include <algorithm>
#include <iterator>

#include "host/cli/units.h"

namespace mimus {
namespace {

using Values = std::vector<std::string>;

/// A flag that a text of the config takes over as it is.
template <std::string ServeConfig::*member>
Status text(ServeConfig& config, const Setting&, const Values& values) {
  if (values[0].empty()) return invalid("must not be empty");
  config.*member = values[0];
  return Done{};
}

template <std::vector<std::string> ServeConfig::*member>
Status texts(ServeConfig& config, const Setting&, const Values& values) {
  for (const std::string& value : values) {
    if (value.empty()) return invalid("must not be empty");
  }
  config.*member = values;
  return Done{};
}

/// Certificates and keys are told apart and paired in order.
template <std::string TlsFiles::Pair::*member>
Status tls_files(ServeConfig& config, const Setting&, const Values& values) {
  std::vector<TlsFiles::Pair>& pairs = config.tls.pairs;
  pairs.resize(std::max(pairs.size(), values.size()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i].empty()) return invalid("must not be empty");
    pairs[i].*member = values[i];
  }
  return Done{};
}

Status tls_client_ca(ServeConfig& config, const Setting&, const Values& values) {
  if (values[0].empty()) return invalid("must not be empty");
  config.tls.client_ca = values[0];
  return Done{};
}

Status default_api(ServeConfig& config, const Setting&, const Values& values) {
  const std::string& slug = values[0];
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const bool good = !slug.empty() && slug.size() <= 63 && plain(slug[0]) &&
                    std::all_of(slug.begin(), slug.end(), [&](char c) { return plain(c) || c == '-'; });
  if (!good) return invalid("must be the slug of an API: lower-case letters, digits and \"-\"");
  config.default_api = slug;
  return Done{};
}

Status workers(ServeConfig& config, const Setting&, const Values& values) {
  const auto number = parse_integer(values[0], 1, 256);
  if (!number) return invalid("must be a number from 1 to 256");
  config.workers = static_cast<unsigned>(*number);
  return Done{};
}

Status journal(ServeConfig& config, const Setting&, const Values& values) {
  static constexpr std::string_view names[] = {"lossless", "lossy", "off"};
  const auto* const at = std::find(std::begin(names), std::end(names), values[0]);
  if (at == std::end(names)) return invalid("must be lossless, lossy or off");
  config.journal = static_cast<JournalMode>(at - std::begin(names));
  return Done{};
}

Status journal_retention(ServeConfig& config, const Setting&, const Values& values) {
  const auto retention = parse_retention(values[0]);
  if (!retention) return invalid("must be an age, a size of at least 1 MiB, or both, as in 7d,1GiB");
  config.journal_age = retention->age.value_or(config.journal_age);
  config.journal_bytes = retention->bytes.value_or(config.journal_bytes);
  return Done{};
}

Status plugin_probation(ServeConfig& config, const Setting&, const Values& values) {
  const auto ms = parse_milliseconds(values[0]);
  if (!ms || *ms > std::chrono::hours(24))
    return invalid("must be a time of at most a day, as in 500ms, 60s or 0");
  config.plugin_probation = *ms;
  return Done{};
}

Status plugin_drain(ServeConfig& config, const Setting&, const Values& values) {
  const auto ms = parse_milliseconds(values[0]);
  if (!ms || *ms > std::chrono::hours(24))
    return invalid("must be a time of at most a day, as in 500ms, 30s or 0");
  config.plugin_drain = *ms;
  return Done{};
}

Status proxy_allow_private(ServeConfig& config, const Setting&, const Values& values) {
  const auto allowed = parse_yes_no(values[0]);
  if (!allowed) return invalid("must be yes or no");
  config.proxy_allow_private = *allowed;
  return Done{};
}

/// "--no-supervise" says the opposite.
template <bool on>
Status supervise(ServeConfig& config, const Setting&, const Values& values) {
  const auto said = parse_yes_no(values[0]);
  if (!said) return invalid("must be yes or no");
  config.supervise = *said == on;
  return Done{};
}

Status plugin_hang(ServeConfig& config, const Setting&, const Values& values) {
  const auto time = parse_retention(values[0]);
  if (!time || !time->age || time->bytes || *time->age > std::chrono::hours(1))
    return invalid("must be a time from 1s to 1h");
  config.plugin_hang = *time->age;
  return Done{};
}

Status plugin_policy(ServeConfig& config, const Setting&, const Values& values) {
  for (const auto policy : {PluginPolicy::off, PluginPolicy::warn, PluginPolicy::require}) {
    if (values[0] != name_of(policy)) continue;
    config.trust.policy = policy;
    return Done{};
  }
  return invalid("must be off, warn or require");
}

Status trust(ServeConfig& config, const Setting&, const Values& values) {
  if (values[0].empty()) return invalid("must not be empty");
  config.trust.directory = values[0];
  return Done{};
}

Status production(ServeConfig& config, const Setting&, const Values& values) {
  const auto on = parse_yes_no(values[0]);
  if (!on) return invalid("must be yes or no");
  config.production = *on;
  return Done{};
}

Status log_format(ServeConfig& config, const Setting&, const Values& values) {
  if (values[0] != "text" && values[0] != "json") return invalid("must be text or json");
  config.json_log = values[0] == "json";
  return Done{};
}

Status log_level(ServeConfig& config, const Setting&, const Values& values) {
  static constexpr std::string_view names[] = {"debug", "info", "warn", "error"};
  if (std::find(std::begin(names), std::end(names), values[0]) == std::end(names)) {
    return invalid("must be debug, info, warn or error");
  }
  config.log_level = values[0];
  return Done{};
}

Status trusted_proxies(ServeConfig& config, const Setting&, const Values& values) {
  for (const std::string& value : values) {
    if (!is_cidr(value)) return invalid("must be addresses or CIDR blocks, as in 10.0.0.0/8");
  }
  config.trusted_proxies = values;
  return Done{};
}

struct SizeLimit {
  std::string_view key;
  std::size_t Limits::*member;
  std::int64_t minimum, maximum;
};

struct TimeLimit {
  std::string_view key;
  std::chrono::milliseconds Limits::*member;
};

/// Of channels.
struct ChannelTime {
  std::string_view key;
  std::chrono::milliseconds& (*of)(ServeConfig& config);
};

constexpr std::int64_t max_bytes = 1ll << 32;
constexpr std::int64_t max_milliseconds = 24 * 3600 * 1000;

constexpr SizeLimit size_limits[] = {
    {"maxHeaderBytes", &Limits::max_header_bytes, 256, 16 << 20},
    {"maxHeaders", &Limits::max_headers, 1, 10'000},
    {"maxUriBytes", &Limits::max_uri_bytes, 16, 16 << 20},
    {"maxQueryKeys", &Limits::max_query_keys, 1, 1'000'000},
    {"maxBodyBytes", &Limits::max_body_bytes, 0, max_bytes},
    {"maxConnections", &Limits::max_connections, 1, 1'000'000},
    {"maxConnectionsPerIp", &Limits::max_connections_per_ip, 0, 1'000'000},
    {"maxWriteBuffer", &Limits::max_write_buffer, 4096, max_bytes},
    {"maxMessageBytes", &Limits::max_message_bytes, 1, max_bytes},
    {"maxJsonDepth", &Limits::max_json_depth, 1, 1000},
};

constexpr TimeLimit time_limits[] = {
    {"headerTimeoutMs", &Limits::header_timeout},
    {"bodyTimeoutMs", &Limits::body_timeout},
    {"keepAliveMs", &Limits::keep_alive},
    {"writeTimeoutMs", &Limits::write_timeout},
};

constexpr ChannelTime channel_times[] = {
    {"pingInterval", [](ServeConfig& c) -> std::chrono::milliseconds& { return c.engine.ping_interval; }},
    {"pingTimeout", [](ServeConfig& c) -> std::chrono::milliseconds& { return c.engine.ping_timeout; }},
    {"connectTimeout", [](ServeConfig& c) -> std::chrono::milliseconds& { return c.connect_timeout; }},
};

Error out_of_bounds(std::int64_t minimum, std::int64_t maximum) {
  return invalid("must be a whole number from " + std::to_string(minimum) + " to " + std::to_string(maximum));
}

Status size_limit(ServeConfig& config, const Setting& self, const Values& values) {
  for (const SizeLimit& limit : size_limits) {
    if (limit.key != self.flag.name) continue;
    const auto number = parse_integer(values[0], limit.minimum, limit.maximum);
    if (!number) return out_of_bounds(limit.minimum, limit.maximum);
    config.limits.*limit.member = static_cast<std::size_t>(*number);
  }
  return Done{};
}

Status time_limit(ServeConfig& config, const Setting& self, const Values& values) {
  for (const TimeLimit& limit : time_limits) {
    if (limit.key != self.flag.name) continue;
    const auto number = parse_integer(values[0], 1, max_milliseconds);
    if (!number) return out_of_bounds(1, max_milliseconds);
    config.limits.*limit.member = std::chrono::milliseconds(*number);
  }
  return Done{};
}

Status channel_time(ServeConfig& config, const Setting& self, const Values& values) {
  const auto number = parse_integer(values[0], 1, max_milliseconds);
  if (!number) return out_of_bounds(1, max_milliseconds);
  for (const ChannelTime& time : channel_times) {
    if (time.key == self.flag.name) time.of(config) = std::chrono::milliseconds(*number);
  }
  return Done{};
}

Status max_payload(ServeConfig& config, const Setting&, const Values& values) {
  const auto number = parse_integer(values[0], 1, max_bytes);
  if (!number) return out_of_bounds(1, max_bytes);
  config.engine.max_payload = static_cast<std::size_t>(*number);
  return Done{};
}

std::vector<Setting> all_settings() {
  std::vector<Setting> out{
      {{"listen", "ADDR:PORT",
        "where HTTP and WebSocket are served; :0 picks a free port (default 127.0.0.1:3000)", true},
       false,
       texts<&ServeConfig::listen>},
      {{"admin-listen", "ADDR:PORT|unix:PATH", "moves /admin and /metrics away from the public port"},
       false,
       text<&ServeConfig::admin_listen>},
      {{"data", "DIR", "database, tokens and control socket (default ./mimus-data)"},
       false,
       text<&ServeConfig::data>},
      {{"definitions", "FILE", "definitions to load at start", true},
       false,
       texts<&ServeConfig::definitions>},
      {{"default-api", "SLUG", "serves that API at / too"}, false, default_api},
      {{"plugins", "DIR", "directory with third-party plugins", true},
       false,
       texts<&ServeConfig::plugin_directories>},
      {{"plugin-policy", "off|warn|require",
        "third-party plugins without a good signature: loaded, loaded with a warning, or refused (default "
        "warn)"},
       false,
       plugin_policy},
      {{"trust", "DIR",
        "public keys (NAME.pem) whose signatures on plugins count; see NAME.json in trust.md"},
       false,
       trust},
      {{"plugin-probation", "TIME",
        "how long a new version of a plugin is watched before it is accepted (default 60s, 0: not at all)"},
       false,
       plugin_probation},
      {{"plugin-drain", "TIME",
        "after which a replaced plugin's requests and WebSockets are ended, and after which again what still "
        "holds it is left parked (default 30s)"},
       false,
       plugin_drain},
      {{"workers", "N", "event-loop threads, 1 to 256 (default: number of CPUs)"}, false, workers},
      {{"tls-cert", "FILE",
        "PEM certificate and its chain: TLS on every TCP listener; several are chosen by name", true},
       false,
       tls_files<&TlsFiles::Pair::certificate>},
      {{"tls-key", "FILE", "its PEM private key, in the same order", true},
       false,
       tls_files<&TlsFiles::Pair::key>},
      {{"tls-client-ca", "FILE",
        "PEM authorities; a client's certificate, if it shows one, must be of theirs"},
       false,
       tls_client_ca},
      {{"journal", "lossless|lossy|off",
        "a journal that cannot keep up suspends requests, or drops records (default lossless)"},
       false,
       journal},
      {{"journal-retention", "AGE,SIZE",
        "how much of the journal is kept, whichever is reached first (default 7d,1GiB)"},
       false,
       journal_retention},
      {{"proxy-allow-private", "yes|no",
        "targets that resolve to private addresses (default: yes while every --listen is loopback)"},
       false,
       proxy_allow_private},
      {{"supervise", "", "start the server again after a crash, without the plugin at fault (default)"},
       false,
       supervise<true>},
      {{"no-supervise", "", "end with the server instead"}, false, supervise<false>},
      {{"plugin-hang", "TIME",
        "how long a plugin may keep a worker before the server is started again without it (default 5s)"},
       false,
       plugin_hang},
      {{"production", "", "https targets only, no private ones, and signed third-party plugins only"},
       false,
       production},
      {{"log-format", "text|json", "process log on stderr (default text)"}, false, log_format},
      {{"log-level", "debug|info|warn|error", "least level that is logged (default info)"}, false, log_level},
      {{"trustedProxies", "CIDR", "proxies whose Forwarded and X-Forwarded-For are believed", true},
       true,
       trusted_proxies},
  };
  for (const SizeLimit& limit : size_limits)
    out.push_back({{std::string(limit.key), "N", ""}, true, size_limit});
  for (const TimeLimit& limit : time_limits)
    out.push_back({{std::string(limit.key), "MS", ""}, true, time_limit});
  for (const ChannelTime& time : channel_times)
    out.push_back({{std::string(time.key), "MS", ""}, true, channel_time});
  out.push_back({{"maxPayload", "N", ""}, true, max_payload});
  return out;
}

}  // namespace

const std::vector<Setting>& settings() {
  static const std::vector<Setting> all = all_settings();
  return all;
}

}  // namespace mimus
