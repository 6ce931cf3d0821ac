#include "host/plugin/task_pool.h"

#include <algorithm>
#include <iterator>

#include "host/plugin/loaded.h"

namespace mimus {

TaskPool::TaskPool(unsigned threads, std::size_t most_waiting) : most_waiting_(most_waiting) {
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

TaskPool::~TaskPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

/// The count falls last: while it is not 0 the plugin's code may be running.
void TaskPool::carry_out(const Task& task, mimus_rc rc) {
  {
    const CrumbScope crumb(task.host->slot, Hook::task);
    task.run(task.host->instance, task.ud, rc);
  }
  task.host->tasks.fetch_sub(1, std::memory_order_release);
}

mimus_rc TaskPool::spawn(mimus_host& host, Run run, void* ud) {
  {
    const std::lock_guard lock(mutex_);
    if (host.ending.load(std::memory_order_relaxed)) return MIMUS_E_UNAVAILABLE;
    if (waiting_.size() >= most_waiting_) return MIMUS_E_NOSPC;
    host.tasks.fetch_add(1, std::memory_order_relaxed);
    waiting_.push_back({&host, run, ud, host.self.lock()});
  }
  changed_.notify_one();
  return MIMUS_OK;
}

void TaskPool::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    Task task = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    carry_out(task, MIMUS_OK);
    task.keep.reset();
    lock.lock();
    ended_.notify_all();
  }
}

std::vector<TaskPool::Task> TaskPool::take_waiting(const mimus_host& host) {
  const auto first = std::stable_partition(waiting_.begin(), waiting_.end(),
                                           [&](const Task& task) { return task.host != &host; });
  std::vector<Task> out(std::make_move_iterator(first), std::make_move_iterator(waiting_.end()));
  waiting_.erase(first, waiting_.end());
  return out;
}

void TaskPool::cancel(mimus_host& host) {
  std::vector<Task> gone;
  {
    const std::lock_guard lock(mutex_);
    host.ending.store(true, std::memory_order_relaxed);
    gone = take_waiting(host);
  }
  for (const Task& task : gone) carry_out(task, MIMUS_E_GONE);
}

void TaskPool::end(mimus_host& host) {
  cancel(host);
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [&] { return host.tasks.load(std::memory_order_acquire) == 0; });
}

namespace {

mimus_rc spawn(mimus_host* host, TaskPool::Run run, void* ud) {
  TaskPool* const pool = host->services.tasks;
  if (pool == nullptr) return MIMUS_E_UNAVAILABLE;
  return run == nullptr ? mimus_rc{MIMUS_E_INVAL} : pool->spawn(*host, run, ud);
}

}  // namespace

const mimus_task_v1 task_table{sizeof(mimus_task_v1), spawn};

}  // namespace mimus
