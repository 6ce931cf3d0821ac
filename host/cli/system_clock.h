// The real time, looked up here and nowhere else.
#pragma once

#include <chrono>

#include "mimus/clock.h"

namespace mimus {

/// Thread-safe.
class SystemClock final : public Clock {
 public:
  std::chrono::microseconds now() const override {
    return std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now().time_since_epoch());
  }
  std::int64_t wall_us() const override {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
};

}  // namespace mimus
