// A breaker: a plugin that fails again and again is left out for a while.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>

namespace mimus {

/// Opens after so many failures within a window, if they are at least half of the requests
/// that entered since the first of them. Open, it lets nobody in; after a pause it lets one
/// request try, whose end closes it and whose failure opens it again. Thread-safe; while
/// nothing fails, a request costs one relaxed load.
class Breaker {
 public:
  enum class State : std::uint8_t { calm, watching, open, trial };
  struct Rule {
    std::uint32_t failures = 20;
    std::chrono::microseconds window{10'000'000};
    std::chrono::microseconds pause{30'000'000};
  };

  Breaker() = default;
  explicit Breaker(const Rule& rule) : rule_(rule) {}

  /// Who hears of it when it opens (true) and closes. On the worker whose request did it,
  /// with no lock held. Before the first request.
  void on_change(std::function<void(bool open)> hear) { hear_ = std::move(hear); }

  bool calm() const { return state_.load(std::memory_order_relaxed) == State::calm; }
  State state() const { return state_.load(std::memory_order_relaxed); }
  bool is_open() const { return state() >= State::open; }

  /// Whether a request may enter, at a time of Clock::now. Only to be asked if it is not calm.
  bool lets_in(std::chrono::microseconds now) {
    const std::lock_guard lock(mutex_);
    switch (state()) {
      case State::calm:
        return true;
      case State::watching:
        if (now - since_ > rule_.window) {
          set(State::calm);
        } else {
          ++entered_;
        }
        return true;
      case State::open:
      case State::trial:  // one that never ends is not waited for
        if (now - since_ < rule_.pause) return false;
        since_ = now;
        set(State::trial);
        return true;
    }
    return true;
  }

  /// A request failed because of the plugin.
  void failed(std::chrono::microseconds now) {
    {
      const std::lock_guard lock(mutex_);
      if (state() == State::open) return;
      if (state() == State::calm || (state() == State::watching && now - since_ > rule_.window)) {
        since_ = now;
        failures_ = entered_ = 0;
        set(State::watching);
      }
      if (state() == State::watching) {
        ++failures_;
        if (failures_ < rule_.failures || failures_ * 2 < entered_) return;
      }
      since_ = now;
      set(State::open);
    }
    if (hear_) hear_(true);
  }

  /// A request that entered has ended without a failure. Only to be told if it is not calm.
  void passed() {
    {
      const std::lock_guard lock(mutex_);
      if (state() != State::trial) return;
      set(State::calm);
    }
    if (hear_) hear_(false);
  }

 private:
  void set(State state) { state_.store(state, std::memory_order_relaxed); }

  const Rule rule_{};
  std::function<void(bool)> hear_;
  std::atomic<State> state_{State::calm};  // written under mutex_
  std::mutex mutex_;
  // Guarded by mutex_:
  std::chrono::microseconds since_{0};  // of the window, the opening or the trial
  std::uint32_t failures_ = 0, entered_ = 0;
};

}  // namespace mimus
