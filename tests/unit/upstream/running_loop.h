// A loop in a thread of its own, with a clock that the test moves.
#pragma once

#include <functional>
#include <future>
#include <thread>

#include "host/net/loop.h"
#include "mimus/clock.h"

namespace mimus {

constexpr std::chrono::seconds patience{60};  // Only a test that fails waits that long.

inline bool comes(std::future<void> event) { return event.wait_for(patience) == std::future_status::ready; }

class RunningLoop {
 public:
  RunningLoop() : loop(0, clock), thread_([this] { loop.run(); }) {}
  ~RunningLoop() {
    loop.stop();
    thread_.join();
  }
  RunningLoop(const RunningLoop&) = delete;
  RunningLoop& operator=(const RunningLoop&) = delete;

  /// Runs `work` on the loop's thread and waits for it.
  void on_loop(std::function<void()> work) {
    struct Work : Post {
      std::function<void()> body;
      std::promise<void> done;
    } post;
    post.body = std::move(work);
    post.run = [](Post& each) {
      Work& self = static_cast<Work&>(each);
      self.body();
      self.done.set_value();
    };
    auto done = post.done.get_future();
    loop.post(post);
    done.get();
  }

  /// Moves the clock, and returns when the timers that this makes due have fired.
  void advance(std::chrono::milliseconds span) {
    clock.advance(span);
    on_loop([] {});  // The turn that runs this may have begun before.
    on_loop([] {});
  }

  FakeClock clock;
  Loop loop;

 private:
  std::thread thread_;
};

}  // namespace mimus
