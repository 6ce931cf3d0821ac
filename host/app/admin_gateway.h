// Takes admin calls off the workers: a definitions thread, a query thread, and the
// exchanges that wait for them.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "host/admin/admin.h"
#include "host/net/exchange.h"
#include "host/plugin/metrics.h"

namespace mimus {

/// Thread-safe. At most 1,024 calls wait for each thread; beyond, the answer is 503.
class AdminGateway {
 public:
  /// Both outlive the gateway.
  AdminGateway(Admin& admin, const Metrics& metrics);
  ~AdminGateway();

  /// Who answers with what happens on an endpoint's channels: is given the exchange, on its
  /// worker. Before the first call.
  void stream_by(std::function<void(Exchange&, const Ulid& endpoint)> streams);

  /// Takes an exchange whose path is /admin or below, or /metrics. [its worker]
  void take(Exchange& exchange, std::size_t max_body_bytes);

  /// Finishes the calls at hand, refuses others with 503, ends the threads. Blocks.
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mimus
