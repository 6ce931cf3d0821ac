// A question to all workers, which is answered by all or by none.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "host/net/server.h"
#include "mimus/result.h"

namespace mimus {

/// Runs `work` on a worker. [any thread]
void post_to(Server& server, unsigned worker, std::function<void()> work);

/// Has every worker add to a T, and returns it when all have. [never a worker]
/// Errors: unavailable - one had not in time; it adds later, to what nobody reads
template <class T>
Result<T> ask_workers(Server& server, std::chrono::milliseconds patience,
                      std::function<void(unsigned worker, T& value)> add) {
  struct Answers {
    std::mutex mutex;
    std::condition_variable changed;
    T value{};          // guarded by mutex
    unsigned left = 0;  // guarded by mutex
  };
  const auto answers = std::make_shared<Answers>();
  answers->left = server.workers();
  for (unsigned i = 0; i < server.workers(); ++i) {
    post_to(server, i, [answers, add, i] {
      const std::lock_guard lock(answers->mutex);
      add(i, answers->value);
      if (--answers->left == 0) answers->changed.notify_one();
    });
  }
  std::unique_lock lock(answers->mutex);
  if (!answers->changed.wait_for(lock, patience, [&] { return answers->left == 0; })) {
    return Error{Code::unavailable, "a worker is too busy to answer: try again"};
  }
  return std::move(answers->value);
}

}  // namespace mimus
