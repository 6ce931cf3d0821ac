// Who is let in to an endpoint, be it by a WebSocket handshake or by Socket.IO's CONNECT.
#pragma once

#include <memory>
#include <unordered_set>

#include "host/app/attempt_book.h"
#include "host/channel/door.h"
#include "host/pipeline/worker.h"

namespace mimus {

/// Asks, in this order: is there such an endpoint, and enabled; maxAttemptsPerMinute; origins;
/// requireToken; do its plugins bind (compiled on another thread where they must be), and what do
/// they say to the handshake; maxConnectionsPerIp. The table's observer is told of refusals.
class Admission final : public Door {
 public:
  /// All must outlive it and its questions.
  Admission(WorkerContext& worker, ChannelTable& channels, AttemptBook& attempts)
      : worker_(worker), channels_(channels), attempts_(attempts) {}

  std::unique_ptr<Question> question(Caller caller, Asker& asker) override;

  /// The host is stopping: handshakes that a plugin has put off are refused, later ones at once.
  void drain();

 private:
  class Enquiry;

  WorkerContext& worker_;
  ChannelTable& channels_;
  AttemptBook& attempts_;
  std::unordered_set<Enquiry*> put_off_;  ///< By a plugin, of raw clients.
  bool draining_ = false;
};

}  // namespace mimus
