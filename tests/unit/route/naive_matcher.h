// A router that tries every endpoint: what the tree must agree with.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "host/route/route_tree.h"

namespace mimus::testing {

/// An endpoint and its pattern.
struct NaiveRoute {
  std::shared_ptr<const EndpointRecord> endpoint;
  PathPattern pattern;
};

struct NaiveResult {
  RouteOutcome outcome = RouteOutcome::miss;
  const EndpointRecord* endpoint = nullptr;
  std::set<std::string> allow;
  std::size_t matched = 0;  ///< Endpoints whose path matches, whatever their method.
};

inline bool matches(const PathPattern& pattern, std::span<const Segment> segments) {
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i].kind == PatternPart::Kind::tail) return true;
    if (i >= segments.size()) return false;
    if (pattern[i].kind == PatternPart::Kind::literal ? pattern[i].text != segments[i].text
                                                      : segments[i].text.empty())
      return false;
  }
  return pattern.size() == segments.size();
}

/// Literal before parameter before end-with-tail, from the left: smaller wins.
inline std::vector<int> shape_rank(const PathPattern& pattern) {
  std::vector<int> out;
  for (const PatternPart& part : pattern) out.push_back(static_cast<int>(part.kind) + 1);
  return out;
}

/// 0 for the method itself, then what else answers it; nothing if the endpoint does not.
inline std::optional<int> method_rank(std::string_view defined, std::string_view method) {
  if (defined == method) return 0;
  if (method == "HEAD" && defined == "GET") return 1;
  if (defined == "ANY") return 2;
  return std::nullopt;
}

inline NaiveResult naive_lookup(std::span<const NaiveRoute> routes, std::string_view method,
                                std::span<const Segment> segments) {
  NaiveResult out;
  const NaiveRoute* best = nullptr;
  const auto rank = [&](const NaiveRoute& route) {
    const RouteRecord& fields = route.endpoint->route;
    return std::tuple(shape_rank(route.pattern), *method_rank(fields.method, method), -fields.priority);
  };
  for (const NaiveRoute& route : routes) {
    if (!matches(route.pattern, segments)) continue;
    const std::string& defined = route.endpoint->route.method;
    ++out.matched;
    out.allow.insert(defined);
    if (defined == "GET") out.allow.insert("HEAD");
    if (!method_rank(defined, method)) continue;
    if (best == nullptr || rank(route) < rank(*best) ||
        (rank(route) == rank(*best) && route.endpoint->id > best->endpoint->id)) {
      best = &route;
    }
  }
  if (best != nullptr) {
    out.outcome = RouteOutcome::found;
    out.endpoint = best->endpoint.get();
  } else if (!out.allow.empty()) {
    out.outcome = method == "OPTIONS" ? RouteOutcome::options : RouteOutcome::wrong_method;
    out.allow.insert("OPTIONS");
  }
  return out;
}

/// As an Allow header lists them.
inline std::string allow_text(const std::set<std::string>& methods) {
  std::string out;
  for (const std::string& method : methods) out.append(out.empty() ? "" : ", ").append(method);
  return out;
}

}  // namespace mimus::testing
