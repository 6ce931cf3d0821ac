// Adding up journal records by one of their fields. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "plugins/analytics/histogram.h"

namespace mimus::analytics {

/// The flags of other plugins that are counted where a journal has them.
inline constexpr std::array<std::string_view, 3> flag_names = {"proxied", "deduplicated", "notModified"};
using Flags = std::array<bool, flag_names.size()>;

/// What a record adds.
struct Row {
  std::optional<std::string_view> key;  ///< Nothing: the record does not have the field.
  std::string_view name;                ///< What the key is called, "" for nothing.
  std::int64_t duration_us = 0, request_bytes = 0, response_bytes = 0;
  Flags flags{};
};

/// Not thread-safe. Keeps at most `max_groups` keys; what comes after is added up as "other".
class Summary {
 public:
  static constexpr std::size_t default_max_groups = 10'000;

  /// `counted`: which flags there are.
  explicit Summary(Flags counted, std::size_t max_groups = default_max_groups)
      : counted_(counted), max_groups_(max_groups) {}

  void add(const Row& row);

  /// `"total":{…},"items":[…]`, the items by count, then by key, "other" last. The key of
  /// records without one is null.
  std::string json() const;

 private:
  struct Group {
    std::string name;
    std::int64_t request_bytes = 0, response_bytes = 0;
    std::array<std::uint64_t, flag_names.size()> flags{};
    Histogram durations;  // also counts

    void add(const Row& row);
  };
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  Group& group_of(const Row& row);
  void write(std::string& out, const Group& group) const;

  const Flags counted_;
  const std::size_t max_groups_;
  Group total_;
  std::unique_ptr<Group> keyless_, other_;
  std::unordered_map<std::string, Group, TextHash, std::equal_to<>> groups_;
};

}  // namespace mimus::analytics
