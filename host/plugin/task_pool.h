// mimus.task/1: a few threads for what plugins may not do on a worker.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "mimus/plugin.h"

namespace mimus {

/// Thread-safe. It must outlive the instances whose tasks it holds.
class TaskPool {
 public:
  explicit TaskPool(unsigned threads = 2, std::size_t most_waiting = 1024);
  ~TaskPool();  ///< REQUIRES: end was called for every instance that spawned.
  TaskPool(const TaskPool&) = delete;
  TaskPool& operator=(const TaskPool&) = delete;

  using Run = void (*)(mimus_inst*, void*, mimus_rc);
  /// As mimus_task_v1. The instance's `tasks` counts it until it has run.
  mimus_rc spawn(mimus_host& host, Run run, void* ud);
  /// Tells the instance's tasks that have not begun GONE, on this thread. New ones are
  /// refused from now on; those that run keep the instance.
  void cancel(mimus_host& host);
  /// The same, and waits for those that run. New ones are refused from now on. Not from a task. [may block]
  void end(mimus_host& host);

 private:
  struct Task {
    mimus_host* host;
    Run run;
    void* ud;
    std::shared_ptr<const void> keep;  ///< The instance.
  };
  std::vector<Task> take_waiting(const mimus_host& host);  ///< REQUIRES: mutex_ is held.
  void work();
  static void carry_out(const Task& task, mimus_rc rc);

  const std::size_t most_waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;  // a task has come, or the pool ends
  std::condition_variable ended_;    // a task has run
  std::deque<Task> waiting_;         // guarded by mutex_
  bool stopping_ = false;            // guarded by mutex_
  std::vector<std::thread> threads_;
};

extern const mimus_task_v1 task_table;

}  // namespace mimus
