// Counters for /metrics.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace mimus {

/// Counters that plugins and the host define at start, each spread over a few cache lines
/// so that workers do not meet. Thread-safe.
class Metrics {
 public:
  /// What `counter` gives when all 64 places are taken; adding to it does nothing.
  static constexpr std::uint32_t overflow = UINT32_MAX;

  /// Defines a counter called mimus_<name>; defining it again gives the same number.
  std::uint32_t counter(std::string_view name, std::string_view help);
  void add(std::uint32_t id, std::uint64_t by);

  /// Called at each render for values that live elsewhere: kind is "counter" or "gauge".
  struct Sample {
    std::string name, help, kind;
    double value;
    std::string labels = {};  ///< `key="value"`; samples of one name follow each other.
  };
  void source(std::function<void(std::vector<Sample>&)> read);

  /// Prometheus text format 0.0.4.
  std::string render() const;

 private:
  static constexpr unsigned shards = 8;
  struct alignas(64) Cell {
    std::atomic<std::uint64_t> value{0};
  };
  struct Counter {
    std::string name, help;
    Cell cells[shards];
  };
  mutable std::mutex mutex_;  // names, count and sources; add only touches cells
  std::array<Counter, 64> counters_;
  std::size_t count_ = 0;
  std::vector<std::function<void(std::vector<Sample>&)>> sources_;
};

}  // namespace mimus
