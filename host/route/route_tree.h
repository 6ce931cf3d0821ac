// Which endpoint of an API answers a request.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/net/arena.h"
#include "host/route/hash.h"
#include "host/route/path_pattern.h"
#include "host/route/records.h"
#include "host/route/target.h"

namespace mimus {

struct RouteNode;

/// A parameter of the path that matched.
struct PathParam {
  std::string_view name;
  std::string_view value;  ///< Decoded; a tail's segments joined by "/".
  std::string_view raw;    ///< The same in its original encoding.
};

enum class RouteOutcome : std::uint8_t {
  found,
  options,        ///< OPTIONS, which nothing defines here: answer 204 with `allow`.
  wrong_method,   ///< The path matches under other methods alone: 405 with `allow`.
  miss,           ///< No path matches: 404.
  too_ambiguous,  ///< Gave up after RouteTree::max_steps nodes.
};

/// Views into the tree, the segments and the arena, whichever lives least.
struct RouteResult {
  RouteOutcome outcome = RouteOutcome::miss;
  const EndpointRecord* endpoint = nullptr;  ///< When found.
  std::span<const PathParam> params;         ///< In the order of the path.
  std::string_view allow;                    ///< "GET, HEAD, OPTIONS"; for options and wrong_method.
};

struct NearMiss {
  const EndpointRecord* endpoint = nullptr;
  std::string reason;  ///< For people; quotes the request's decoded bytes, shortened.
};

/// The enabled endpoints of one API, by the segments of their paths. A value: copies are
/// O(1) and share nodes. Const members may run on any threads at once.
///
/// At each node a literal is tried before the parameter before the tail, with
/// backtracking; the first node that holds an endpoint for the method answers. There the
/// method itself beats ANY, HEAD is answered by HEAD, else GET, else ANY; then the higher
/// priority wins, then the greater id.
///
/// A node is visited at most once in a lookup, so only trees with very many ambiguous
/// paths can come near max_steps.
class RouteTree {
 public:
  static constexpr unsigned max_steps = 4096;

  explicit RouteTree(HashSeed seed = {}) : seed_(seed) {}

  bool empty() const { return root_ == nullptr; }

  /// Adds an endpoint, whose path is `pattern`; replaces one with the same path, method,
  /// priority and id. Changes as PersistentMap does: O(depth × log siblings), nodes that
  /// are shared are copied. REQUIRES: the tree that *this was copied from outlives the call.
  void put(const PathPattern& pattern, std::shared_ptr<const EndpointRecord> endpoint);

  /// Takes out the endpoint that was put with these. False: it was not there.
  bool remove(const PathPattern& pattern, const EndpointRecord& endpoint);

  /// Allocates in `arena` only.
  RouteResult lookup(std::string_view method, std::span<const Segment> segments, Arena& arena) const;

  /// Up to three endpoints that come nearest to a request that missed, the nearest first.
  /// Looks at some hundreds of nodes at most.
  std::vector<NearMiss> near_misses(std::string_view method, std::span<const Segment> segments) const;

 private:
  HashSeed seed_;
  std::shared_ptr<RouteNode> root_;
};

}  // namespace mimus
