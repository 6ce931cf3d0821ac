// Slow sending: a fault that a mock can have.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "host/net/exchange.h"
#include "host/net/loop.h"

namespace mimus {

/// Hands bytes to a wire at so many a second, ten times in each. On the wire's loop. What waits
/// when it is destroyed is lost.
class Throttle {
 public:
  /// `wire` must outlive it. At most `max_waiting` bytes wait.
  Throttle(Takeover::Wire& wire, std::uint64_t bytes_per_second, std::size_t max_waiting);
  ~Throttle();
  Throttle(const Throttle&) = delete;
  Throttle& operator=(const Throttle&) = delete;

  void set(std::uint64_t bytes_per_second) { rate_ = bytes_per_second; }
  std::size_t waiting() const { return waiting_.size(); }
  /// False: too much waits.
  bool write(std::string_view data);
  /// Has the wire closed once all has gone.
  void close_after_write();

 private:
  struct Tick : Timer {
    Throttle* throttle = nullptr;
  };
  void tick();

  Takeover::Wire& wire_;
  std::uint64_t rate_;
  std::size_t max_waiting_;
  std::string waiting_;
  bool closing_ = false;
  Tick tick_;
};

}  // namespace mimus
