// The table of problem codes, and the one function that writes a problem.
#include "host/admin/problem.h"

#include <algorithm>
#include <cassert>

#include "mimus/json_text.h"

namespace mimus::admin {
namespace {

constexpr ProblemKind kinds[] = {
    {400, "invalid-json", "The body is not acceptable JSON"},
    {400, "invalid-input", "The input is wrong"},
    {401, "unauthorized", "A valid token is needed"},
    {403, "forbidden", "The token's role does not allow this"},
    {404, "no-such-resource", "There is no such resource"},
    {405, "method-not-allowed", "The resource does not have this method"},
    {409, "conflict", "Another resource is in the way"},
    {412, "precondition-failed", "The resource has changed"},
    {415, "unsupported-media-type", "The body must be JSON"},
    {500, "stored-data-corrupt", "Stored data does not decode"},
    {500, "internal-error", "Something went wrong"},
    {501, "not-available", "This version does not have it"},
    {503, "unavailable", "Not possible at the moment"},
};

const ProblemKind* kind_of(std::string_view code) {
  const auto* const found =
      std::find_if(std::begin(kinds), std::end(kinds), [&](const auto& k) { return k.code == code; });
  return found == std::end(kinds) ? nullptr : found;
}

}  // namespace

std::span<const ProblemKind> problem_kinds() { return kinds; }

Problem problem(std::string_view code, std::string detail) {
  const ProblemKind* const kind = kind_of(code);
  assert(kind != nullptr);
  return {kind->status, std::string(code), std::move(detail)};
}

Problem bad_input(std::vector<Fault> faults) {
  const bool missing = !faults.empty() && std::all_of(faults.begin(), faults.end(), [](const Fault& f) {
    return f.code == "not-available";
  });
  Problem out{400, missing ? "not-available" : "invalid-input", ""};
  if (faults.size() == 1) {
    out.detail = faults[0].pointer.empty() ? faults[0].detail : faults[0].pointer + " " + faults[0].detail;
  } else {
    out.detail = std::to_string(faults.size()) + " things are wrong";
  }
  out.errors = std::move(faults);
  return out;
}

Problem from_error(const Error& error) {
  switch (error.code) {
    case Code::invalid:
      return bad_input({{error.pointer, error.message}});
    case Code::not_found:
      return problem("no-such-resource", error.message);
    case Code::conflict: {
      Problem out = problem("conflict", error.message);
      if (!error.pointer.empty()) out.errors.push_back({error.pointer, error.message});
      return out;
    }
    case Code::unavailable:
      return problem("unavailable", error.message);
    case Code::corrupt:
      return problem("stored-data-corrupt", error.message);
  }
  return problem("internal-error", error.message);
}

std::string render(const Problem& problem, std::string_view instance) {
  const ProblemKind* const kind = kind_of(problem.code);
  const std::string_view title = kind != nullptr ? kind->title : std::string_view(problem.code);
  std::string out = "{\"type\":\"urn:mimus:error:" + problem.code + "\",\"title\":";
  json::quote(out, title);
  out += ",\"status\":" + std::to_string(problem.status) + ",\"detail\":";
  json::quote(out, problem.detail);
  out += ",\"instance\":";
  json::quote(out, instance);
  if (!problem.errors.empty()) {
    out += ",\"errors\":[";
    for (const Fault& fault : problem.errors) {
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
    out += ']';
  }
  return out + '}';
}

}  // namespace mimus::admin
