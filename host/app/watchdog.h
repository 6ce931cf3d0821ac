// The watchdog: ends a server of which a plugin keeps a thread, so that the supervisor starts it again.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "host/net/server.h"
#include "host/plugin/crash_page.h"

namespace mimus {

/// Tells a thread that hangs in a plugin's hook, looking at all crumbs once a tick. Ticks
/// are the looker's own: a process that was stopped meanwhile has not hung. Pure.
class HangJudge {
 public:
  /// So many ticks in one visit are a hang: of a worker, which serves others too; of any
  /// other thread, which may work for long. Tasks off the workers may block, and never hang.
  struct Limits {
    unsigned worker = 5, other = 30;
  };
  HangJudge() = default;
  explicit HangJudge(const Limits& limits) : limits_(limits) {}

  /// The crumb of a thread that hangs, as Crumb::where.
  std::optional<std::uint32_t> look(const CrashPage& page);
  /// From now on a task hangs as soon as a worker would.
  void count_tasks() { tasks_may_block_ = false; }

 private:
  struct Seen {
    std::uint32_t where = 0, visits = 0;
    unsigned ticks = 0;
  };
  const Limits limits_{};
  bool tasks_may_block_ = true;
  std::array<Seen, CrashPage::max_threads> seen_{};
};

/// A thread that looks for hangs from its making on. `hang` is how long a plugin may keep a
/// worker; other threads have six times that. A worker that does not come round for as long
/// with no plugin to blame is logged. Must be destroyed after the server that it watches.
class Watchdog {
 public:
  explicit Watchdog(std::chrono::milliseconds hang);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// Its workers, too. Until unwatch, which must come before the server is destroyed.
  void watch(Server& server);
  void unwatch();

  /// The host has written everything and ends: a task that goes on for `hang` from now is not
  /// waited for. The process exits with this code then, and the log says whose task it was.
  void leave(int code);

 private:
  struct Pulse;
  void run();
  void feel_pulses();
  [[noreturn]] void go_without(std::uint32_t where) const;

  const std::chrono::milliseconds tick_;
  std::mutex mutex_;
  std::condition_variable changed_;
  HangJudge judge_;                             // guarded by mutex_
  Server* server_ = nullptr;                    // guarded by mutex_
  bool stopping_ = false;                       // guarded by mutex_
  std::optional<int> leaving_;                  // with which code; guarded by mutex_
  std::vector<std::unique_ptr<Pulse>> pulses_;  // by worker; guarded by mutex_
  std::thread thread_;
};

}  // namespace mimus
