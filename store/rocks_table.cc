// The only file that knows RocksDB: its options, its words for errors, its recovery.
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

#include <mutex>
#include <shared_mutex>

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
  const Code code = status.IsNotFound()                                   ? Code::not_found
                    : status.IsCorruption() || status.IsInvalidArgument() ? Code::corrupt
                                                                          : Code::unavailable;
  return {code, std::string(doing) + ": " + status.ToString()};
}

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }
std::string_view view(const rocksdb::Slice& text) { return {text.data(), text.size()}; }

constexpr std::size_t max_logs = 8;
constexpr std::uint64_t quick_log_bytes = 1u << 20;  // read in a few milliseconds

rocksdb::DBOptions database_options() {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.info_log = std::make_shared<SilentLog>();
  // Else a disk that fills up while RocksDB goes on after an error may take the files of one
  // space and not of the other: they are then ahead of the torn log, and it never opens again.
  options.atomic_flush = true;
  options.max_total_wal_size = 16u << 20;
  // A start must be quick: no file is opened, measured or summed before it is needed, what
  // the log holds is not rewritten, and no thread for statistics is started.
  options.max_open_files = 256;
  options.max_file_opening_threads = 1;  // else 16 for each space, for a file or two
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

/// An open database. Its destructor closes it.
struct Opened {
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> spaces;  // in the order of Space

  Opened() = default;
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  ~Opened() {
    if (db == nullptr) return;
    // They make the next start slow; a failing disk keeps them, and nothing is lost.
    if (has_long_logs()) db->Flush({}, spaces).PermitUncheckedError();
    // Only an invalid handle makes this fail, and the database closes either way.
    for (rocksdb::ColumnFamilyHandle* const space : spaces)
      db->DestroyColumnFamilyHandle(space).PermitUncheckedError();
    db->Close().PermitUncheckedError();  // nobody is left to tell; the log holds all writes
  }

  rocksdb::ColumnFamilyHandle* space(Space where) const { return spaces[static_cast<std::size_t>(where)]; }

  /// Many bytes, or many files: a life that is short may end before what rewrote them in the background.
  bool has_long_logs() const {
    rocksdb::VectorLogPtr logs;
    if (!db->GetSortedWalFiles(logs).ok()) return false;
    std::uint64_t bytes = 0;
    for (const auto& log : logs) bytes += log->SizeFileBytes();
    return bytes > quick_log_bytes || logs.size() > max_logs;
  }
};

rocksdb::Status open_into(Opened& opened, const std::string& directory) {
  rocksdb::DB* db = nullptr;
  rocksdb::Status status = rocksdb::DB::Open(database_options(), directory, spaces(), &opened.spaces, &db);
  opened.db.reset(db);
  // Each start leaves a log, as what is in them is not rewritten. In the background, and
  // now and then, they are: else the thousandth start would read a thousand.
  rocksdb::VectorLogPtr logs;
  if (status.ok() && db->GetSortedWalFiles(logs).ok() && logs.size() > max_logs) {
    rocksdb::FlushOptions soon;
    soon.wait = false;
    db->Flush(soon, opened.spaces).PermitUncheckedError();  // the next start tries again
  }
  return status;
}

/// Whether a file of that size can be written and synced in a directory.
bool takes_writes(const std::string& directory) {
  rocksdb::Env* const env = rocksdb::Env::Default();
  const std::string path = directory + "/probe";
  const bool taken = rocksdb::WriteStringToFile(env, std::string(1u << 20, ' '), path, true).ok();
  env->DeleteFile(path).PermitUncheckedError();
  return taken;
}

class RocksTable final : public Table {
 public:
  RocksTable(std::string directory, std::unique_ptr<Opened> opened)
      : directory_(std::move(directory)), opened_(std::move(opened)) {}

  Status write(const Batch& batch, bool sync) override {
    rocksdb::Status written = try_write(batch, sync);
    if (!written.ok() && recover()) written = try_write(batch, sync);
    if (!written.ok()) return Error{Code::unavailable, "write: " + written.ToString()};
    return Done{};
  }

  Result<std::string> get(Space where, std::string_view key) const override {
    const std::shared_lock lock(mutex_);
    if (opened_ == nullptr) return closed();
    std::string out;
    const rocksdb::Status status = opened_->db->Get({}, opened_->space(where), slice(key), &out);
    if (!status.ok()) return to_error(status, "read");
    return out;
  }

  Status scan(Space where, std::string_view from, std::string_view to,
              const std::function<bool(std::string_view, std::string_view)>& show) const override {
    const std::shared_lock lock(mutex_);
    if (opened_ == nullptr) return closed();
    rocksdb::ReadOptions options;
    const rocksdb::Slice end = slice(to);
    options.iterate_upper_bound = &end;
    const std::unique_ptr<rocksdb::Iterator> at(opened_->db->NewIterator(options, opened_->space(where)));
    for (at->Seek(slice(from)); at->Valid(); at->Next()) {
      if (!show(view(at->key()), view(at->value()))) return Done{};
    }
    if (!at->status().ok()) return to_error(at->status(), "read");
    return Done{};
  }

  Status drop_before(Space where, std::string_view end) override {
    const std::shared_lock lock(mutex_);
    if (opened_ == nullptr) return closed();
    const rocksdb::Slice to = slice(end);
    const rocksdb::Status status =
        rocksdb::DeleteFilesInRange(opened_->db.get(), opened_->space(where), nullptr, &to, false);
    if (!status.ok()) return Error{Code::unavailable, "drop: " + status.ToString()};
    return Done{};
  }

  Status copy_to(const std::string& directory) override {
    const std::shared_lock lock(mutex_);
    if (opened_ == nullptr) return closed();
    rocksdb::Checkpoint* made = nullptr;
    rocksdb::Status status = rocksdb::Checkpoint::Create(opened_->db.get(), &made);
    const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
    if (status.ok()) status = checkpoint->CreateCheckpoint(directory);
    if (!status.ok()) return Error{Code::unavailable, "copy to " + directory + ": " + status.ToString()};
    return Done{};
  }

 private:
  static Error closed() {
    return {Code::unavailable, "the database could not be opened again after an error of the disk"};
  }

  rocksdb::Status try_write(const Batch& batch, bool sync) {
    const std::shared_lock lock(mutex_);
    if (opened_ == nullptr) return rocksdb::Status::IOError(closed().message);
    rocksdb::WriteBatch out;
    for (const TableWrite& write : batch.writes()) {
      rocksdb::ColumnFamilyHandle* const space = opened_->space(write.space);
      const rocksdb::Status added =
          write.remove ? out.Delete(space, write.key) : out.Put(space, write.key, write.value);
      if (!added.ok()) return added;
    }
    rocksdb::WriteOptions options;
    options.sync = sync;
    return opened_->db->Write(options, &out);
  }

  /// After an error of the disk RocksDB refuses writes until it is told to go on, and
  /// after some errors until it is opened anew. Neither is tried while the disk still
  /// fails: a database that is open can at least be read. Nobody is waited for, so that a
  /// reader who writes meanwhile cannot block itself: a later write tries again.
  bool recover() {
    if (!takes_writes(directory_)) return false;
    {
      const std::shared_lock lock(mutex_);
      if (opened_ != nullptr && opened_->db->Resume().ok()) return true;
    }
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock.owns_lock()) return false;
    opened_.reset();  // first, for it holds RocksDB's lock
    auto opened = std::make_unique<Opened>();
    if (!open_into(*opened, directory_).ok()) return false;
    opened_ = std::move(opened);
    return true;
  }

  const std::string directory_;
  mutable std::shared_mutex mutex_;  // held alone only to open anew
  std::unique_ptr<Opened> opened_;   // null if that failed
};

}  // namespace

Result<std::unique_ptr<Table>> open_rocks_table(const std::string& directory) {
  auto opened = std::make_unique<Opened>();
  if (const rocksdb::Status status = open_into(*opened, directory); !status.ok()) {
    return to_error(status, "open " + directory);
  }
  return std::unique_ptr<Table>(std::make_unique<RocksTable>(directory, std::move(opened)));
}

Result<std::string> peek_rocks_table(const std::string& directory, std::string_view key) {
  rocksdb::DBOptions options = database_options();
  options.create_if_missing = false;
  options.create_missing_column_families = false;
  Opened opened;
  rocksdb::DB* db = nullptr;
  rocksdb::Status status = rocksdb::DB::OpenForReadOnly(options, directory, spaces(), &opened.spaces, &db);
  opened.db.reset(db);
  std::string out;
  if (status.ok()) status = db->Get({}, opened.space(Space::main), slice(key), &out);
  if (!status.ok()) return to_error(status, "open " + directory);
  return out;
}

}  // namespace mimus
