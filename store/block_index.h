// Which blocks a journal has, newest last, with their headers: what a scan skips by.
#pragma once

#include <deque>
#include <mutex>
#include <span>
#include <string>

#include "store/block_code.h"

namespace mimus {

/// Thread-safe.
class BlockIndex {
 public:
  /// Blocks come in rising order. `head` starts with a whole header.
  void add(std::uint64_t block, std::string_view head);

  /// The newest block below `below` that all tests may pass on, 0 if there is none.
  /// Between looks the lock is let go of, so that the writer never waits long.
  std::uint64_t newest_below(std::uint64_t below, std::span<const Comparison> tests) const;

  /// Drops blocks from the old end while they are wholly older than `oldest_us` or more
  /// than `max_bytes` are held. Returns the block below which nothing is left, 0 if
  /// nothing was dropped.
  std::uint64_t retain(std::int64_t oldest_us, std::uint64_t max_bytes);
  void clear();

  struct Totals {
    std::uint64_t blocks = 0, records = 0, bytes = 0;
  };
  Totals totals() const;

 private:
  struct Entry {
    std::uint64_t block;
    std::uint64_t count, bytes;
    std::int64_t max_time_us;
    std::string head;
  };

  mutable std::mutex mutex_;
  std::deque<Entry> entries_;  // guarded by mutex_, as is totals_
  Totals totals_;
};

}  // namespace mimus
