// Whether and when a server that ended is started again. Pure.
#pragma once

#include <chrono>
#include <deque>

namespace mimus {

/// How one server ended that was not told to.
struct ServerEnd {
  std::chrono::microseconds started{}, ended{};  ///< As Clock::now.
  bool was_ready = false;
  bool blamed = false;  ///< On a plugin, which has a strike for it.
  bool mended = false;  ///< That plugin is in quarantine now: it cannot happen again.
};

/// The first restart is immediate, as is each whose cause is mended; the others wait 100 ms,
/// doubled each time up to 10 s, until a server has run for a minute. Three ends within a minute that no
/// plugin is to blame for ask for safe mode. A server that ends twice in a row before it is ready, and no
/// plugin is to blame, is given up.
class RestartPolicy {
 public:
  struct Decision {
    bool again = true;
    bool safe_mode = false;  ///< From now on.
    std::chrono::microseconds wait{0};
  };
  Decision after(const ServerEnd& end);

 private:
  std::chrono::microseconds next_wait_{0};
  std::deque<std::chrono::microseconds> unexplained_;  // their times; at most three
  bool failed_to_start_ = false;
};

}  // namespace mimus
