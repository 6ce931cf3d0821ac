// The plugins' key-value store: memory first, disk behind.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "mimus/result.h"

namespace mimus {

/// A bounded sharded map in memory; one store thread writes behind and reads back, so no
/// caller ever waits for the disk. Keys are the caller's; the host prefixes a plugin's id.
/// Thread-safe.
class KvStore {
 public:
  virtual ~KvStore() = default;

  enum class Found : std::uint8_t { yes, absent, pending };

  /// yes: `with` was called with the value, under the shard's lock: it must be brief and
  /// must not call the store. pending: the key is only on disk, `loaded` will be called
  /// once, on the store thread, when it can be asked again; with an empty `loaded` it is
  /// absent instead. Expired keys are absent.
  virtual Found get(std::string_view key, const std::function<void(std::string_view)>& with,
                    std::function<void()> loaded) = 0;

  /// Visible at once; on disk within a second in normal running and at close. A ttl of 0
  /// is for ever. Errors: unavailable - the write queue is full, nothing was stored
  virtual Status put(std::string_view key, std::string_view value, std::uint64_t ttl_ms) = 0;
  virtual Status remove(std::string_view key) = 0;
  virtual Status remove_prefix(std::string_view prefix) = 0;

  /// Waits until what was put before is on disk. For tests and a clean stop.
  virtual Status flush() = 0;

  struct Stats {
    std::uint64_t entries = 0, bytes = 0, queued = 0, evicted = 0, write_errors = 0;
  };
  virtual Stats stats() const = 0;
};

}  // namespace mimus
