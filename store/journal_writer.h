// The journal's one writer: rings in, blocks out.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "store/block_index.h"
#include "store/ring.h"

namespace mimus {

/// Thread-safe but for ring(i), which is its producer's.
class JournalWriter {
 public:
  /// Starts the thread. `fields` must outlive it, and so must `blocks` and `clock`.
  JournalWriter(BlockStore& blocks, const Clock& clock, JournalOptions options, const FieldVersions& fields);
  ~JournalWriter();

  Ring& ring(unsigned index) { return *rings_[index]; }
  const BlockIndex& index() const { return index_; }

  /// Waits until every record appended before is in the index or in open(). False: it
  /// took longer than the options' patience.
  bool catch_up();

  struct Open {
    std::uint64_t block = 0;  ///< Above all in the index.
    std::string records;
  };
  Open open() const;

  Status clear();
  Status flush();
  Status close();
  Journal::Stats stats() const;

 private:
  /// What other threads have the writer do, counted: the orders up to `done` were carried out.
  /// Guarded by mutex_.
  struct Order {
    std::uint64_t wanted = 0, done = 0;
    Status result = Done{};  ///< Of the newest that was done.
  };

  void run();
  Status await(Order& order, std::chrono::milliseconds patience, const char* late);
  void carry_out(Order& order, Status (JournalWriter::*act)());
  void load();
  std::string fold(std::uint64_t block, const std::vector<BlockStore::Key>& pieces);
  void drain();
  std::size_t gather(const FieldTable& fields);
  Ring* oldest();
  void store(std::size_t count);
  void close_block();
  Status write_piece();
  void retain();
  Status forget();
  void tell_room();
  void next_block();

  BlockStore& blocks_;
  const Clock& clock_;
  const JournalOptions options_;
  const FieldVersions& fields_;
  WakeUp wake_;
  std::vector<std::unique_ptr<Ring>> rings_;
  BlockIndex index_;
  std::atomic<std::uint64_t> dropped_{0}, write_errors_{0};

  // The writer thread's alone:
  std::vector<Record> pool_;
  std::vector<Record*> batch_;
  std::string scratch_;
  std::vector<BlockStore::Key> pieces_;  // of the open block, on disk
  std::size_t piece_bytes_ = 0;          // of the open block's records that they hold
  std::uint64_t piece_records_ = 0;

  mutable std::mutex open_mutex_;
  // Guarded by open_mutex_; only the writer changes them, so it reads them without:
  BlockBuilder open_;
  std::uint64_t block_ = 1;

  std::mutex mutex_;
  std::condition_variable caught_up_;
  // Guarded by mutex_:
  std::uint64_t wanted_ = 0, done_ = 0;
  Order clear_, flush_;
  bool closing_ = false;
  bool ended_ = false;

  std::thread thread_;
};

}  // namespace mimus
