// Percentiles within one per cent.
#include "plugins/analytics/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace mimus::analytics {
namespace {

TEST(Histogram, IsZeroWhileEmpty) {
  EXPECT_EQ(Histogram().percentile(50), 0u);
  EXPECT_EQ(Histogram().count(), 0u);
}

TEST(Histogram, IsExactForSmallValues) {
  for (const std::uint64_t value : {0u, 1u, 63u, 64u, 65u, 127u}) {
    Histogram h;
    h.add(value);
    EXPECT_EQ(h.percentile(50), value);
    EXPECT_EQ(h.percentile(100), value);
  }
}

TEST(Histogram, TakesEveryValue) {
  for (int bit = 0; bit < 64; ++bit) {
    for (const std::uint64_t value :
         {std::uint64_t{1} << bit, (std::uint64_t{1} << bit) - 1, ~std::uint64_t{0} >> bit}) {
      Histogram h;
      h.add(value);
      EXPECT_NEAR(static_cast<double>(h.percentile(50)), static_cast<double>(value),
                  static_cast<double>(value) * 0.01);
    }
  }
}

TEST(Histogram, FindsTheNearestRank) {
  Histogram h;
  for (std::uint64_t v = 1; v <= 100; ++v) h.add(v);
  EXPECT_EQ(h.percentile(50), 50u);
  EXPECT_EQ(h.percentile(90), 90u);
  EXPECT_EQ(h.percentile(99), 99u);
  EXPECT_EQ(h.percentile(100), 100u);
  EXPECT_EQ(h.percentile(0.1), 1u);
}

TEST(Histogram, IsAtMostOnePerCentOff) {
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> durations(7, 2);
  std::vector<std::uint64_t> values;
  Histogram h;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(static_cast<std::uint64_t>(durations(random)));
    h.add(values.back());
  }
  std::sort(values.begin(), values.end());
  for (const double percent : {1.0, 10.0, 50.0, 90.0, 99.0, 99.9}) {
    const auto rank = static_cast<std::size_t>(std::ceil(static_cast<double>(values.size()) * percent / 100));
    const auto exact = static_cast<double>(values[rank - 1]);
    EXPECT_NEAR(static_cast<double>(h.percentile(percent)), exact, exact * 0.01) << percent;
  }
}

}  // namespace
}  // namespace mimus::analytics
