// What /metrics tells of the host itself.
#pragma once

#include <atomic>
#include <cstdint>

#include "host/net/server.h"
#include "host/plugin/metrics.h"
#include "host/plugin/quarantine.h"
#include "store/database.h"

namespace mimus {

/// All outlive the metrics' last render.
struct MetricSources {
  const Server* server = nullptr;
  Database* database = nullptr;
  const Journal* journal = nullptr;  ///< nullptr: --journal off.
  const Supervision* supervision = nullptr;
  const std::atomic<std::int64_t>* engine_sessions = nullptr;
};

/// Has the metrics ask these at each render.
void add_host_metrics(Metrics& metrics, const MetricSources& from);

}  // namespace mimus
