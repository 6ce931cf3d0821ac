// A weak handle on a suspended exchange: what plugins hold across threads.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "host/net/loop.h"
#include "mimus/plugin.h"

/// Made and waited on by one exchange's worker, resumed from anywhere. It never touches
/// the exchange off its worker: it posts itself. First of {resume, deadline, end} wins.
struct mimus_resume : private mimus::Post, private mimus::Timer {
 public:
  enum class Woken : std::uint8_t { resumed, deadline };

  /// Who waits. Called on the worker, at most once, unless it detached before.
  struct Waiter {
    virtual ~Waiter() = default;
    virtual void on_woken(mimus_resume& handle, Woken how) = 0;
  };

  /// A handle with two references: the waiter's and the plugin's. [w]
  static mimus_resume* make(mimus::Loop& loop, Waiter& waiter, std::chrono::milliseconds deadline);

  void retain() { references_.fetch_add(1, std::memory_order_relaxed); }  ///< [any]
  void release();                                                         ///< [any]
  /// False: it ended, or was resumed before. [any]
  bool resume();
  /// The waiter goes: nothing will be called, resume is refused. Gives the waiter's
  /// reference back. [w]
  void detach();
  /// True until it was resumed, reached its deadline or was detached. [w]
  bool live() const { return state_.load(std::memory_order_acquire) == held; }

 private:
  enum : std::uint8_t { held, fired, ended };
  mimus_resume(mimus::Loop& loop, Waiter& waiter);
  void wake(Woken how);

  mimus::Loop& loop_;
  Waiter* waiter_;  // worker only; null once detached
  std::atomic<std::uint32_t> references_{2};
  std::atomic<std::uint8_t> state_{held};
};
