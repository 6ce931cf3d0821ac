// Counts of values from which percentiles can be told: log-linear buckets.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

namespace mimus::analytics {

/// 64 buckets for each power of two, so that a percentile is at most 1 % off; values below
/// 128 are exact. Memory only for the powers of two that occur (512 bytes each).
class Histogram {
 public:
  void add(std::uint64_t value);

  std::uint64_t count() const { return count_; }
  /// The smallest value that `percent` of all values do not exceed; 0 if there are none.
  /// REQUIRES: 0 < percent <= 100
  std::uint64_t percentile(double percent) const;

 private:
  static constexpr unsigned bits = 6;
  using Page = std::array<std::uint64_t, 1u << bits>;
  static constexpr unsigned page_count = 64 - bits + 1;

  Page& page(unsigned index);

  std::array<std::unique_ptr<Page>, page_count> pages_;  // 0: values below 64; n: from 2^(n+5) on
  std::uint64_t count_ = 0;
};

}  // namespace mimus::analytics
