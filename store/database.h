// One data directory: its lock, its format version, and the doors to what it keeps.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "mimus/clock.h"
#include "mimus/result.h"
#include "store/definitions.h"
#include "store/journal.h"
#include "store/kv.h"
#include "store/tokens.h"

namespace mimus {

struct StoreOptions {
  std::string directory;               ///< Created 0700 where it is missing.
  std::uint64_t kv_bytes = 64u << 20;  ///< What the plugins' KV may hold in memory.
  /// How long to wait for another process to let go of the directory: a host that was
  /// killed a moment ago still holds its lock until the kernel has buried it.
  std::chrono::milliseconds lock_wait{2000};
};

/// What outlives the process. Thread-safe; the doors live as long as this does.
class Database {
 public:
  virtual ~Database() = default;

  virtual DefinitionStore& definitions() = 0;
  virtual TokenStore& tokens() = 0;
  virtual KvStore& kv() = 0;
  virtual BlockStore& blocks() = 0;

  /// A consistent copy in `directory`, which must not exist yet.
  /// Errors: conflict    - it exists
  ///         unavailable - the disk refused
  virtual Status backup(const std::string& directory) = 0;
};

/// Opens (or creates) a data directory with RocksDB. `clock` must outlive the result.
/// Errors: conflict    - another host has it open
///         corrupt     - it was written by a newer Mimus, or its bytes do not decode
///         unavailable - the disk refused
Result<std::unique_ptr<Database>> open_database(const StoreOptions& options, const Clock& clock);

/// The same promises without a disk; for tests. `clock` must outlive the result.
std::unique_ptr<Database> memory_database(const Clock& clock, std::uint64_t kv_bytes = 64u << 20);

/// Puts the copy that Database::backup made in `from` where a data directory shall be.
/// Errors: not_found - `from` holds no such copy;  conflict - `to` exists and is not empty
///         corrupt   - `from` was written by a newer Mimus
Status restore_database(const std::string& from, const std::string& to);

}  // namespace mimus
