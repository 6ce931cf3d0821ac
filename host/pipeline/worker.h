// What one worker's exchanges share.
#pragma once

#include <cstdint>
#include <vector>

#include "host/net/server.h"
#include "host/pipeline/compiler.h"
#include "host/pipeline/generation.h"
#include "host/plugin/metrics.h"
#include "host/plugin/traffic.h"
#include "host/upstream/upstream.h"
#include "mimus/clock.h"
#include "store/journal.h"
#include "store/ulid.h"

namespace mimus {

class Flow;

/// Not thread-safe: one worker's.
struct WorkerContext {
  Loop& loop;
  const Clock& clock;
  const Limits& limits;
  Generations::Lease lease;
  Compiler& compiler;
  Upstream& upstream;
  Producer* journal = nullptr;  ///< nullptr: --journal off.
  bool lossless = true;
  UlidSource ids;
  Metrics& metrics;
  std::uint32_t plugin_failures = 0;  ///< Metrics' numbers.
  std::uint32_t journal_dropped = 0;
  /// Where answers are counted; outlives the worker.
  TrafficArms* traffic = nullptr;
  std::int64_t last_answer_us = 0;  ///< By the clock, not the loop's tick.
  std::uint32_t canary_owed = 0;    ///< Ten-thousandths of a request.
  /// Exchanges that the journal refused, in the order in which they came.
  std::vector<Flow*> waiting_for_journal = {};

  /// Which of the two serves the next exchange: the candidate has its share, evenly spread.
  const Pipeline* choose(const CompiledPipeline& compiled, const PluginMix& mix);

  /// Of a record that is appended at `now`, by the clock: by the loop's tick it could seem older
  /// than one of another worker whose answer its client had before it asked.
  Ulid next_id(std::chrono::microseconds now) { return ids.next(loop.wall_us(now)); }

  /// The journal has room: those that wait are sent until it refuses again.
  void retry_journal();
};

}  // namespace mimus
