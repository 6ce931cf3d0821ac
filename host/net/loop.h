// One event loop: a thread around Pistache's epoll, with timers and posts.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "mimus/clock.h"

namespace mimus {

/// What a descriptor can be ready for. `closed` is the peer's hang-up, be it only of its
/// sending direction; `hung_up` of both, or a reset; `error` is an event without flags, after
/// which SO_ERROR tells (Pistache does not map EPOLLERR).
struct Ready {
  bool read = false, write = false, closed = false, error = false, hung_up = false;
};
/// Hang-up (also a half-close) is told with the first four; the last two are for a peer that
/// has half-closed already, which level-triggered polling would report for ever: they tell
/// resets and errors only.
enum class Interest : std::uint8_t { none, read, write, both, errors, write_errors };

/// Whether a readiness is told for as long as it lasts, or once when it begins (and at each
/// rewatch): then the handler reads and writes until the system has no more.
enum class Trigger : std::uint8_t { level, edge };

/// Owned by whoever made it; a loop calls it only between watch and unwatch.
class FdHandler {
 public:
  virtual ~FdHandler() = default;
  virtual void on_ready(Ready ready) = 0;
};

/// Names one watch: {generation, slot}. A stale one is ignored.
using WatchId = std::uint64_t;

/// Work for a loop's thread, posted from any thread. Intrusive, so that posting cannot
/// fail or allocate. It must not be posted again before it has run.
struct Post {
  Post* next_post = nullptr;
  void (*run)(Post&) = nullptr;  ///< May free the post.
};

/// A one-shot timer, intrusive. Its owner must outlive the arming or disarm it.
struct Timer {
  void (*fire)(Timer&) = nullptr;
  std::int64_t due_ms = 0;
  std::uint32_t heap_index = UINT32_MAX;  ///< UINT32_MAX: not armed.
  bool armed() const { return heap_index != UINT32_MAX; }
};

/// Not thread-safe: everything but post and stop belongs to the thread that runs it. An
/// exception that leaves a handler, timer or post is caught by the loop and reported
/// through `on_exception`; for a handler its descriptor is unwatched first.
class Loop {
 public:
  /// `clock` must outlive the loop.
  Loop(unsigned index, const Clock& clock);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  unsigned index() const;

  /// Where exceptions are reported to: a text, on the loop's thread. Before run.
  void on_exception(std::function<void(const char* what)> report);

  /// Errors of epoll end as 0, which is no id.
  WatchId watch(int fd, Interest interest, FdHandler& handler, Trigger trigger = Trigger::level);
  void rewatch(WatchId id, Interest interest);
  void unwatch(WatchId id);  ///< Before the descriptor is closed. Stale ids are ignored.
  /// As unwatch, for a descriptor that its only holder closes at once: the kernel forgets
  /// it then, and a system call is saved.
  void forget(WatchId id);

  void arm(Timer& timer, std::chrono::milliseconds after);  ///< Re-arms an armed one.
  void disarm(Timer& timer);
  std::size_t armed() const;  ///< Timers, at the end of the last turn. [any thread]

  /// [any thread] Runs on the loop's thread in the order of posting. Posts that are
  /// still there when the loop ends are run by the destructor's thread.
  void post(Post& work);

  /// Calls work before the loop next waits, after the batch of events at hand.
  void defer(Post& work);

  /// The tick that began this turn: cheap, good to about a millisecond of idle time.
  std::chrono::microseconds now() const;
  std::int64_t wall_us() const;
  /// The wall clock at a moment near the tick, by the same clock.
  std::int64_t wall_us(std::chrono::microseconds then) const;

  void run();   ///< Until stop; may be run again. Sets the thread's loop: Loop::current().
  void stop();  ///< Ends this run, or the next. [any thread]

  /// The loop that runs on this thread, or nullptr.
  static Loop* current();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mimus
