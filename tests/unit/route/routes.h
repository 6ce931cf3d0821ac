// Short ways to make endpoints, trees and segments for tests of routing.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/route/route_tree.h"

namespace mimus::testing {

inline Ulid id_of(std::uint64_t number) {
  Ulid id;
  for (unsigned i = 0; i < 8; ++i) id.bytes[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  return id;
}

inline std::shared_ptr<const EndpointRecord> endpoint(std::uint64_t id, std::string method, std::string path,
                                                      std::int64_t priority = 0) {
  return std::make_shared<const EndpointRecord>(
      EndpointFields{id_of(id), id_of(1), {std::move(method), std::move(path), priority, true}, 1});
}

inline PathPattern pattern_of(std::string_view path) {
  auto pattern = parse_path_pattern(path);
  EXPECT_TRUE(pattern) << path << ": " << (pattern ? "" : pattern.error().message);
  return pattern ? *pattern : PathPattern{};
}

inline void put(RouteTree& tree, const std::shared_ptr<const EndpointRecord>& record) {
  tree.put(pattern_of(record->route.path), record);
}

/// The segments of a path as they are below an API's prefix.
inline std::span<const Segment> segments_of(std::string_view path, Arena& arena) {
  const auto target = resolve_target(path, 0, arena);
  EXPECT_TRUE(target) << path;
  return target ? target->below(0) : std::span<const Segment>{};
}

}  // namespace mimus::testing
