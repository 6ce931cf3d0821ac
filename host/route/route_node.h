// The nodes of a route tree; for the files of this room that walk them.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "host/route/ordered_set.h"
#include "host/route/persistent_map.h"
#include "host/route/records.h"

namespace mimus {

/// The order of the endpoints that end at one node: by method, and for one method the one
/// that answers first.
struct AnswerKey {
  std::string_view method;
  std::int64_t priority = 0;
  Ulid id;

  friend bool operator<(const AnswerKey& a, const AnswerKey& b) {
    if (const int order = a.method.compare(b.method); order != 0) return order < 0;
    if (a.priority != b.priority) return a.priority > b.priority;
    return a.id > b.id;  // the newest has the greatest id
  }

  /// Not greater than any key of `method`.
  static AnswerKey first_of(std::string_view method) {
    Ulid highest;
    highest.bytes.fill(0xff);
    return {method, std::numeric_limits<std::int64_t>::max(), highest};
  }
  /// Not less than any key of `method`.
  static AnswerKey last_of(std::string_view method) {
    return {method, std::numeric_limits<std::int64_t>::min(), Ulid{}};
  }
};

struct ByAnswer {
  static AnswerKey key(const EndpointRecord& endpoint) {
    return {endpoint.route.method, endpoint.route.priority, endpoint.id};
  }
};

/// Endpoints whose paths are the same but for the names of their parameters.
using Ends = OrderedSet<EndpointRecord, ByAnswer>;

struct RouteNode {
  explicit RouteNode(HashSeed seed) : literals(seed) {}

  bool empty() const { return literals.empty() && !parameter && here.empty() && tail.empty(); }

  PersistentMap<std::string, RouteNode> literals;  ///< By decoded segment.
  std::shared_ptr<RouteNode> parameter;
  Ends here;  ///< They end at this node.
  Ends tail;  ///< They take whatever comes below.
};

}  // namespace mimus
