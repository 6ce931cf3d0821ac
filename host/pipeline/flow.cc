// Flow: its start, the request direction, and what plugins do in it.
#include "host/pipeline/flow.h"

#include <algorithm>
#include <utility>

#include "host/net/tokens.h"
#include "host/pipeline/problem.h"
#include "host/pipeline/worker.h"
#include "host/upstream/request_bytes.h"
#include "mimus/json_text.h"

namespace mimus {
namespace {

constexpr std::chrono::minutes longest_hold{11};
constexpr int max_compiles = 32;  // of one exchange

/// Fields that frame a message or are the connection's own business: never a plugin's.
bool framing_field(std::string_view name) {
  switch (name.size()) {
    case 4:
      return same_name(name, "date");
    case 7:
      return same_name(name, "trailer");
    case 10:
      return same_name(name, "connection") || same_name(name, "keep-alive");
    case 14:
      return same_name(name, "content-length");
    case 17:
      return same_name(name, "transfer-encoding");
    default:
      return false;
  }
}

/// Fields of a request that say where it ends, or are for the next hop alone.
bool connection_field(std::string_view name) {
  return is_hop_by_hop(name) || same_name(name, "content-length") || same_name(name, "host") ||
         same_name(name, "expect");
}

/// What response_head writes; whatever else is refused where the plugin can still be told.
bool sendable(std::string_view name, std::string_view value) {
  return is_token(name) && is_safe_value(value);
}

std::string_view view(mimus_str text) {
  return text.n == 0 ? std::string_view{} : std::string_view{text.p, text.n};
}

}  // namespace

std::string_view decoded_path(const Route& route, Arena& arena) {
  std::size_t bytes = 0;
  bool same = true;
  for (const Segment& segment : route.segments) {
    bytes += 1 + segment.text.size();
    same = same && segment.raw.size() == segment.text.size();  // decoding an escape shortens
  }
  if (bytes == 0) return "/";
  if (same) return route.raw_path;
  char* const out = static_cast<char*>(arena.allocate(bytes));
  char* at = out;
  for (const Segment& segment : route.segments) {
    *at++ = '/';
    at = std::copy(segment.text.begin(), segment.text.end(), at);
  }
  return {out, bytes};
}

const std::vector<Step>& Flow::steps() const {
  static const std::vector<Step> none;
  return pipeline_ != nullptr ? pipeline_->steps() : none;
}

void Flow::start(WorkerContext& worker, Exchange& exchange, const Generation* generation,
                 const Route& route) {
  worker_ = &worker;
  exchange_ = &exchange;
  began_us_ = std::max(exchange.started_us, worker.last_answer_us);
  generation_ = generation;
  route_ = route;
  if (find_pipeline()) {
    enter();
  } else {
    compile();
  }
}

bool Flow::find_pipeline() {
  const std::uint64_t plugins = generation_->plugins->serial;
  const CompiledPipeline* const compiled = route_.endpoint != nullptr
                                               ? Compiler::compiled(plugins, *route_.api, *route_.endpoint)
                                               : Compiler::compiled(plugins, *route_.api);
  if (compiled == nullptr) return false;
  compiled->note_use();
  pipeline_ = worker_->choose(*compiled, *generation_->plugins);
  candidate_ = pipeline_ == compiled->candidate.get();
  return true;
}

bool Flow::gone() const { return route_.endpoint != nullptr && Compiler::deleted(*route_.endpoint); }

void Flow::compile() {
  ++compiles_;
  waiting_ = Waiting::compile;
  hold_ = mimus_resume::make(worker_->loop, *this, longest_hold);
  worker_->compiler.request({generation_->definitions, route_.api, route_.endpoint, nullptr, hold_});
}

void Flow::enter() {
  contexts_ = static_cast<void**>(exchange_->arena.allocate(steps().size() * sizeof(void*)));
  std::fill_n(contexts_, steps().size(), nullptr);
  if (pipeline_ == nullptr && gone()) {
    set_problem(404, "no-such-endpoint", "the endpoint was deleted as the request came", {});
    begin_answer();
  } else if (pipeline_ == nullptr) {
    set_problem(503, "definition-unreadable", "the endpoint's definition cannot be read from the store", {});
    begin_answer();
  } else if (!pipeline_->missing().empty()) {
    set_problem(503, "plugin-failed", "plugin " + pipeline_->missing() + " is not loaded", {});
    begin_answer();
  } else if (pipeline_->capture().bodies && exchange_->request.has_body) {
    waiting_ = Waiting::capture_body;
    exchange_->sink->want_body(worker_->limits.max_body_bytes);
  } else {
    run_request();
  }
}

void Flow::run_request() {
  while (slot_ < steps().size()) {
    entered_ = slot_ + 1;
    const Step& now = step();
    if (now.broken) {
      if (!fail()) return;
    } else if (!now.plugin->breaker.calm() && !now.plugin->breaker.lets_in(worker_->loop.now())) {
      if (!leave_out()) return;
    } else if (now.table->on_request == nullptr) {
      ++slot_;
    } else if (!apply(call(now.table->on_request, Hook::on_request))) {
      return;
    }
  }
  answer_by_default();
  begin_answer();
}

bool Flow::apply(mimus_action action) {
  if (action != MIMUS_SUSPEND) drop_hold();
  switch (action) {
    case MIMUS_NEXT:
      if (answer_ != Answer::none) return fail();
      ++slot_;
      return true;
    case MIMUS_RESPONDED:
      if (answer_ == Answer::none) return fail();
      begin_answer();
      return false;
    case MIMUS_SUSPEND:
      if (hold_ == nullptr || step().table->on_resume == nullptr) return fail();
      waiting_ = Waiting::resume;
      return false;
    case MIMUS_NEED_BODY:
      if (step().table->on_request_body == nullptr) return fail();
      if (request_body_known()) return call_body_hook();
      waiting_ = Waiting::body;
      exchange_->sink->want_body(worker_->limits.max_body_bytes);
      return false;
    default:
      return fail();
  }
}

bool Flow::call_body_hook() {
  const mimus_str body{exchange_->body.data(), exchange_->body.size()};
  const mimus_action action = call(step().table->on_request_body, Hook::on_request_body, body);
  return action == MIMUS_NEED_BODY ? fail() : apply(action);
}

bool Flow::fail() {
  count_failure();
  drop_hold();
  forget_answer();
  return decide();
}

bool Flow::leave_out() {
  contexts_[slot_] = &left_out_mark_;
  return decide();
}

bool Flow::decide() {
  const Manifest& manifest = step().plugin->manifest();
  if (!manifest.fail_closed) {
    ++slot_;
    return true;
  }
  set_problem(503, "plugin-failed",
              "plugin " + manifest.id + (left_out() ? " is left out: it failed too often" : " failed"), {});
  begin_answer();
  return false;
}

void Flow::count_failure() {
  const Step& now = step();
  now.plugin->failures.fetch_add(1, std::memory_order_relaxed);
  worker_->metrics.add(worker_->plugin_failures, 1);
  if (!now.broken) now.plugin->breaker.failed(worker_->loop.now());
}

void Flow::forget_answer() {
  if (answer_ == Answer::whole) error_ = {};
  answer_ = Answer::none;
  body_ = {};
  exchange_->response.status = 0;
  exchange_->response.headers.clear();
}

void Flow::answer_by_default() {
  if (route_.endpoint != nullptr) {
    set_problem(501, "no-content", "no plugin answers for this endpoint: is the one for mocks loaded?", {});
    return;
  }
  if (route_.outcome == RouteOutcome::options) {
    answer_ = Answer::whole;
    exchange_->response.status = 204;
    exchange_->response.headers.push_back({"Allow", route_.allow});
    return;
  }
  if (route_.outcome == RouteOutcome::wrong_method) {
    set_problem(405, "method-not-allowed", "this path has " + std::string(route_.allow), {});
    exchange_->response.headers.push_back({"Allow", route_.allow});
    return;
  }
  if (route_.outcome == RouteOutcome::too_ambiguous) {
    set_problem(404, "ambiguous-route",
                "more than " + std::to_string(RouteTree::max_steps) + " nodes of the API fit", {});
    return;
  }
  std::string nearest = ",\"nearest\":[";
  for (const NearMiss& miss : route_.api->routes.near_misses(exchange_->request.method, route_.segments)) {
    if (nearest.back() != '[') nearest += ",";
    nearest += "{\"endpointId\":\"" + miss.endpoint->id.text() +
               "\",\"method\":" + json::quoted(miss.endpoint->route.method) +
               ",\"path\":" + json::quoted(miss.endpoint->route.path) +
               ",\"reason\":" + json::quoted(miss.reason) + "}";
  }
  nearest += "]";
  const std::string detail = "API \"" + route_.api->slug + "\" has no endpoint for " +
                             std::string(exchange_->request.method) + " " + std::string(route_.path);
  answer_ = Answer::whole;
  error_ = "no-such-endpoint";
  exchange_->response.status = 404;
  exchange_->response.headers.push_back({"Content-Type", problem_type});
  body_ = exchange_->arena.copy(problem_json(404, error_, detail, exchange_->request.raw_path, {}, nearest));
}

mimus_resume* Flow::hold(std::chrono::milliseconds timeout) {
  if (hold_ != nullptr || in_response()) return nullptr;
  hold_ = mimus_resume::make(worker_->loop, *this, timeout.count() == 0 ? longest_hold : timeout);
  return hold_;
}

void Flow::drop_hold() {
  if (hold_ == nullptr) return;
  hold_->detach();
  hold_ = nullptr;
}

void Flow::evict(const PluginHost::Loaded& plugin) {
  if (waiting_ != Waiting::resume || step().plugin != &plugin) return;
  drop_hold();
  waiting_ = Waiting::none;
  if (fail()) run_request();
}

void Flow::on_woken(mimus_resume&, mimus_resume::Woken how) {
  drop_hold();
  const Waiting was = waiting_;
  waiting_ = Waiting::none;
  if (was == Waiting::compile) {
    // Where other plugins were published meanwhile, what was compiled may have gone already.
    const bool again = how == mimus_resume::Woken::resumed && compiles_ < max_compiles;
    if (!find_pipeline() && again && !gone()) return compile();
    enter();
  } else if (was == Waiting::resume) {
    const bool go_on =
        how == mimus_resume::Woken::deadline ? fail() : apply(call(step().table->on_resume, Hook::on_resume));
    if (go_on) run_request();
  }
}

void Flow::on_body() {
  body_known_ = true;
  const Waiting was = waiting_;
  waiting_ = Waiting::none;
  if (was == Waiting::capture_body) {
    run_request();
  } else if (was == Waiting::body) {
    if (call_body_hook()) run_request();
  } else if (was == Waiting::forward_body) {
    start_forward();
  }
}

void Flow::on_body_too_large() {
  waiting_ = Waiting::none;
  set_problem(413, "body-too-large", "the body is larger than maxBodyBytes", {});
  direction_ = Direction::response;
  slot_ = entered_;
  run_response();
}

// ---- what plugins do -------------------------------------------------------------------

mimus_rc Flow::respond(int status, const mimus_field* fields, std::size_t n, std::string_view body,
                       std::uint32_t flags) {
  if (answer_ != Answer::none || in_response() || status < 200 || status > 599) return MIMUS_E_INVAL;
  Arena& arena = exchange_->arena;
  const bool lent = (flags & MIMUS_OF_BOUND) != 0;
  std::vector<Header>& headers = exchange_->response.headers;
  headers.clear();
  for (std::size_t i = 0; i < n; ++i) {
    const std::string_view name = view(fields[i].name);
    const std::string_view value = view(fields[i].value);
    if (framing_field(name)) continue;
    if (!sendable(name, value)) {
      headers.clear();
      return MIMUS_E_INVAL;
    }
    headers.push_back(lent ? Header{name, value} : Header{arena.copy(name), arena.copy(value)});
  }
  exchange_->response.status = status;
  body_ = lent ? body : arena.copy(body);
  answer_ = Answer::whole;
  return MIMUS_OK;
}

mimus_rc Flow::problem(int status, std::string_view code, std::string_view detail,
                       std::span<const mimus_fault> faults) {
  if (answer_ != Answer::none || in_response() || status < 400 || status > 599) return MIMUS_E_INVAL;
  set_problem(status, code, detail, faults);
  return MIMUS_OK;
}

void Flow::set_problem(int status, std::string_view code, std::string_view detail,
                       std::span<const mimus_fault> faults) {
  answer_ = Answer::whole;
  forwarded_ = false;
  error_ = exchange_->arena.copy(code);
  exchange_->response.status = status;
  exchange_->response.headers.clear();
  exchange_->response.headers.push_back({"Content-Type", problem_type});
  std::vector<ProblemFault> shown;
  for (const mimus_fault& fault : faults) shown.push_back({view(fault.pointer), view(fault.detail)});
  body_ = exchange_->arena.copy(problem_json(status, code, detail, exchange_->request.raw_path, shown));
  uncoded_.reset();
}

mimus_rc Flow::forward(const mimus_forward& to) {
  if (answer_ != Answer::none || in_response()) return MIMUS_E_INVAL;
  Result<Url> url = Url::parse(view(to.url));
  if (!url) return MIMUS_E_INVAL;
  outgoing_.url = std::move(*url);
  outgoing_.method = exchange_->arena.copy(view(to.method));
  outgoing_.timeout = std::chrono::milliseconds(to.timeout_ms);
  outgoing_.headers.clear();
  for (std::size_t i = 0; i < to.n_headers; ++i) {
    outgoing_.headers.push_back(
        {exchange_->arena.copy(view(to.headers[i].name)), exchange_->arena.copy(view(to.headers[i].value))});
  }
  answer_ = Answer::forward;
  return MIMUS_OK;
}

mimus_rc Flow::set_header(std::string_view name, std::string_view value, bool keep_others) {
  if (!in_response() || begun_ || framing_field(name) || !sendable(name, value)) return MIMUS_E_INVAL;
  if (!keep_others) (void)remove_header(name);
  exchange_->response.headers.push_back({exchange_->arena.copy(name), exchange_->arena.copy(value)});
  return MIMUS_OK;
}

mimus_rc Flow::remove_header(std::string_view name) {
  if (!in_response() || begun_) return MIMUS_E_INVAL;
  std::erase_if(exchange_->response.headers,
                [&](const Header& header) { return same_name(header.name, name); });
  return MIMUS_OK;
}

const std::vector<Header>& Flow::client_headers() const {
  return request_changed_ ? client_headers_ : exchange_->request.headers;
}

bool Flow::may_change_request(std::string_view name) {
  if (in_response() || answer_ != Answer::none || connection_field(name)) return false;
  if (!std::exchange(request_changed_, true)) client_headers_ = exchange_->request.headers;
  return true;
}

mimus_rc Flow::set_request_header(std::string_view name, std::string_view value) {
  if (!sendable(name, value) || !may_change_request(name)) return MIMUS_E_INVAL;
  (void)remove_request_header(name);
  exchange_->request.headers.push_back({exchange_->arena.copy(name), exchange_->arena.copy(value)});
  return MIMUS_OK;
}

mimus_rc Flow::remove_request_header(std::string_view name) {
  if (!is_token(name) || !may_change_request(name)) return MIMUS_E_INVAL;
  std::erase_if(exchange_->request.headers,
                [&](const Header& header) { return same_name(header.name, name); });
  return MIMUS_OK;
}

mimus_rc Flow::replace_status(int status) {
  if (!in_response() || begun_ || status < 200 || status > 599) return MIMUS_E_INVAL;
  exchange_->response.status = status;
  body_ = {};
  uncoded_.reset();
  if (streaming_) drop_upstream();
  streaming_ = false;
  return MIMUS_OK;
}

mimus_rc Flow::replace_body(std::string_view body, std::uint32_t flags) {
  if (!in_response() || begun_) return MIMUS_E_INVAL;
  if (streaming_) return MIMUS_PENDING;
  if ((flags & MIMUS_CODED) == 0) {
    uncoded_.reset();
  } else if (!uncoded_) {
    uncoded_ = body_;
  }
  body_ = (flags & MIMUS_OF_BOUND) != 0 ? body : exchange_->arena.copy(body);
  return MIMUS_OK;
}

mimus_rc Flow::response_body(std::string_view& out) const {
  if (!in_response()) return MIMUS_E_INVAL;
  if (streaming_) return MIMUS_PENDING;
  out = body_;
  return MIMUS_OK;
}

mimus_rc Flow::response_length(std::uint64_t& out) const {
  if (!in_response()) return MIMUS_E_INVAL;
  if (streaming_ && upstream_length_ < 0) return MIMUS_ABSENT;
  out = streaming_ ? static_cast<std::uint64_t>(upstream_length_) : body_.size();
  return MIMUS_OK;
}

mimus_rc Flow::forget_length() {
  if (!in_response() || begun_) return MIMUS_E_INVAL;
  upstream_length_ = -1;
  return MIMUS_OK;
}

void Flow::record(const FieldValue& value) {
  for (FieldValue& known : fields_) {
    if (known.field == value.field) {
      known = value;
      return;
    }
  }
  fields_.push_back(value);
}

std::span<const QueryField> Flow::query() {
  if (!query_known_) {
    query_known_ = true;
    const auto parsed =
        parse_query(exchange_->request.raw_query, worker_->limits.max_query_keys, exchange_->arena);
    if (parsed) query_ = *parsed;  // the connection has refused a query with too many keys
  }
  return query_;
}

}  // namespace mimus
