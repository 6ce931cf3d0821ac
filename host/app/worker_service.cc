#include "host/app/worker_service.h"

#include <algorithm>

#include "host/app/upgrade.h"
#include "host/channel/socket_client.h"
#include "host/pipeline/problem.h"
#include "host/plugin/worker_rooms.h"

namespace mimus {
namespace {

constexpr std::size_t max_admin_body_bytes = 10 << 20;  // maxBodyBytes is for what is mocked

/// True if `path` is `prefix` or lies below it.
bool below(std::string_view path, std::string_view prefix) {
  return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

/// For exchanges that were answered at once: nothing is left to do.
class Answered final : public Responder {
 public:
  void on_body() override {}
  void on_body_too_large() override {}
  void on_writable() override {}
  void on_cancel() override {}
  void on_end() override {}
};

/// A polling session may be without a connection for a while; it counts as one all the same.
EngineOptions engine_options(const SharedServices& shared) {
  EngineOptions options = shared.engine;
  options.max_sessions = shared.limits.max_connections;
  return options;
}

SocketOptions socket_options(const SharedServices& shared) {
  SocketOptions options;
  options.connect_timeout = shared.connect_timeout;
  options.max_packet_bytes = std::max(shared.engine.max_payload, shared.limits.max_message_bytes);
  options.max_json_depth = shared.limits.max_json_depth;
  return options;
}

Responder& responder(Exchange& exchange) {
  static Answered answered;
  return exchange.state != nullptr ? *static_cast<Responder*>(exchange.state) : answered;
}

}  // namespace

WorkerService::WorkerService(SharedServices& shared, Loop& loop)
    : shared_(shared),
      client_address_(shared.trusted),
      upstream_(make_upstream(loop, shared.addresses)),
      context_{
          loop,
          shared.clock,
          shared.limits,
          Generations::Lease(shared.generations),
          shared.compiler,
          *upstream_,
          shared.journal != nullptr ? &shared.journal->producer(loop.index()) : nullptr,
          shared.lossless,
          UlidSource(random_seed()),
          shared.metrics,
          shared.metrics.counter("plugin_failures_total", "Requests that a plugin's fail policy decided"),
          shared.metrics.counter("journal_dropped_total", "Records that were not journalled"),
          &shared.traffic[loop.index()]},
      channel_journal_(context_),
      live_(loop, channels_),
      ears_(shared.journal != nullptr ? &channel_journal_ : nullptr, live_),
      channels_(loop, shared.clock,
                {.max_message_bytes = shared.limits.max_message_bytes,
                 .ping_interval = shared.engine.ping_interval,
                 .ping_timeout = shared.engine.ping_timeout}),
      admission_(context_, channels_, shared.attempts),
      engine_(
          loop, loop.index(), static_cast<unsigned>(shared.traffic.size()), engine_options(shared),
          [this](EngineSession& session) -> std::unique_ptr<EngineUser> {
            return std::make_unique<SocketClient>(session, channels_, admission_, socket_options(shared_));
          },
          &shared.engine_sessions) {
  WorkerRooms::here() = {upstream_.get(), &channels_};
  channels_.observe(&ears_);
}

WorkerService::~WorkerService() { WorkerRooms::here() = {}; }

void WorkerService::on_head(Exchange& exchange) {
  const std::string_view path = exchange.request.raw_path;
  exchange.client_ip = client_address_.of(exchange.client_ip, exchange.request.headers);
  if (path == "/healthz" || path == "/readyz") return health(exchange, path == "/readyz");
  if (below(path, "/admin") || path == "/metrics") {
    if (exchange.admin_listener) return shared_.admin.take(exchange, max_admin_body_bytes);
    return refuse(exchange, 404, "no-such-resource", "the admin API is on another address");
  }
  if (!exchange.public_listener) {
    return refuse(exchange, 404, "no-such-resource", "this address serves the admin API only");
  }
  if (!shared_.loaded.is_open()) {
    return wait_until_loaded(shared_.loaded, exchange, [this](Exchange& waited) { serve(waited); });
  }
  serve(exchange);
}

void WorkerService::serve(Exchange& exchange) {
  const std::string_view path = exchange.request.raw_path;
  if (below(path, "/mock")) return mock(exchange, 2);
  if (path.starts_with("/ws/")) return take_upgrade(channels_, admission_, exchange);
  if (below(path, "/socket.io")) return engine_.take(exchange);
  mock(exchange, 0);
}

void WorkerService::mock(Exchange& exchange, std::size_t prefix) {
  const RequestHead& request = exchange.request;
  const bool asterisk = request.raw_path == "*";
  const Result<ResolvedTarget> target =
      resolve_target(asterisk ? "/" : request.raw_path, prefix, exchange.arena);
  if (!target) return refuse(exchange, 400, "bad-target", target.error().message);
  const Generation* const generation = context_.lease.acquire();
  const Definitions& definitions = *generation->definitions;
  const ApiRecord* api = nullptr;
  if (prefix == 2) {
    if (target->segments.size() > 1) api = definitions.find_api_by_slug(target->segments[1].text);
  } else {
    api = definitions.find_api_by_host(request.host);
    if (api == nullptr && !shared_.default_api.empty())
      api = definitions.find_api_by_slug(shared_.default_api);
  }
  if (api == nullptr) {
    context_.lease.release(generation);
    return refuse(
        exchange, 404, "no-such-api",
        prefix == 2 ? "no API has this slug" : "mocks are below /mock/{slug}, or name the API's host");
  }
  Route route;
  route.api = api;
  route.segments = target->below(prefix);
  route.raw_path = target->path_below(prefix);
  const RouteResult found = api->routes.lookup(request.method, route.segments, exchange.arena);
  route.outcome = found.outcome;
  route.endpoint = found.endpoint;
  route.params = found.params;
  route.allow = found.allow;
  route.path = decoded_path(route, exchange.arena);
  if (idle_.empty()) {
    flows_.push_back(std::make_unique<Flow>(idle_));
    idle_.push_back(flows_.back().get());
  }
  Flow* const flow = idle_.back();
  idle_.pop_back();
  exchange.state = static_cast<Responder*>(flow);
  flow->start(context_, exchange, generation, route);
}

void WorkerService::health(Exchange& exchange, bool ready) {
  if (exchange.request.method != "GET" && exchange.request.method != "HEAD") {
    exchange.response.headers.push_back({"Allow", "GET, HEAD"});
    return refuse(exchange, 405, "method-not-allowed", "this path has GET, HEAD");
  }
  exchange.response.headers.push_back({"Cache-Control", "no-store"});
  if (ready && shared_.draining.load(std::memory_order_relaxed)) {
    return refuse(exchange, 503, "unavailable", "the host is stopping");
  }
  if (ready && !shared_.loaded.is_open()) {
    return refuse(exchange, 503, "unavailable", "the definitions are still being loaded");
  }
  answer(exchange, 200, "application/json", "{\"status\":\"ok\"}");
}

void WorkerService::answer(Exchange& exchange, int status, std::string_view content_type,
                           std::string_view body) {
  exchange.response.status = status;
  exchange.response.headers.push_back({"Content-Type", content_type});
  exchange.sink->send(body);
}

void WorkerService::refuse(Exchange& exchange, int status, std::string_view code, std::string_view detail) {
  answer(exchange, status, problem_type,
         exchange.arena.copy(problem_json(status, code, detail, exchange.request.raw_path)));
}

void ChannelEars::on_open(const BaseChannel& channel) {
  if (journal_ != nullptr) journal_->on_open(channel);
  live_.on_open(channel);
}

void ChannelEars::on_message(const BaseChannel& channel, const ChannelMessage& message) {
  if (journal_ != nullptr) journal_->on_message(channel, message);
  live_.on_message(channel, message);
}

void ChannelEars::on_close(const BaseChannel& channel, int code, std::string_view reason) {
  if (journal_ != nullptr) journal_->on_close(channel, code, reason);
  live_.on_close(channel, code, reason);
}

void ChannelEars::on_refused(const ChannelRefusal& refusal) {
  if (journal_ != nullptr) journal_->on_refused(refusal);
}

void WorkerService::retry_journal() {
  context_.retry_journal();
  channel_journal_.retry();
  if (!channel_journal_.is_full()) channels_.read_on();
}

void WorkerService::evict(const PluginHost::Loaded& plugin) {
  for (const auto& flow : flows_) flow->evict(plugin);
  channels_.close_users(&plugin, 1012, "the plugin is being replaced");
}

void WorkerService::on_body(Exchange& exchange) { responder(exchange).on_body(); }
void WorkerService::on_body_too_large(Exchange& exchange) { responder(exchange).on_body_too_large(); }
void WorkerService::on_writable(Exchange& exchange) { responder(exchange).on_writable(); }
void WorkerService::on_cancel(Exchange& exchange) { responder(exchange).on_cancel(); }

void WorkerService::on_end(Exchange& exchange) {
  Responder& last = responder(exchange);
  exchange.state = nullptr;
  last.on_end();
}

std::string WorkerService::refusal(int status, std::string_view detail) {
  return problem_json(status, refusal_code(status), detail, "");
}

}  // namespace mimus
