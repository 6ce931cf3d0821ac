// What outlives the process on a disk, and what is refused.
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <future>

#include "store/data_directory.h"
#include "store/table.h"
#include "tests/unit/store/scratch.h"

namespace mimus {
namespace {

class Reopen : public testing::Test {
 protected:
  Database& open() {
    database_.reset();
    auto opened = open_database(options_in(scratch_), clock_);
    if (!opened) throw std::runtime_error(opened.error().message);
    database_ = *std::move(opened);
    return *database_;
  }

  std::optional<std::string> kv(std::string_view key) {
    std::optional<std::string> out;
    for (;;) {
      std::promise<void> loaded;
      const auto found = database_->kv().get(
          key, [&](std::string_view value) { out = value; }, [&] { loaded.set_value(); });
      if (found != KvStore::Found::pending) return out;
      loaded.get_future().wait();
    }
  }

  static DefinitionWrite api(unsigned id, std::string document) {
    return {Kind::api, ulid(id), ulid(id), 1, false, std::move(document), {}};
  }

  ScratchDir scratch_;
  FakeClock clock_;
  std::unique_ptr<Database> database_;
};

TEST_F(Reopen, FindsWhatWasWritten) {
  open();
  ASSERT_OK(database_->definitions().commit(std::vector{api(1, "{\"a\":1}")}, 5));
  ASSERT_OK(database_->tokens().put({ulid(1), "t", Role::admin, std::string(32, 's'), 0}));
  ASSERT_OK(database_->kv().put("key", "value", 0));
  ASSERT_OK(database_->blocks().put({4, 0}, "block", {}));
  open();
  EXPECT_EQ(database_->definitions().sequence(), 1u);
  EXPECT_EQ(*database_->definitions().document(Kind::api, ulid(1)), "{\"a\":1}");
  EXPECT_EQ(*database_->definitions().commit(std::vector{api(2, "{}")}, 5), 2u);
  EXPECT_EQ(database_->tokens().all()->size(), 1u);
  EXPECT_EQ(kv("key"), "value");
  EXPECT_EQ(kv("other"), std::nullopt);
  EXPECT_EQ(*database_->blocks().get({4, 0}), "block");
}

TEST_F(Reopen, KvEndsWithWhatWasLast) {
  open();
  for (const char* const key : {"kept", "removed", "a/1", "a/2"}) ASSERT_OK(database_->kv().put(key, key, 0));
  ASSERT_OK(database_->kv().flush());
  ASSERT_OK(database_->kv().put("kept", "newer", 0));
  ASSERT_OK(database_->kv().remove("removed"));
  ASSERT_OK(database_->kv().remove_prefix("a/"));
  open();
  EXPECT_EQ(kv("kept"), "newer");
  EXPECT_EQ(kv("removed"), std::nullopt);
  EXPECT_EQ(kv("a/1"), std::nullopt);
  ASSERT_OK(database_->kv().flush());
  EXPECT_EQ(database_->kv().stats().entries, 1u);
}

TEST_F(Reopen, KvKeepsTimesByTheWallClock) {
  open();
  ASSERT_OK(database_->kv().put("brief", "x", 1000));
  ASSERT_OK(database_->kv().put("longer", "x", 3000));
  database_.reset();
  clock_.advance(std::chrono::seconds(2));
  open();
  EXPECT_EQ(kv("brief"), std::nullopt);
  EXPECT_EQ(kv("longer"), "x");
  clock_.advance(std::chrono::seconds(1));
  EXPECT_EQ(kv("longer"), std::nullopt);
}

TEST_F(Reopen, KvMayHoldMoreThanMemory) {
  open();
  for (int i = 0; i < 3000; ++i)
    ASSERT_OK(database_->kv().put("key/" + std::to_string(i), std::to_string(i), 0));
  database_.reset();
  StoreOptions options = options_in(scratch_);
  options.kv_bytes = 64u << 10;
  auto opened = open_database(options, clock_);
  ASSERT_OK(opened);
  database_ = *std::move(opened);
  for (int i = 0; i < 3000; i += 7) EXPECT_EQ(kv("key/" + std::to_string(i)), std::to_string(i));
  EXPECT_LE(database_->kv().stats().bytes, 64u << 10);
}

TEST_F(Reopen, AcknowledgedWritesAreInTheFilesBeforeAClose) {
  open();
  ASSERT_OK(database_->definitions().commit(std::vector{api(1, "{\"a\":1}")}, 5));
  ASSERT_OK(database_->blocks().put({1, 1}, "piece", {}));
  // What a process that ended here would leave behind.
  ASSERT_OK(make_directory(scratch_.file("left")));
  ASSERT_OK(copy_files(database_path(scratch_.file("data")), database_path(scratch_.file("left"))));
  auto opened = open_database({scratch_.file("left")}, clock_);
  ASSERT_OK(opened);
  EXPECT_EQ(*(*opened)->definitions().document(Kind::api, ulid(1)), "{\"a\":1}");
  EXPECT_EQ(*(*opened)->blocks().get({1, 1}), "piece");
}

TEST_F(Reopen, ManyStartsLeaveFewLogs) {
  for (unsigned i = 1; i <= 40; ++i) {
    open();
    ASSERT_OK(database_->definitions().commit(std::vector{api(i, "{}")}, 5));
  }
  int logs = 0;
  for (const auto& file : std::filesystem::directory_iterator(database_path(scratch_.file("data")))) {
    logs += file.path().extension() == ".log" ? 1 : 0;
  }
  EXPECT_LE(logs, 10);
  open();
  EXPECT_EQ(database_->definitions().changes(0, 100)->size(), 40u);
}

TEST_F(Reopen, ASecondHostIsRefused) {
  open();
  const auto second = open_database(options_in(scratch_), clock_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::conflict);
  EXPECT_NE(second.error().message.find("is in use by another Mimus (pid "), std::string::npos);
}

TEST_F(Reopen, DataOfANewerMimusIsRefused) {
  open();
  database_.reset();
  {
    auto table = open_rocks_table(database_path(scratch_.file("data")));
    ASSERT_OK(table);
    Batch batch;
    batch.put(Space::main, "mformat", "2");
    ASSERT_OK((*table)->write(batch, true));
  }
  const auto opened = open_database(options_in(scratch_), clock_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::corrupt);
  EXPECT_NE(opened.error().message.find("written by a newer Mimus (format 2, this one reads up to 1)"),
            std::string::npos)
      << opened.error().message;
  const Status restored = restore_database(scratch_.file("data"), scratch_.file("restored"));
  ASSERT_FALSE(restored);
  EXPECT_EQ(restored.error().code, Code::corrupt);
}

TEST_F(Reopen, ADamagedDatabaseIsCorruptNotACrash) {
  open();
  database_.reset();
  const std::string current = database_path(scratch_.file("data")) + "/CURRENT";
  std::filesystem::resize_file(current, 3);
  const auto opened = open_database(options_in(scratch_), clock_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::corrupt) << opened.error().message;
}

TEST_F(Reopen, ABackupIsRestoredElsewhere) {
  open();
  ASSERT_OK(database_->definitions().commit(std::vector{api(1, "{\"a\":1}")}, 5));
  ASSERT_OK(database_->kv().put("key", "value", 0));
  ASSERT_OK(database_->backup(scratch_.file("backups/monday")));
  ASSERT_OK(database_->definitions().commit(std::vector{api(2, "later")}, 5));
  EXPECT_EQ(database_->backup(scratch_.file("backups/monday")).error().code, Code::conflict);
  database_.reset();

  EXPECT_EQ(restore_database(scratch_.file("nowhere"), scratch_.file("x")).error().code, Code::not_found);
  EXPECT_EQ(restore_database(scratch_.file("backups/monday"), scratch_.file("data")).error().code,
            Code::conflict);
  std::filesystem::remove_all(scratch_.file("data"));
  ASSERT_OK(restore_database(scratch_.file("backups/monday"), scratch_.file("data")));
  open();
  EXPECT_EQ(*database_->definitions().document(Kind::api, ulid(1)), "{\"a\":1}");
  EXPECT_EQ(database_->definitions().sequence(), 1u);
  EXPECT_EQ(kv("key"), "value");
}

TEST_F(Reopen, ADiskThatTakesNoMoreIsUnavailableAndComesBack) {
  open();
  ASSERT_OK(database_->definitions().commit(std::vector{api(1, "kept")}, 5));
  // No file may grow beyond 64 KiB: writes fail as on a full disk.
  signal(SIGXFSZ, SIG_IGN);
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{64u << 10, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  bool failed = false;
  for (unsigned i = 0; i < 20 && !failed; ++i) {
    const auto committed = database_->definitions().commit(std::vector{api(2, std::string(10'000, 'x'))}, 5);
    if (!committed) {
      EXPECT_EQ(committed.error().code, Code::unavailable) << committed.error().message;
      failed = true;
    }
  }
  EXPECT_TRUE(failed);
  EXPECT_EQ(*database_->definitions().document(Kind::api, ulid(1)), "kept") << "reads go on";
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_OK(database_->definitions().commit(std::vector{api(3, "later")}, 5));
  open();
  EXPECT_EQ(*database_->definitions().document(Kind::api, ulid(1)), "kept");
  EXPECT_EQ(*database_->definitions().document(Kind::api, ulid(3)), "later");
}

TEST_F(Reopen, TheDirectoryIsItsOwnersAlone) {
  open();
  struct stat made;
  ASSERT_EQ(stat(scratch_.file("data").c_str(), &made), 0);
  EXPECT_EQ(made.st_mode & 0777u, 0700u);
  EXPECT_FALSE(exists(database_path(scratch_.file("data")) + "/LOG")) << "RocksDB writes no log of its own";
}

}  // namespace
}  // namespace mimus
