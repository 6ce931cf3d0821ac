// Flow: the answer, the response direction, streaming, the journal, the send.
#include <algorithm>

#include "host/pipeline/flow.h"
#include "host/pipeline/problem.h"
#include "host/pipeline/worker.h"
#include "mimus/json_text.h"

namespace mimus {
namespace {

constexpr std::size_t max_captured_body = 64u << 10;
constexpr int client_closed_request = 499;  // as nginx logs it; never sent

bool secret_field(std::string_view name) {
  for (const std::string_view secret :
       {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-auth-token"}) {
    if (same_name(name, secret)) return true;
  }
  return false;
}

const std::string_view* find(const std::vector<Header>& headers, std::string_view name) {
  for (const Header& header : headers) {
    if (same_name(header.name, name)) return &header.value;
  }
  return nullptr;
}

/// The trace-id of a W3C traceparent, "" if there is none.
std::string_view trace_id(const std::vector<Header>& headers) {
  const std::string_view* const parent = find(headers, "traceparent");
  if (parent == nullptr || parent->size() < 55 || (*parent)[2] != '-' || (*parent)[35] != '-') return {};
  return parent->substr(3, 32);
}

}  // namespace

void Flow::begin_answer() {
  direction_ = Direction::response;
  slot_ = entered_;
  if (answer_ == Answer::forward) {
    start_forward();
  } else {
    run_response();
  }
}

void Flow::start_forward() {
  if (!request_body_known()) {
    waiting_ = Waiting::forward_body;
    exchange_->sink->want_body(worker_->limits.max_body_bytes);
    return;
  }
  waiting_ = Waiting::upstream;
  const UpstreamRequest request{
      outgoing_.method, outgoing_.url, outgoing_.headers, exchange_->body, exchange_->request.has_body,
      outgoing_.timeout};
  upstream_ = worker_->upstream.start(request, incoming_);
}

void Flow::run_response() {
  while (slot_ > 0) {
    --slot_;
    const Step& now = step();
    if (now.broken || now.table->on_response == nullptr || left_out()) continue;
    ceiling_ = 0;
    if (!apply_response(call(now.table->on_response, Hook::on_response))) return;
  }
  commit();
}

bool Flow::apply_response(mimus_action action) {
  if (action == MIMUS_NEXT) return true;
  if (action == MIMUS_NEED_BODY && step().table->on_response_body != nullptr) {
    if (!streaming_ || gathered_.size() > ceiling_) return call_response_body_hook();
    waiting_ = Waiting::gather;
    worker_->upstream.resume(upstream_);  // an inner plugin's lower ceiling may have paused it
    return false;
  }
  count_failure();
  const Manifest& manifest = step().plugin->manifest();
  if (manifest.fail_closed) {
    drop_upstream();
    streaming_ = false;
    set_problem(503, "plugin-failed", "plugin " + manifest.id + " failed", {});
  }
  return true;
}

bool Flow::call_response_body_hook(bool broke_off) {
  const mimus_rc rc = broke_off ? MIMUS_E_GONE : streaming_ ? MIMUS_E_NOSPC : MIMUS_OK;
  const mimus_str whole = rc == MIMUS_OK ? mimus_str{body_.data(), body_.size()} : mimus_str{nullptr, 0};
  const mimus_action action =
      call(step().table->on_response_body, Hook::on_response_body, whole, mimus_rc{rc});
  return apply_response(action == MIMUS_NEED_BODY ? MIMUS_FAIL : action);
}

void Flow::commit() {
  if (!streaming_) {
    if (append_record(exchange_->response.status)) send();
    return;
  }
  waiting_ = Waiting::stream;
  begun_ = true;
  ResponseSink& sink = *exchange_->sink;
  sink.begin(upstream_length_);
  if (waiting_ != Waiting::stream) return;  // it could not be sent, and has ended
  bool room = true;
  if (!gathered_.empty()) {
    streamed_ += static_cast<std::int64_t>(gathered_.size());
    room = sink.write(gathered_);
  }
  if (upstream_ != 0 && room) worker_->upstream.resume(upstream_);
}

void Flow::send() {
  waiting_ = Waiting::sent;
  exchange_->sink->send(body_);
}

void Flow::finish_stream() {
  if (!append_record(exchange_->response.status)) return;
  waiting_ = Waiting::sent;
  if (broken_) {
    exchange_->sink->abort();
  } else {
    exchange_->sink->finish();
  }
}

void Flow::drop_upstream() {
  if (upstream_ != 0) worker_->upstream.cancel(upstream_);
  upstream_ = 0;
}

// ---- the upstream's answer -------------------------------------------------------------

void Flow::Incoming::on_head(int status, std::span<const Header> headers, std::int64_t length) {
  flow.waiting_ = Waiting::none;
  flow.forwarded_ = true;
  flow.streaming_ = true;
  flow.upstream_length_ = length;
  ResponseHead& response = flow.exchange_->response;
  response.status = status;
  response.headers.clear();
  Arena& arena = flow.exchange_->arena;
  for (const Header& header : headers) {
    if (same_name(header.name, "content-length") || same_name(header.name, "date")) continue;
    response.headers.push_back({arena.copy(header.name), arena.copy(header.value)});
  }
  flow.run_response();
}

void Flow::Incoming::on_data(std::string_view data) {
  if (flow.pipeline_ != nullptr && flow.pipeline_->capture().bodies) {
    flow.captured_body_.append(
        data.substr(0, max_captured_body - std::min(max_captured_body, flow.captured_body_.size())));
  }
  if (flow.waiting_ == Waiting::stream) {
    flow.streamed_ += static_cast<std::int64_t>(data.size());
    if (!flow.exchange_->sink->write(data)) flow.worker_->upstream.pause(flow.upstream_);
    return;
  }
  flow.gathered_.append(data);
  if (flow.waiting_ != Waiting::gather || flow.gathered_.size() <= flow.ceiling_) return;
  flow.waiting_ = Waiting::none;
  flow.worker_->upstream.pause(flow.upstream_);
  if (flow.call_response_body_hook()) flow.run_response();
}

void Flow::Incoming::on_end() {
  flow.upstream_ = 0;
  if (flow.waiting_ == Waiting::gather) {
    flow.waiting_ = Waiting::none;
    flow.streaming_ = false;
    flow.body_ = flow.gathered_;
    if (flow.call_response_body_hook()) flow.run_response();
  } else if (flow.waiting_ == Waiting::stream) {
    flow.finish_stream();
  }
}

void Flow::Incoming::on_error(UpstreamError error, std::string_view why) {
  flow.upstream_ = 0;
  const Waiting was = flow.waiting_;
  flow.waiting_ = Waiting::none;
  if (was == Waiting::stream) {
    flow.error_ = error == UpstreamError::timeout ? "upstream-timeout" : "upstream-unreachable";
    flow.broken_ = true;
    flow.finish_stream();
    return;
  }
  flow.streaming_ = false;
  flow.forwarded_ = false;
  const std::string& authority = flow.outgoing_.url.authority;
  const std::string detail = (why.starts_with(authority) ? "" : authority + ": ") + std::string(why);
  if (error == UpstreamError::timeout) {
    flow.set_problem(504, "upstream-timeout", detail, {});
  } else if (error == UpstreamError::forbidden) {
    flow.set_problem(403, "upstream-forbidden", detail, {});
  } else {
    flow.set_problem(502, "upstream-unreachable", detail, {});
  }
  if (was != Waiting::gather || flow.call_response_body_hook(true)) flow.run_response();
}

// ---- the connection's news -------------------------------------------------------------

void Flow::on_writable() {
  if (waiting_ == Waiting::stream && upstream_ != 0) worker_->upstream.resume(upstream_);
}

void Flow::on_cancel() {
  if (waiting_ == Waiting::journal) std::erase(worker_->waiting_for_journal, this);
  drop_hold();
  drop_upstream();
  const bool journalled = waiting_ == Waiting::sent;
  waiting_ = Waiting::none;
  if (journalled || route_.api == nullptr) return;
  const int refused = exchange_->refused_with;
  if (refused != 0) {
    error_ = refusal_code(refused);
  } else if (error_.empty()) {
    error_ = "client-closed";
  }
  append_last_record(begun_ ? exchange_->response.status : refused != 0 ? refused : client_closed_request);
}

void Flow::on_end() {
  if (waiting_ == Waiting::stream) {  // the connection could not send what the upstream told it to
    error_ = refusal_code(500);
    streamed_ = exchange_->response_size;
    append_last_record(exchange_->response.status);
  }
  drop_hold();
  drop_upstream();
  direction_ = Direction::response;
  begun_ = true;  // nothing can be answered, held or set any more
  while (entered_ > 0) {
    slot_ = --entered_;
    const Step& now = step();
    if (now.broken || left_out()) continue;
    if (!now.plugin->breaker.calm()) now.plugin->breaker.passed();
    if (now.table->on_end != nullptr) call(now.table->on_end, Hook::on_end);
  }
  ++serial_;  // a plugin that kept the handle is told GONE
  worker_->lease.release(generation_);
  exchange_ = nullptr;
  pipeline_ = nullptr;
  route_ = {};
  direction_ = Direction::request;
  waiting_ = Waiting::none;
  answer_ = Answer::none;
  candidate_ = false;
  compiles_ = 0;
  body_known_ = forwarded_ = streaming_ = begun_ = broken_ = query_known_ = request_changed_ = false;
  slot_ = 0;
  body_ = {};
  uncoded_.reset();
  error_ = {};
  query_ = {};
  upstream_length_ = -1;
  streamed_ = 0;
  fields_.clear();
  captured_body_.clear();
  gathered_.clear();
  if (gathered_.capacity() > max_captured_body) gathered_.shrink_to_fit();
  idle_.push_back(this);
}

// ---- the journal -----------------------------------------------------------------------

std::string_view Flow::capture_headers(const std::vector<Header>& headers) {
  std::string out = "[";
  for (const Header& header : headers) {
    if (out.size() > 1) out += ",";
    out += "{\"name\":";
    json::quote(out, header.name);
    out += ",\"value\":";
    json::quote(out, secret_field(header.name) ? "[redacted]" : header.value);
    out += "}";
  }
  return exchange_->arena.copy(out += "]");
}

void Flow::count(int status, std::int64_t micros) {
  if (worker_->traffic == nullptr) return;
  (candidate_ ? worker_->traffic->candidate : worker_->traffic->stable).count(status, micros);
}

bool Flow::append_record(int status) {
  const std::chrono::microseconds at = worker_->clock.now();
  const std::int64_t now = at.count();
  const std::int64_t duration = now - exchange_->started_us;
  worker_->last_answer_us = now;
  if (worker_->journal == nullptr) {
    count(status, now - began_us_);
    return true;
  }
  const RequestHead& request = exchange_->request;
  if (pipeline_ != nullptr && pipeline_->capture().any()) {
    const Capture& capture = pipeline_->capture();
    if (capture.request_headers) record({field_request_headers, 0, capture_headers(client_headers())});
    if (capture.response_headers)
      record({field_response_headers, 0, capture_headers(exchange_->response.headers)});
    if (capture.bodies) {
      const std::string_view answer =
          streaming_ ? std::string_view(captured_body_) : uncoded_.value_or(body_);
      record({field_request_body, 0, exchange_->body.substr(0, max_captured_body)});
      record({field_response_body, 0, answer.substr(0, max_captured_body)});
    }
  }
  const std::string_view* const agent = find(client_headers(), "user-agent");
  const bool bodiless =
      request.method == "HEAD" || status == 204 || status == 304 || status == client_closed_request;
  RecordInput input;
  input.id = worker_->next_id(at);
  input.api = route_.api->id;
  if (route_.endpoint != nullptr) input.endpoint = route_.endpoint->id;
  input.time_us = exchange_->started_wall_us;
  input.method = request.method;
  input.path = request.raw_path;
  input.query = request.raw_query;
  input.client_ip = exchange_->client_ip;
  if (agent != nullptr) input.user_agent = *agent;
  input.trace_id = trace_id(client_headers());
  input.error = error_;
  input.status = status;
  input.duration_us = duration;
  // A body that no plugin asked for is as long as its head said.
  const bool refused = exchange_->refused_with != 0;
  const bool dropped = status == 413 || status == client_closed_request || refused;
  input.request_size =
      dropped ? exchange_->request_size : std::max(exchange_->request_size, request.content_length);
  input.response_size = refused      ? exchange_->response_size
                        : bodiless   ? 0
                        : streaming_ ? streamed_
                                     : static_cast<std::int64_t>(body_.size());
  input.extra = fields_;
  if (worker_->journal->append(input)) {
    count(status, now - began_us_);
    return true;
  }
  if (!worker_->lossless) {
    count(status, now - began_us_);
    worker_->metrics.add(worker_->journal_dropped, 1);
    return true;
  }
  waiting_ = Waiting::journal;
  worker_->waiting_for_journal.push_back(this);
  return false;
}

void Flow::append_last_record(int status) {
  if (append_record(status)) return;
  std::erase(worker_->waiting_for_journal, this);
  waiting_ = Waiting::none;
  worker_->metrics.add(worker_->journal_dropped, 1);
}

void Flow::retry_journal() {
  waiting_ = Waiting::none;
  if (begun_) {
    finish_stream();
  } else {
    commit();
  }
}

const Pipeline* WorkerContext::choose(const CompiledPipeline& compiled, const PluginMix& mix) {
  if (compiled.candidate == nullptr) return compiled.stable.get();
  canary_owed += mix.share;
  if (canary_owed < 10'000) return compiled.stable.get();
  canary_owed -= 10'000;
  return compiled.candidate.get();
}

void WorkerContext::retry_journal() {
  std::vector<Flow*> waiting;
  waiting.swap(waiting_for_journal);
  for (Flow* flow : waiting) flow->retry_journal();  // those that are refused again queue up again
}

}  // namespace mimus
