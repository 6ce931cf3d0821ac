// GET …/messages/stream: viewers of an endpoint's channels, each an exchange that goes on.
#pragma once

#include <atomic>
#include <vector>

#include "host/net/exchange.h"
#include "host/net/server.h"
#include "store/ulid.h"

namespace mimus {

class WorkerService;

/// How often viewers are written to, whatever happens: shorter than what proxies wait.
inline constexpr std::chrono::seconds stream_heartbeat{15};

class LiveStreams {
 public:
  /// `services` are by worker, each touched on its thread only; they outlive the streams.
  explicit LiveStreams(const std::vector<WorkerService*>& services) : services_(services) {}
  void use(Server& server);

  /// Answers the exchange, which nobody else answers any more, with what happens on the
  /// endpoint's channels from now on, on all workers; with 503 beyond LiveFeed::most_viewers on
  /// this worker, or once end was called. [the exchange's worker]
  void start(Exchange& exchange, const Ulid& endpoint);

  /// Ends all streams, and those that begin later at once. [any thread]
  void end();

 private:
  class Viewer;
  struct Here {
    std::vector<Viewer*> viewers;
  };
  /// Runs `work` on every worker that still serves, with its service.
  template <class Work>
  void everywhere(Work work);

  const std::vector<WorkerService*>& services_;
  Server* server_ = nullptr;
  std::atomic<bool> ended_{false};
  std::vector<Here> here_;  // by worker, each touched on its thread only
};

}  // namespace mimus
