// What dedup knows of itself: counters per endpoint and what is kept at the moment.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "plugins/dedup/key.h"

namespace mimus::dedup {

struct Counts {
  std::uint64_t hits = 0, misses = 0, coalesced = 0, entries = 0, bytes = 0;
};

/// One endpoint's counters, a cache line for each worker. Thread-safe, without locks.
class Counters {
 public:
  enum Kind : std::uint8_t { hit, miss, coalesced };
  explicit Counters(unsigned workers) : lines_(workers == 0 ? 1 : workers) {}
  void add(unsigned worker, Kind kind) {
    lines_[worker % lines_.size()].count[kind].fetch_add(1, std::memory_order_relaxed);
  }
  Counts sum() const;
  void clear();

 private:
  struct alignas(64) Line {
    std::array<std::atomic<std::uint64_t>, 3> count{};
  };
  std::vector<Line> lines_;
};

/// Counters of all endpoints, and a list of the entries with the time they expire at, by
/// which entries and bytes are counted. Entries of an earlier run are known once they were
/// hit. Beyond max_entries the list forgets some, and the counts are a lower bound.
/// Thread-safe; a hit on an entry of this run takes no lock.
class Ledger {
 public:
  static constexpr std::size_t max_entries = 1u << 16;

  explicit Ledger(unsigned workers) : workers_(workers) {}

  /// The endpoint's counters, kept at least as long as the caller does. [ctl]
  std::shared_ptr<Counters> counters(std::string_view endpoint_id);

  void entered(std::string_view endpoint_id, const Digest& key, std::size_t bytes, std::int64_t expires_us,
               std::int64_t now_us);
  void removed(const Digest& key);
  /// Forgets the entries of an endpoint, or all for "".
  void emptied(std::string_view endpoint_id);
  /// Sets every counter to zero.
  void clear_counters();
  /// By endpoint id; those that never counted anything are left out.
  std::map<std::string, Counts> counts(std::int64_t now_us);

 private:
  struct Entry {
    std::string endpoint_id;
    std::size_t bytes;
    std::int64_t expires_us;
  };
  struct DigestHash {
    std::size_t operator()(const Digest& d) const {
      std::size_t h = 0;
      for (std::size_t i = 0; i < sizeof h; ++i) h = h << 8 | d[i];
      return h;
    }
  };
  struct Shelf {
    std::mutex mutex;
    std::unordered_map<Digest, Entry, DigestHash> entries;  // under mutex
    std::int64_t first_expiry_us = 0;                       // under mutex; no entry expires before it
  };
  static constexpr std::size_t shelf_count = 16;

  static void drop_expired(Shelf& shelf, std::int64_t now_us);
  void forget_unused();

  const unsigned workers_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Counters>, std::less<>> endpoints_;  // under mutex_
  std::array<Shelf, shelf_count> shelves_;
};

}  // namespace mimus::dedup
