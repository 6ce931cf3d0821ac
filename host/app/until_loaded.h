// Requests that came before the stored definitions were there, and wait for them.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <mutex>
#include <vector>

#include "host/net/exchange.h"
#include "host/net/loop.h"
#include "host/plugin/resume.h"

namespace mimus {

/// Closed at first, opened once. Thread-safe.
class LoadGate {
 public:
  LoadGate() = default;
  LoadGate(const LoadGate&) = delete;
  LoadGate& operator=(const LoadGate&) = delete;
  ~LoadGate();

  bool is_open() const { return open_.load(std::memory_order_acquire); }
  /// Everybody who waits is resumed, and nobody waits any more.
  void open();
  /// Resumes `handle` when it opens, perhaps at once; one reference is the gate's. False:
  /// 65,536 wait already, and nothing was taken.
  bool add(mimus_resume* handle);

 private:
  std::atomic<bool> open_{false};
  std::mutex mutex_;
  std::vector<mimus_resume*> waiting_;  // guarded by mutex_
};

/// Suspends the exchange until the gate opens, then calls `go_on`, which answers it. After a
/// minute, or where too many wait, it is answered with 503. [its worker]
void wait_until_loaded(LoadGate& gate, Exchange& exchange, std::function<void(Exchange&)> go_on);

}  // namespace mimus
