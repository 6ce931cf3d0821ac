#include "store/database.h"

#include <charconv>
#include <filesystem>

#include "store/data_directory.h"
#include "store/doors.h"

namespace mimus {
namespace {

/// Rises when data is written that this number's readers would misread.
constexpr unsigned format_version = 1;

std::string format_key() { return std::string{owner::meta} + "format"; }

/// Errors: corrupt - no number, or a newer one than ours
Status check_format(const std::string& stored, const std::string& directory) {
  unsigned version = 0;
  const auto [end, failed] = std::from_chars(stored.data(), stored.data() + stored.size(), version);
  if (failed != std::errc() || end != stored.data() + stored.size() || version == 0) {
    return Error{Code::corrupt, "data directory " + directory + ": its format version does not decode"};
  }
  if (version > format_version) {
    return Error{Code::corrupt, "data directory " + directory + " was written by a newer Mimus (format " +
                                    stored + ", this one reads up to " + std::to_string(format_version) +
                                    "): run that one, or restore a backup that this one made"};
  }
  return Done{};
}

/// Reads the format version, or writes ours into an empty table.
Status settle_format(Table& table, const std::string& directory) {
  const Result<std::string> stored = table.get(Space::main, format_key());
  if (stored) return check_format(*stored, directory);
  if (stored.error().code != Code::not_found) return stored.error();
  Batch batch;
  batch.put(Space::main, format_key(), std::to_string(format_version));
  return table.write(batch, true);
}

class TableDatabase final : public Database {
 public:
  TableDatabase(std::unique_ptr<DirectoryLock> lock, std::unique_ptr<Table> table,
                std::unique_ptr<DefinitionStore> definitions, const Clock& clock, std::uint64_t kv_bytes)
      : lock_(std::move(lock)),
        table_(std::move(table)),
        definitions_(std::move(definitions)),
        tokens_(tokens_on(*table_)),
        blocks_(blocks_on(*table_)),
        kv_(kv_on(*table_, clock, kv_bytes)) {}

  DefinitionStore& definitions() override { return *definitions_; }
  TokenStore& tokens() override { return *tokens_; }
  KvStore& kv() override { return *kv_; }
  BlockStore& blocks() override { return *blocks_; }

  Status backup(const std::string& given) override {
    // RocksDB wants an absolute path.
    std::error_code failed;
    const std::string directory = std::filesystem::absolute(given, failed).lexically_normal().string();
    if (failed) return Error{Code::unavailable, "backup to " + given + ": " + failed.message()};
    if (exists(directory)) return Error{Code::conflict, "backup directory " + directory + " exists already"};
    if (Status flushed = kv_->flush(); !flushed) return flushed;
    if (Status made = make_directory(directory); !made) return made;
    Status copied = table_->copy_to(database_path(directory));
    if (!copied) std::filesystem::remove_all(directory, failed);  // half a copy is none
    return copied;
  }

 private:
  std::unique_ptr<DirectoryLock> lock_;  // null in memory; let go of last
  std::unique_ptr<Table> table_;
  std::unique_ptr<DefinitionStore> definitions_;
  std::unique_ptr<TokenStore> tokens_;
  std::unique_ptr<BlockStore> blocks_;
  std::unique_ptr<KvStore> kv_;
};

Result<std::unique_ptr<Database>> assemble(std::unique_ptr<DirectoryLock> lock, std::unique_ptr<Table> table,
                                           const std::string& directory, const Clock& clock,
                                           std::uint64_t kv_bytes) {
  if (Status settled = settle_format(*table, directory); !settled) return settled.error();
  Result<std::unique_ptr<DefinitionStore>> definitions = definitions_on(*table);
  if (!definitions) return std::move(definitions).error();
  return std::unique_ptr<Database>(std::make_unique<TableDatabase>(std::move(lock), std::move(table),
                                                                   *std::move(definitions), clock, kv_bytes));
}

}  // namespace

Result<std::unique_ptr<Database>> open_database(const StoreOptions& options, const Clock& clock) {
  Result<std::unique_ptr<DirectoryLock>> lock = DirectoryLock::take(options.directory, options.lock_wait);
  if (!lock) return std::move(lock).error();
  Result<std::unique_ptr<Table>> table = open_rocks_table(database_path(options.directory));
  if (!table) return std::move(table).error();
  return assemble(*std::move(lock), *std::move(table), options.directory, clock, options.kv_bytes);
}

std::unique_ptr<Database> memory_database(const Clock& clock, std::uint64_t kv_bytes) {
  return *assemble(nullptr, memory_table(), "in memory", clock, kv_bytes);  // an empty map refuses nothing
}

Status restore_database(const std::string& from, const std::string& to) {
  if (!exists(database_path(from) + "/CURRENT"))
    return Error{Code::not_found, from + " holds no backup of Mimus"};
  if (exists(to) && !is_empty_directory(to)) return Error{Code::conflict, to + " exists and is not empty"};
  const Result<std::string> format = peek_rocks_table(database_path(from), format_key());
  if (!format) {
    if (format.error().code == Code::not_found) return Error{Code::corrupt, from + " has no format version"};
    return format.error();
  }
  if (Status checked = check_format(*format, from); !checked) return checked;
  if (Status made = make_directory(to); !made) return made;
  Status copied = copy_files(database_path(from), database_path(to));
  std::error_code ignored;  // the reason why the copy failed is the one to tell
  if (!copied) std::filesystem::remove_all(database_path(to), ignored);
  return copied;
}

}  // namespace mimus
