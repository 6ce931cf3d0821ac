// The host's problems, and the one function that writes them.
#include "host/pipeline/problem.h"

#include <algorithm>
#include <iterator>

#include "mimus/json_text.h"

namespace mimus {
namespace {

constexpr ProblemKind kinds[] = {
    {400, "bad-request", "The request is malformed"},
    {400, "bad-target", "The request-target is malformed"},
    {400, "invalid-json", "The body is not acceptable JSON"},
    {400, "invalid-input", "The input is wrong"},
    {400, "invalid-query", "The query is wrong"},
    {400, "request-invalid", "The request does not fit the endpoint's schema"},
    {401, "unauthorized", "A valid token is needed"},
    {403, "forbidden", "The token's role does not allow this"},
    {403, "forbidden-origin", "The origin is not allowed"},
    {403, "upstream-forbidden", "The upstream may not be connected to"},
    {403, "handshake-refused", "The endpoint refuses its clients"},
    {404, "no-such-resource", "There is no such resource"},
    {404, "no-such-api", "No API has this address"},
    {404, "no-such-endpoint", "No endpoint has this path"},
    {404, "no-matching-response", "No response of the endpoint fits the request"},
    {404, "ambiguous-route", "The path fits too many endpoints to choose"},
    {405, "method-not-allowed", "The path has other methods only"},
    {408, "request-timeout", "The request took too long to arrive"},
    {409, "conflict", "Another resource is in the way"},
    {409, "nothing-recorded", "There is no recording to make a definition of"},
    {412, "precondition-failed", "The resource has changed"},
    {413, "body-too-large", "The request body is larger than allowed"},
    {414, "uri-too-long", "The request-target is longer than allowed"},
    {415, "unsupported-media-type", "The body must be JSON"},
    {426, "not-a-websocket", "This path takes WebSocket handshakes only"},
    {429, "too-many-connections", "Too many connections from this address"},
    {429, "too-many-attempts", "Too many handshakes from this address"},
    {431, "headers-too-large", "The request head is larger than allowed"},
    {500, "answer-unsendable", "HTTP cannot carry the answer"},
    {500, "internal-error", "Something went wrong"},
    {500, "stored-data-corrupt", "Stored data does not decode"},
    {501, "no-content", "No plugin answers for this endpoint"},
    {501, "not-available", "This version does not have it"},
    {501, "not-implemented", "The transfer coding is not supported"},
    {502, "upstream-unreachable", "The upstream cannot be reached"},
    {503, "definition-unreadable", "The endpoint's definition cannot be read"},
    {503, "plugin-failed", "A plugin failed"},
    {503, "unavailable", "Not possible at the moment"},
    {504, "upstream-timeout", "The upstream did not answer in time"},
    {505, "version-not-supported", "The HTTP version is not supported"},
};

}  // namespace

std::span<const ProblemKind> problem_kinds() { return kinds; }

const ProblemKind* find_problem(std::string_view code) {
  const auto* const found =
      std::find_if(std::begin(kinds), std::end(kinds), [&](const ProblemKind& k) { return k.code == code; });
  return found == std::end(kinds) ? nullptr : found;
}

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
                         std::string_view instance, std::span<const ProblemFault> faults,
                         std::string_view extra) {
  const ProblemKind* const kind = find_problem(code);
  std::string out = "{\"type\":\"urn:mimus:error:";
  out.append(code).append("\",\"title\":");
  json::quote(out, kind != nullptr ? kind->title : code);
  out += ",\"status\":" + std::to_string(status) + ",\"detail\":";
  json::quote(out, detail);
  out += ",\"instance\":";
  json::quote(out, instance);
  if (!faults.empty()) {
    out += ",\"errors\":[";
    for (const ProblemFault& fault : faults) {
      if (out.back() != '[') out += ',';
      out += "{\"pointer\":";
      json::quote(out, fault.pointer);
      out += ",\"detail\":";
      json::quote(out, fault.detail);
      if (!fault.code.empty()) {
        out += ",\"code\":";
        json::quote(out, fault.code);
      }
      out += '}';
    }
    out += "]";
  }
  out.append(extra);
  return out += "}";
}

}  // namespace mimus
