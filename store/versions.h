// A value that changes now and then while others read it; every version is kept.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace mimus {

/// For values that change a bounded number of times: a reader needs neither a lock nor a
/// count of references, for what it saw stays as it is and lives as long as this.
template <class T>
class Versions {
 public:
  Versions(T first, std::size_t at_most) : at_most_(at_most) {
    now_.store(kept_.emplace_back(std::make_unique<const T>(std::move(first))).get());
  }

  /// The newest. [any thread]
  const T& now() const { return *now_.load(std::memory_order_acquire); }

  /// Makes `next` the newest. One that equals a kept one is that one again, so that going
  /// back and forth takes no memory. False: `at_most` are kept, and nothing changed.
  /// [one thread at a time]
  bool publish(T next) {
    auto same = std::find_if(kept_.begin(), kept_.end(), [&](const auto& kept) { return *kept == next; });
    if (same == kept_.end()) {
      if (kept_.size() == at_most_) return false;
      same = kept_.insert(kept_.end(), std::make_unique<const T>(std::move(next)));
    }
    now_.store(same->get(), std::memory_order_release);
    return true;
  }

 private:
  const std::size_t at_most_;
  std::vector<std::unique_ptr<const T>> kept_;
  std::atomic<const T*> now_;
};

}  // namespace mimus
