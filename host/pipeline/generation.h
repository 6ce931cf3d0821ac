// Generations: which definitions and plugins a request sees, for its whole life.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

namespace mimus {

class Definitions;
class PluginHost;

/// An immutable (definitions, plugins). A worker leases it with plain counters of its own
/// and gives it back when none of its exchanges uses it any more.
struct Generation {
  std::uint64_t number = 0;  ///< The sequence of the newest definition change in it.
  std::shared_ptr<const Definitions> definitions;
  PluginHost* plugins = nullptr;
  std::atomic<unsigned> holders{0};  ///< Workers that may still use it, and the publisher.
};

/// Publishes generations and destroys those that nobody uses, on its own reclaim thread.
class Generations {
 public:
  Generations(PluginHost& plugins, unsigned workers);
  ~Generations();  ///< REQUIRES: no worker holds a lease.

  /// [definitions thread] Makes it current: a request that begins on any worker after
  /// this returns sees it. `poke` is called once for each worker, which must then call
  /// Lease::refresh on its thread, so that an idle worker does not pin an old one.
  void publish(std::shared_ptr<const Definitions> definitions, std::uint64_t number);
  void on_publish(std::function<void(unsigned worker)> poke);

  /// [any thread] The newest definitions.
  std::shared_ptr<const Definitions> definitions() const;
  std::uint64_t number() const { return number_.load(std::memory_order_acquire); }

  /// Runs `destroy` on the reclaim thread once every generation that is current or older
  /// now has gone.
  void retire(std::function<void()> destroy);

  /// One worker's hold on generations. Not thread-safe.
  class Lease {
   public:
    Lease(Generations& generations, unsigned worker);
    ~Lease();
    /// The current generation, with one more use by an exchange. Give it back with release.
    const Generation* acquire();
    void release(const Generation* generation);
    void refresh();  ///< Lets go of generations without uses that are not current.

   private:
    struct Held {
      Generation* generation;
      std::uint32_t uses;
    };
    Generations& generations_;
    std::uint64_t number_ = 0;
    std::unique_ptr<struct LeaseState> state_;
  };

 private:
  std::atomic<std::uint64_t> number_{0};
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mimus
