#include "host/channel/engine_http.h"

#include <array>
#include <string>

#include "host/channel/handshake.h"
#include "host/route/target.h"

namespace mimus {
namespace {

constexpr std::size_t max_query_fields = 100;

void add(Exchange& exchange, std::string_view name, std::string_view value) {
  exchange.response.headers.push_back({name, value});
}

/// As far as the browser is concerned every page may read the answer.
void let_pages_read(Exchange& exchange) {
  const std::string_view origin = field_of(exchange.request, "origin");
  if (origin.empty()) return;
  add(exchange, "Access-Control-Allow-Origin", origin);
  add(exchange, "Access-Control-Allow-Credentials", "true");
  add(exchange, "Vary", "Origin");
}

void head(Exchange& exchange, int status, std::string_view type) {
  exchange.response.status = status;
  add(exchange, "Content-Type", type);
  add(exchange, "Cache-Control", "no-store");
  let_pages_read(exchange);
}

void answer(Exchange& exchange, int status, std::string_view type, std::string_view body) {
  head(exchange, status, type);
  exchange.sink->send(body);
}

constexpr std::string_view plain_text = "text/plain; charset=UTF-8";

std::string_view refusal(EngineError error) {
  switch (error) {
    case EngineError::transport_unknown:
      return R"({"code":0,"message":"Transport unknown"})";
    case EngineError::sid_unknown:
      return R"({"code":1,"message":"Session ID unknown"})";
    case EngineError::bad_handshake_method:
      return R"({"code":2,"message":"Bad handshake method"})";
    case EngineError::unsupported_version:
      return R"({"code":5,"message":"Unsupported protocol version"})";
    case EngineError::bad_request:
      break;
  }
  return R"({"code":3,"message":"Bad request"})";
}

}  // namespace

Result<EngineQuery> engine_query(Exchange& exchange) {
  const auto fields = parse_query(exchange.request.raw_query, max_query_fields, exchange.arena);
  if (!fields) return fields.error();
  EngineQuery out;
  for (const QueryField& one : *fields) {
    if (one.name == "EIO") out.protocol_4 = one.value == "4";
    if (one.name == "sid") out.sid = one.value;
    if (one.name != "transport") continue;
    out.transport = one.value == "polling"     ? EngineTransport::polling
                    : one.value == "websocket" ? EngineTransport::websocket
                                               : EngineTransport::unknown;
  }
  return out;
}

EngineOrigin engine_origin(const Exchange& exchange) {
  const RequestHead& request = exchange.request;
  EngineOrigin out;
  out.client_ip = exchange.client_ip;
  out.origin = field_of(request, "origin");
  out.host = request.host;
  out.bearer = bearer_token(request);
  out.user_agent = field_of(request, "user-agent");
  out.query = request.raw_query;
  return out;
}

void refuse(Exchange& exchange, EngineError error) {
  answer(exchange, 400, "application/json", refusal(error));
}

void refuse(Exchange& exchange, int status, std::string_view message) {
  answer(exchange, status, plain_text, message);
}

void answer_payload(Exchange& exchange, std::string_view payload) {
  answer(exchange, 200, plain_text, payload);
}

void begin_payload(Exchange& exchange, std::size_t size) {
  head(exchange, 200, plain_text);
  exchange.sink->begin(static_cast<std::int64_t>(size));
}

// Not text/plain: some browsers offer to save what comes with that type.
void answer_ok(Exchange& exchange) { answer(exchange, 200, "text/html", "ok"); }

void answer_preflight(Exchange& exchange) {
  exchange.response.status = 204;
  const std::string_view origin = field_of(exchange.request, "origin");
  if (!origin.empty()) {
    add(exchange, "Access-Control-Allow-Origin", origin);
    add(exchange, "Access-Control-Allow-Credentials", "true");
    add(exchange, "Access-Control-Allow-Methods", "GET, POST");
    const std::string_view headers = field_of(exchange.request, "access-control-request-headers");
    if (!headers.empty()) add(exchange, "Access-Control-Allow-Headers", headers);
    add(exchange, "Access-Control-Max-Age", "600");
    add(exchange, "Vary", "Origin, Access-Control-Request-Headers");
  } else {
    add(exchange, "Allow", "GET, POST, OPTIONS");
  }
  exchange.sink->send({});
}

}  // namespace mimus
