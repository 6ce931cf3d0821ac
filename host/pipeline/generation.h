// Generations: which definitions and plugins a request sees, for its whole life.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace mimus {

class Definitions;
class PluginHost;
struct PluginMix;

/// An immutable (definitions, plugins). A worker leases it with plain counters of its own
/// and gives it back when none of its exchanges uses it any more.
struct Generation {
  std::uint64_t serial = 0;  ///< 1 for the first that was published, and so on.
  std::shared_ptr<const Definitions> definitions;
  std::shared_ptr<const PluginMix> plugins;
  std::atomic<unsigned> holders{0};  ///< Workers that may still use it, and the publisher.
};

/// Publishes generations and destroys those that nobody uses, on its own reclaim thread.
class Generations {
 public:
  /// The first generations run the current set of `plugins`.
  explicit Generations(const PluginHost& plugins);
  ~Generations();  ///< REQUIRES: no Lease is left.

  /// [definitions thread; the loading one before] Makes it current: a request that begins on any worker after
  /// this returns sees it. Workers are poked (on_publish), so that an idle one does not pin an old
  /// generation.
  void publish(std::shared_ptr<const Definitions> definitions);

  /// [plugins thread] The same definitions with other plugins. The mix is given its serial.
  void publish(PluginMix mix);
  /// [plugins thread] The same once more, so that what was retired until now is destroyed
  /// once the exchanges that may use it have ended, and not at the next change.
  void renew();

  /// Before the first worker starts, perhaps while the first is published: what publish calls at its end. It
  /// has every worker call Lease::refresh on its own thread.
  void on_publish(std::function<void()> poke);

  /// [any thread] The newest definitions.
  std::shared_ptr<const Definitions> definitions() const;
  /// [any thread] The newest plugins.
  std::shared_ptr<const PluginMix> plugins() const;

  /// [any thread] Runs `destroy` on the reclaim thread once every generation that is
  /// current or older now has gone; at the latest in the destructor.
  void retire(std::function<void()> destroy);

  /// [any thread] Runs `destroy` on the reclaim thread, soon: nobody uses what it destroys.
  void soon(std::function<void()> destroy);

  /// One worker's hold on generations. Not thread-safe.
  class Lease {
   public:
    explicit Lease(Generations& generations) : generations_(generations) {}
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease();  ///< REQUIRES: every use was released.

    /// The current generation, with one more use. Give it back with release.
    const Generation* acquire();
    void release(const Generation* generation);
    /// Moves on to the current generation and lets go of older ones without uses.
    void refresh();

   private:
    struct Held {
      Generation* generation;
      std::uint32_t uses;
    };
    Generations& generations_;
    std::uint64_t serial_ = 0;
    std::vector<Held> held_;  // the current one is the last
  };

 private:
  void publish(std::shared_ptr<const Definitions> definitions, std::shared_ptr<PluginMix> mix);
  Generation* take_current();
  void drop(Generation& generation);

  std::atomic<std::uint64_t> serial_{0};
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mimus
