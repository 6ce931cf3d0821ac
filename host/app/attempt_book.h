// How often addresses have asked to be let in, for endpoints that limit it.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "store/ulid.h"

namespace mimus {

/// Counts by endpoint and address, over minutes that begin with the first attempt. Thread-safe.
class AttemptBook {
 public:
  /// Remembers at most `max_entries`; beyond that the oldest minute is forgotten.
  explicit AttemptBook(std::size_t max_entries = 65'536) : max_entries_(max_entries) {}

  /// Counts one at `now` if there are fewer than `limit` in its minute: then 0, else the time, more
  /// than 0, until the next minute. `now` must not go back.
  std::chrono::milliseconds enter(const Ulid& endpoint, const std::string& address, std::uint64_t limit,
                                  std::chrono::milliseconds now);
  std::size_t size() const;

 private:
  using Key = std::pair<Ulid, std::string>;
  struct Minute {
    Key key;
    std::chrono::milliseconds begin;
    std::uint64_t attempts;
  };

  const std::size_t max_entries_;
  mutable std::mutex mutex_;
  std::list<Minute> minutes_;                         // guarded by mutex_; oldest first
  std::map<Key, std::list<Minute>::iterator> known_;  // guarded by mutex_; not hashed: clients choose
};

}  // namespace mimus
