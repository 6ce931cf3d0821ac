// The only file that knows RocksDB: its options, its words for errors, its recovery.
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

#include "store/table.h"

namespace mimus {
namespace {

/// Swallows RocksDB's own log. Its default writes a LOG into the data directory, and on a
/// full disk the second failed line of that aborts the process (an assert that Debian's
/// build has on).
class SilentLog final : public rocksdb::Logger {
 public:
  SilentLog() : Logger(rocksdb::InfoLogLevel::HEADER_LEVEL) {}
  using Logger::Logv;
  void Logv(const char*, va_list) override {}
  void Logv(rocksdb::InfoLogLevel, const char*, va_list) override {}
  void LogHeader(const char*, va_list) override {}
};

/// RocksDB's vocabulary in ours. Total, so that a new code of theirs lands in
/// `unavailable` rather than nowhere. REQUIRES: !status.ok()
Error to_error(const rocksdb::Status& status, std::string_view doing) {
  const Code code = status.IsNotFound() ? Code::not_found
                    : status.IsCorruption() || status.IsInvalidArgument() ? Code::corrupt
                                                                          : Code::unavailable;
  return {code, std::string(doing) + ": " + status.ToString()};
}

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }
std::string_view view(const rocksdb::Slice& text) { return {text.data(), text.size()}; }

rocksdb::DBOptions database_options() {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.info_log = std::make_shared<SilentLog>();
  options.max_total_wal_size = 16u << 20;
  // A start must be quick: no file is opened, measured or summed before it is needed, what
  // the log holds is not rewritten, and no thread for statistics is started.
  options.max_open_files = 256;
  options.skip_stats_update_on_db_open = true;
  options.skip_checking_sst_file_sizes_on_db_open = true;
  options.avoid_flush_during_recovery = true;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.avoid_flush_during_shutdown = true;  // the log has it
  return options;
}

std::vector<rocksdb::ColumnFamilyDescriptor> spaces() {
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = 8u << 20;  // small: little to replay after a crash
  rocksdb::ColumnFamilyOptions journal = options;
  journal.compression = rocksdb::kNoCompression;  // the journal's CPU is part of every request's
  return {{rocksdb::kDefaultColumnFamilyName, options}, {"journal", journal}};
}

class RocksTable final : public Table {
 public:
  RocksTable(std::unique_ptr<rocksdb::DB> db, std::vector<rocksdb::ColumnFamilyHandle*> spaces)
      : db_(std::move(db)), spaces_(std::move(spaces)) {}

  ~RocksTable() override {
    for (rocksdb::ColumnFamilyHandle* const space : spaces_) {
      // Only an invalid handle makes this fail, and the database closes either way.
      db_->DestroyColumnFamilyHandle(space).PermitUncheckedError();
    }
    db_->Close().PermitUncheckedError();  // nobody is left to tell; the log holds all writes
  }

  Status write(const Batch& batch, bool sync) override {
    rocksdb::WriteBatch out;
    for (const TableWrite& write : batch.writes()) {
      const rocksdb::Status added = write.remove ? out.Delete(space(write.space), write.key)
                                                 : out.Put(space(write.space), write.key, write.value);
      if (!added.ok()) return to_error(added, "write");
    }
    rocksdb::WriteOptions options;
    options.sync = sync;
    rocksdb::Status written = db_->Write(options, &out);
    if (!written.ok() && db_->Resume().ok()) {
      // After an error of the disk RocksDB refuses writes until told to go on.
      written = db_->Write(options, &out);
    }
    if (!written.ok()) return Error{Code::unavailable, "write: " + written.ToString()};
    return Done{};
  }

  Result<std::string> get(Space where, std::string_view key) const override {
    std::string out;
    const rocksdb::Status status = db_->Get({}, space(where), slice(key), &out);
    if (!status.ok()) return to_error(status, "read");
    return out;
  }

  Status scan(Space where, std::string_view from, std::string_view to,
              const std::function<bool(std::string_view, std::string_view)>& show) const override {
    rocksdb::ReadOptions options;
    const rocksdb::Slice end = slice(to);
    options.iterate_upper_bound = &end;
    const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(options, space(where)));
    for (at->Seek(slice(from)); at->Valid(); at->Next()) {
      if (!show(view(at->key()), view(at->value()))) return Done{};
    }
    if (!at->status().ok()) return to_error(at->status(), "read");
    return Done{};
  }

  Status copy_to(const std::string& directory) override {
    rocksdb::Checkpoint* made = nullptr;
    rocksdb::Status status = rocksdb::Checkpoint::Create(db_.get(), &made);
    const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
    if (status.ok()) status = checkpoint->CreateCheckpoint(directory);
    if (!status.ok()) return Error{Code::unavailable, "copy to " + directory + ": " + status.ToString()};
    return Done{};
  }

 private:
  rocksdb::ColumnFamilyHandle* space(Space where) const { return spaces_[static_cast<std::size_t>(where)]; }

  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> spaces_;  // in the order of Space
};

}  // namespace

Result<std::unique_ptr<Table>> open_rocks_table(const std::string& directory) {
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(database_options(), directory, spaces(), &handles, &db);
  if (!status.ok()) return to_error(status, "open " + directory);
  return std::unique_ptr<Table>(
      std::make_unique<RocksTable>(std::unique_ptr<rocksdb::DB>(db), std::move(handles)));
}

Result<std::string> peek_rocks_table(const std::string& directory, std::string_view key) {
  rocksdb::DBOptions options = database_options();
  options.create_if_missing = false;
  options.create_missing_column_families = false;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::OpenForReadOnly(options, directory, spaces(), &handles, &opened);
  if (!status.ok()) return to_error(status, "open " + directory);
  return RocksTable(std::unique_ptr<rocksdb::DB>(opened), std::move(handles)).get(Space::main, key);
}

}  // namespace mimus
