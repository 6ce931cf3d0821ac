// Adding up and reading off.
#include "plugins/analytics/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace mimus::analytics {

Histogram::Page& Histogram::page(unsigned index) {
  if (!pages_[index]) pages_[index] = std::make_unique<Page>();
  return *pages_[index];
}

void Histogram::add(std::uint64_t value) {
  const auto width = static_cast<unsigned>(std::bit_width(value));
  const unsigned index = width <= bits ? 0 : width - bits;
  const unsigned shift = index == 0 ? 0 : index - 1;
  ++page(index)[(value >> shift) & ((1u << bits) - 1)];
  ++count_;
}

std::uint64_t Histogram::percentile(double percent) const {
  if (count_ == 0) return 0;
  const auto wanted = static_cast<std::uint64_t>(std::ceil(static_cast<double>(count_) * percent / 100));
  const std::uint64_t rank = std::clamp<std::uint64_t>(wanted, 1, count_);
  std::uint64_t seen = 0;
  for (unsigned i = 0; i < page_count; ++i) {
    if (!pages_[i]) continue;
    for (std::uint64_t k = 0; k < pages_[i]->size(); ++k) {
      seen += (*pages_[i])[k];
      if (seen < rank) continue;
      if (i == 0) return k;
      const std::uint64_t low = (k | 1u << bits) << (i - 1);
      return low + (((std::uint64_t{1} << (i - 1)) - 1) >> 1);
    }
  }
  return 0;
}

}  // namespace mimus::analytics
