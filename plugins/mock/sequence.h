// Where each endpoint's sequence stands: in memory while it is bound, in the KV between runs.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "mimus/plugin.hpp"

namespace mimus::mock {

/// The position of one endpoint's sequence. Thread-safe.
class Position {
 public:
  Position(std::string endpoint, std::uint64_t digest, std::uint64_t start)
      : endpoint_(std::move(endpoint)), digest_(digest), next_(start) {}

  static constexpr std::uint64_t unknown = ~std::uint64_t{0};  // not yet read from the KV

  bool known() const { return next_.load() != unknown; }
  /// Sets a position that is not known yet.
  void start_at(std::uint64_t position);
  /// The turn to take; turns are given out once each. REQUIRES: known()
  std::uint64_t take() { return next_.fetch_add(1); }

 private:
  friend class Sequences;
  const std::string endpoint_;
  const std::uint64_t digest_;
  std::atomic<std::uint64_t> next_;
  std::uint64_t saved_ = unknown;  // guarded by Sequences
  unsigned bindings_ = 0;          // likewise
};

/// All positions of the instance. An endpoint whose responses changed starts again.
class Sequences {
 public:
  explicit Sequences(mimus::Host& host) : host_(host) {}

  /// The position of an endpoint whose responses have this digest; give it back. [ctl]
  Position& acquire(std::string_view endpoint, std::uint64_t digest);
  void release(Position& position);  ///< [ctl]

  /// Makes the position known. False: it is being read and `resume` will be resumed. [w]
  bool load(Position& position, mimus_resume* resume);

  void save();    ///< [ctl] Stores all that moved.
  void rewind();  ///< [ctl] Every sequence starts again.

 private:
  void save(Position& position);  // REQUIRES: mutex_ is held

  mimus::Host& host_;
  std::mutex mutex_;  // guards what follows; never taken on a worker
  std::vector<std::unique_ptr<Position>> positions_;
  std::map<std::string, Position*, std::less<>> current_;  // by endpoint: the newest responses
};

}  // namespace mimus::mock
