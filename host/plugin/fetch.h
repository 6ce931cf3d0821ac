// mimus.fetch/1: requests of a plugin's own, through its worker's upstream client.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mimus/plugin.h"

namespace mimus {

/// In flight at once for one instance on one worker.
inline constexpr std::uint32_t max_fetches = 64;
/// The largest body that a plugin may ask for, and what it gets unasked.
inline constexpr std::size_t most_fetched = 16 << 20, fetched_by_default = 1 << 20;

extern const mimus_fetch_v1 fetch_table;

/// A fetch of an instance, on one worker's list until it is done.
class InstanceFetch;

/// Tells this worker's fetches of the instance GONE; new ones of it are refused on every
/// worker from now on. On that worker's thread, or where no loop runs any more.
void end_fetches(mimus_host& host, unsigned worker);

}  // namespace mimus
