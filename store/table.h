// The one seam to a disk: ordered bytes under bytes, in two spaces.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mimus/result.h"

namespace mimus {

/// `journal` is apart because its blocks are written once, in order, and dropped from the
/// front: files of them alone do not overlap, so that compaction never rewrites them.
enum class Space : std::uint8_t { main, journal };

struct TableWrite {
  Space space = Space::main;
  bool remove = false;
  std::string key;
  std::string value;
};

/// Writes that happen all or not at all.
class Batch {
 public:
  void put(Space space, std::string key, std::string value) {
    writes_.push_back({space, false, std::move(key), std::move(value)});
  }
  void remove(Space space, std::string key) { writes_.push_back({space, true, std::move(key), {}}); }
  const std::vector<TableWrite>& writes() const { return writes_; }

 private:
  std::vector<TableWrite> writes_;
};

/// Thread-safe. No call throws.
class Table {
 public:
  virtual ~Table() = default;

  /// Applies a batch; with `sync` it survives loss of power on return, else the end of
  /// the process. Errors: unavailable - the disk refused; nothing was applied
  virtual Status write(const Batch& batch, bool sync) = 0;

  /// Errors: not_found, corrupt, unavailable
  virtual Result<std::string> get(Space space, std::string_view key) const = 0;

  /// Shows the keys in [from, to) in order, as they were when called, until `show` says
  /// false. Views are valid for the call, which may read but not write. Errors: corrupt, unavailable
  virtual Status scan(
      Space space, std::string_view from, std::string_view to,
      const std::function<bool(std::string_view key, std::string_view value)>& show) const = 0;

  /// Frees what lies below `end`, now or later: until then keys there may still be seen.
  /// Unlike removals it leaves nothing behind that compaction must carry along.
  /// Errors: unavailable
  virtual Status drop_before(Space space, std::string_view end) = 0;

  /// A consistent copy in `directory`, which must not exist and whose parent must.
  /// Errors: unavailable - the disk refused, or there is none
  virtual Status copy_to(const std::string& directory) = 0;
};

/// The key just above all that start with `prefix`, whose last byte is below 0xff.
inline std::string after_prefix(std::string prefix) {
  ++prefix.back();
  return prefix;
}

/// Opens RocksDB in `directory` (whose parent exists), or makes one there.
/// Errors: corrupt, unavailable
Result<std::unique_ptr<Table>> open_rocks_table(const std::string& directory);

/// Reads one key of the main space without changing anything in `directory`.
/// Errors: not_found, corrupt, unavailable
Result<std::string> peek_rocks_table(const std::string& directory, std::string_view key);

std::unique_ptr<Table> memory_table();

}  // namespace mimus
