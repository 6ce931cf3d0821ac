// What the workers count of their answers, so that a new version can be compared with the old.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace mimus {

/// Sums over all workers. A latency bucket i counts answers that took below 2^i microseconds
/// and not below 2^(i-1).
struct TrafficSum {
  static constexpr std::size_t buckets = 28;  // the last one from about two minutes on
  std::uint64_t requests = 0;
  std::uint64_t errors = 0;  ///< Answered with 500 or above.
  std::array<std::uint64_t, buckets> micros{};

  TrafficSum& operator+=(const TrafficSum& other) {
    requests += other.requests;
    errors += other.errors;
    for (std::size_t i = 0; i < buckets; ++i) micros[i] += other.micros[i];
    return *this;
  }
  TrafficSum& operator-=(const TrafficSum& other) {
    requests -= other.requests;
    errors -= other.errors;
    for (std::size_t i = 0; i < buckets; ++i) micros[i] -= other.micros[i];
    return *this;
  }
};

/// One worker's counters of one arm. count: that worker alone; read: any thread.
class Traffic {
 public:
  void count(int status, std::int64_t micros) {
    add(requests_);
    if (status >= 500) add(errors_);
    const auto bucket =
        static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(micros < 0 ? 0 : micros)));
    add(micros_[bucket < TrafficSum::buckets ? bucket : TrafficSum::buckets - 1]);
  }
  TrafficSum read() const {
    TrafficSum out;
    out.requests = requests_.load(std::memory_order_relaxed);
    out.errors = errors_.load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < out.micros.size(); ++i)
      out.micros[i] = micros_[i].load(std::memory_order_relaxed);
    return out;
  }

 private:
  // One writer: no read-modify-write instruction.
  static void add(std::atomic<std::uint64_t>& to) {
    to.store(to.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  std::atomic<std::uint64_t> requests_{0}, errors_{0};
  std::array<std::atomic<std::uint64_t>, TrafficSum::buckets> micros_{};
};

/// The arms of a worker: what the stable plugins answered, and what a canary did.
struct alignas(64) TrafficArms {
  Traffic stable, candidate;
};

}  // namespace mimus
