#include "host/pipeline/problem.h"

#include "mimus/json_text.h"

namespace mimus {
namespace {

constexpr RequestProblem kinds[] = {
    {"no-such-resource", "There is no such resource"},
    {"no-such-api", "No API has this address"},
    {"no-such-endpoint", "No endpoint has this path"},
    {"no-matching-response", "No response of the endpoint fits the request"},
    {"method-not-allowed", "The path has other methods only"},
    {"bad-request", "The request is malformed"},
    {"bad-target", "The request-target is malformed"},
    {"ambiguous-route", "The path fits too many endpoints to choose"},
    {"body-too-large", "The request body is larger than allowed"},
    {"uri-too-long", "The request-target is longer than allowed"},
    {"headers-too-large", "The request head is larger than allowed"},
    {"request-timeout", "The request took too long to arrive"},
    {"not-implemented", "The transfer coding is not supported"},
    {"version-not-supported", "The HTTP version is not supported"},
    {"request-invalid", "The request does not fit the endpoint's schema"},
    {"upstream-timeout", "The upstream did not answer in time"},
    {"upstream-unreachable", "The upstream cannot be reached"},
    {"upstream-forbidden", "The upstream may not be connected to"},
    {"plugin-failed", "A plugin failed"},
    {"answer-unsendable", "HTTP cannot carry the answer"},
    {"no-content", "No plugin answers for this endpoint"},
    {"definition-unreadable", "The endpoint's definition cannot be read"},
    {"unauthorized", "A valid token is needed"},
    {"forbidden-origin", "The origin is not allowed"},
    {"too-many-connections", "Too many connections from this address"},
    {"not-a-websocket", "This path takes WebSocket handshakes only"},
    {"not-available", "This version does not have it"},
    {"unavailable", "Not possible at the moment"},
};

}  // namespace

std::span<const RequestProblem> request_problems() { return kinds; }

std::string_view refusal_code(int status) {
  switch (status) {
    case 408:
      return "request-timeout";
    case 413:
      return "body-too-large";
    case 414:
      return "uri-too-long";
    case 431:
      return "headers-too-large";
    case 500:
      return "answer-unsendable";
    case 501:
      return "not-implemented";
    case 503:
      return "unavailable";
    case 505:
      return "version-not-supported";
    default:
      return "bad-request";
  }
}

std::string problem_json(int status, std::string_view code, std::string_view detail,
                         std::string_view instance, std::span<const mimus_fault> faults,
                         std::string_view extra) {
  std::string_view title = code;
  for (const RequestProblem& kind : kinds) {
    if (kind.code == code) title = kind.title;
  }
  std::string out = "{\"type\":\"urn:mimus:error:";
  out.append(code).append("\",\"title\":");
  json::quote(out, title);
  out += ",\"status\":" + std::to_string(status) + ",\"detail\":";
  json::quote(out, detail);
  out += ",\"instance\":";
  json::quote(out, instance);
  if (!faults.empty()) {
    out += ",\"errors\":[";
    for (std::size_t i = 0; i < faults.size(); ++i) {
      out += i == 0 ? "{\"pointer\":" : ",{\"pointer\":";
      json::quote(out, {faults[i].pointer.p, faults[i].pointer.n});
      out += ",\"detail\":";
      json::quote(out, {faults[i].detail.p, faults[i].detail.n});
      out += "}";
    }
    out += "]";
  }
  out.append(extra);
  return out += "}";
}

}  // namespace mimus
