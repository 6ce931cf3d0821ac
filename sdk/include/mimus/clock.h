// Time, lent: whoever needs it is given a Clock and never looks one up.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace mimus {

/// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  /// Time since an arbitrary fixed moment; never goes back. For measuring how long.
  virtual std::chrono::microseconds now() const = 0;

  /// Microseconds since 1970-01-01T00:00Z. For showing to people; may jump.
  virtual std::int64_t wall_us() const = 0;
};

/// A clock that moves only when told to. Starts at 2026-01-01T00:00Z.
class FakeClock final : public Clock {
 public:
  std::chrono::microseconds now() const override { return std::chrono::microseconds(now_); }
  std::int64_t wall_us() const override { return 1'767'225'600'000'000 + now_; }
  void advance(std::chrono::microseconds by) { now_ += by.count(); }

 private:
  std::atomic<std::int64_t> now_{0};
};

}  // namespace mimus
