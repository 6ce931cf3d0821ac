// A real loop on its own thread under a fake clock, used step by step from a test.
#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <thread>

#include "host/net/loop.h"
#include "mimus/clock.h"

namespace mimus {

class LoopThread {
 public:
  LoopThread() : thread_([this] { loop.run(); }) {}
  ~LoopThread() {
    loop.stop();
    thread_.join();
  }

  /// Runs `body` on the loop and waits for it.
  void on(const std::function<void()>& body) {
    struct Posted : Post {
      const std::function<void()>* body = nullptr;
      std::promise<void> done;
    } posted;
    posted.body = &body;
    posted.run = [](Post& post) {
      auto& self = static_cast<Posted&>(post);
      (*self.body)();
      self.done.set_value();
    };
    loop.post(posted);
    posted.done.get_future().wait();
  }

  /// Moves the clock and waits until all timers that became due have fired.
  void advance(std::chrono::milliseconds by) {
    clock.advance(by);
    // Timers fire ahead of posts in a turn, and the first post may fall into a turn that
    // began before the clock moved.
    on([] {});
    on([] {});
  }

  FakeClock clock;
  Loop loop{0, clock};

 private:
  std::thread thread_;
};

}  // namespace mimus
