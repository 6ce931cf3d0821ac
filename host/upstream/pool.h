// Connections kept alive between exchanges, by origin.
#pragma once

#include <chrono>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "host/net/loop.h"
#include "host/upstream/wire.h"

namespace mimus {

/// At most 32 idle connections for an origin and 256 in all, for 30 s each; the oldest give
/// way. One that hears anything from its peer while idle is closed. Not thread-safe.
class Pool final : private Timer {
 public:
  explicit Pool(Loop& loop);  ///< `loop` must outlive the pool.
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// The connection that was put back last, or nullptr. `checked`: look first whether it
  /// has died, for an exchange that could not be sent again.
  std::unique_ptr<Wire> take(std::string_view origin, bool checked, Wire::Listener& listener);
  /// Takes a connection that is open and on which nothing is expected.
  void put(std::string origin, std::unique_ptr<Wire> wire);

 private:
  struct Idle final : Wire::Listener {
    Idle(Pool& owner, std::string name, std::unique_ptr<Wire> open);
    void on_wire_open() override {}
    void on_wire_failed(std::string) override {}
    void on_wire_ready(Ready) override { pool.drop(*this); }
    Pool& pool;
    const std::string origin;
    std::unique_ptr<Wire> wire;
    std::chrono::microseconds since;
  };

  void drop(const Idle& idle);
  void expire();

  Loop& loop_;
  std::list<Idle> idle_;  ///< The youngest first.
};

}  // namespace mimus
