// What a journal does when its disk fails, hangs, or the process ends without a close.
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "store/block_code.h"
#include "tests/unit/store/scratch.h"

namespace mimus {
namespace {

/// A BlockStore whose disk fails or hangs as told.
class FaultyBlocks final : public BlockStore {
 public:
  explicit FaultyBlocks(BlockStore& inner) : inner_(inner) {}

  void fail(bool failing) { set(failing_, failing); }
  void hang(bool hanging) { set(hanging_, hanging); }
  /// Waits until the blocks and pieces hold so many records, in however many pieces they came.
  void wait_for_records(std::uint64_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] {
      std::uint64_t held = 0;
      for (const auto& [key, records] : records_) held += records;
      return held >= count;
    });
  }
  void wait_until_it_hangs() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_; });
  }

  Status put(Key key, std::string_view bytes, std::span<const Key> instead) override {
    if (Status up = disk(); !up) return up;
    Status out = inner_.put(key, bytes, instead);
    const std::lock_guard lock(mutex_);
    BlockHeader header;
    if (out && decode_header(bytes, header)) records_[key] = header.count;
    for (const Key gone : instead) records_.erase(gone);
    changed_.notify_all();
    return out;
  }
  Result<std::string> get(Key key) const override { return inner_.get(key); }
  Status remove_before(Key end) override {
    if (Status up = disk(); !up) return up;
    return inner_.remove_before(end);
  }
  Status each(const std::function<void(Key, std::string_view)>& show) const override {
    return inner_.each(show);
  }
  Result<std::vector<std::string>> field_names() const override { return inner_.field_names(); }
  Status put_field_names(const std::vector<std::string>& names) override {
    if (Status up = disk(); !up) return up;
    return inner_.put_field_names(names);
  }

 private:
  void set(bool& what, bool to) {
    const std::lock_guard lock(mutex_);
    what = to;
    changed_.notify_all();
  }
  Status disk() {
    std::unique_lock lock(mutex_);
    waiting_ = hanging_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !hanging_; });
    waiting_ = false;
    if (!failing_) return Done{};
    return Error{Code::unavailable, "no space left on device"};
  }

  BlockStore& inner_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool failing_ = false, hanging_ = false, waiting_ = false;
  std::map<Key, std::uint64_t> records_;
};

class JournalFaults : public testing::Test {
 protected:
  JournalFaults() {
    options_.block_records = 10;
    options_.reader_patience = patience;
  }

  void open() {
    auto opened = open_journal(blocks_, clock_, options_);
    ASSERT_OK(opened);
    journal_ = *std::move(opened);
  }

  void append(unsigned from, unsigned to, std::span<const FieldValue> extra = {}) {
    for (unsigned n = from; n < to; ++n) {
      RecordInput input;
      input.id = ulid(n);
      input.time_us = clock_.wall_us();
      input.duration_us = n;
      input.extra = extra;
      ASSERT_TRUE(journal_->producer(0).append(input)) << n;
    }
  }

  std::size_t count() {
    std::size_t out = 0;
    EXPECT_OK(journal_->scan({}, [&](const Record&) { return ++out != 0; }));
    return out;
  }

  FakeClock clock_;
  std::unique_ptr<Database> database_ = memory_database(clock_);
  FaultyBlocks blocks_{database_->blocks()};
  JournalOptions options_;
  std::unique_ptr<Journal> journal_;
};

TEST_F(JournalFaults, AProcessThatEndsUncleanlyLosesOnlyWhatNoPieceHolds) {
  open();
  append(1, 25);  // two full blocks and a piece of four
  blocks_.wait_for_records(24);
  append(25, 27);  // another piece
  blocks_.wait_for_records(26);
  blocks_.fail(true);
  append(27, 29);  // lost
  journal_.reset();
  blocks_.fail(false);
  open();
  EXPECT_EQ(count(), 26u);
  EXPECT_EQ(journal_->find(ulid(26))->duration_us, 26);
  unsigned pieces = 0;
  EXPECT_OK(blocks_.each([&](BlockStore::Key key, std::string_view) { pieces += key.piece != 0 ? 1u : 0u; }));
  EXPECT_EQ(pieces, 0u) << "folded at the start";
  append(29, 31);
  EXPECT_EQ(count(), 28u);
}

TEST_F(JournalFaults, FoldingKeepsTheFieldsOfAPluginThatIsNotThere) {
  const FieldSpec note{"note", FieldType::text, true, ""};
  const int field = core_field_count;
  const FieldValue extra[] = {{core_field_count, 0, "kept"}};
  options_.plugin_fields = {note};
  open();
  append(1, 5, extra);
  blocks_.wait_for_records(4);  // as pieces
  blocks_.fail(true);
  journal_.reset();
  blocks_.fail(false);
  options_.plugin_fields = {};
  open();
  EXPECT_EQ(count(), 4u);
  EXPECT_EQ(journal_->find(ulid(2))->extra.size(), 0u);
  ASSERT_OK(journal_->add_fields(std::span(&note, 1)));
  EXPECT_EQ(journal_->find(ulid(2))->text(field), "kept");
}

TEST_F(JournalFaults, AFieldWhoseNameCannotBeWrittenDownIsNotKnown) {
  const FieldSpec note{"note", FieldType::text, true, ""};
  open();
  blocks_.fail(true);
  EXPECT_EQ(journal_->add_fields(std::span(&note, 1)).error().code, Code::unavailable);
  EXPECT_EQ(journal_->field("note"), -1);
  blocks_.fail(false);
  EXPECT_OK(journal_->add_fields(std::span(&note, 1)));
  EXPECT_EQ(journal_->field("note"), core_field_count);
  EXPECT_EQ(blocks_.field_names()->back(), "note");
}

TEST_F(JournalFaults, AFailingDiskDropsCountsAndGoesOn) {
  open();
  append(1, 11);
  EXPECT_EQ(count(), 10u);
  blocks_.fail(true);
  append(11, 36);
  EXPECT_EQ(count(), 15u) << "the block before, and the open one";
  EXPECT_EQ(journal_->stats().dropped, 20u);
  EXPECT_GE(journal_->stats().write_errors, 2u);
  blocks_.fail(false);
  append(36, 46);
  EXPECT_EQ(count(), 25u);
  EXPECT_EQ(journal_->stats().dropped, 20u);
  EXPECT_OK(journal_->close());
}

TEST_F(JournalFaults, ACloseSaysThatItLostRecords) {
  open();
  append(1, 4);
  blocks_.fail(true);
  EXPECT_EQ(journal_->close().error().code, Code::unavailable);
}

TEST_F(JournalFaults, AClearThatFailsSaysSo) {
  open();
  append(1, 30);
  EXPECT_EQ(count(), 29u);
  blocks_.fail(true);
  EXPECT_EQ(journal_->clear().error().code, Code::unavailable);
  blocks_.fail(false);
  EXPECT_OK(journal_->clear());
  EXPECT_EQ(count(), 0u);
}

TEST_F(JournalFaults, AFlushWritesWhatWasAppendedBeforeItAndSaysWhenItCannot) {
  options_.block_delay = std::chrono::hours(1);
  open();
  append(1, 15);  // a full block and four more
  EXPECT_OK(journal_->flush());
  blocks_.fail(true);
  append(15, 17);
  EXPECT_EQ(journal_->flush().error().code, Code::unavailable);
  blocks_.fail(false);
  append(17, 19);
  EXPECT_OK(journal_->flush()) << "with what the one before could not write";
  EXPECT_OK(journal_->flush()) << "nothing to do";
  blocks_.fail(true);
  append(19, 20);  // lost
  EXPECT_EQ(journal_->close().error().code, Code::unavailable);
  EXPECT_EQ(journal_->flush().error().code, Code::unavailable) << "closed";
  blocks_.fail(false);
  open();
  EXPECT_EQ(count(), 18u);
}

TEST_F(JournalFaults, WithAHangingDiskReadsAreStaleAndWorkersAreRefusedNotBlocked) {
  options_.ring_bytes = 4096;
  options_.reader_patience = std::chrono::milliseconds(20);
  std::atomic<int> rooms{0};
  options_.on_room = [&](unsigned) {
    ++rooms;
    rooms.notify_one();
  };
  open();
  append(1, 6);
  while (count() < 5) {
  }  // A look may be stale as yet: the patience is short.
  blocks_.hang(true);
  append(6, 16);
  blocks_.wait_until_it_hangs();
  const auto page = journal_->page({}, 100, "");
  ASSERT_OK(page);
  EXPECT_TRUE(page->stale);
  EXPECT_FALSE(page->items.empty());
  const auto scanned = journal_->scan({}, [](const Record&) { return true; });
  ASSERT_OK(scanned);
  EXPECT_FALSE(*scanned);
  EXPECT_EQ(journal_->clear().error().code, Code::unavailable);
  EXPECT_OK(journal_->find(ulid(2)));
  EXPECT_EQ(journal_->find(ulid(15)).error().code, Code::unavailable) << "nobody knows yet";

  unsigned accepted = 0;
  RecordInput input;
  for (; accepted < 10'000; ++accepted) {
    input.id = ulid(16 + accepted);
    if (!journal_->producer(0).append(input)) break;
  }
  EXPECT_LT(accepted, 10'000u);
  EXPECT_EQ(rooms.load(), 0);
  blocks_.hang(false);
  rooms.wait(0);
  EXPECT_EQ(rooms.load(), 1);
  EXPECT_TRUE(journal_->producer(0).append(input));
}

TEST_F(JournalFaults, RefusesWhenTheOldestRecordWaitsForOverASecond) {
  options_.reader_patience = std::chrono::milliseconds(1);
  open();
  blocks_.hang(true);
  append(1, 2);
  blocks_.wait_until_it_hangs();
  append(2, 3);
  clock_.advance(std::chrono::milliseconds(1001));
  EXPECT_FALSE(journal_->producer(0).append({}));
  blocks_.hang(false);
}

}  // namespace
}  // namespace mimus
