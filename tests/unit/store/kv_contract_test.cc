// What every KvStore promises.
#include <future>
#include <thread>

#include "tests/unit/store/scratch.h"

namespace mimus {
namespace {

using Found = KvStore::Found;

class KvContract : public DatabaseContract {
 protected:
  KvStore& kv() { return database_->kv(); }

  /// The value of a key, waiting for the disk where it must; nothing if it is absent.
  std::optional<std::string> get(std::string_view key, int* reads = nullptr) {
    std::optional<std::string> out;
    for (;;) {
      std::promise<void> loaded;
      const Found found = kv().get(
          key, [&](std::string_view value) { out = value; }, [&] { loaded.set_value(); });
      if (found != Found::pending) return out;
      if (reads != nullptr) ++*reads;
      loaded.get_future().wait();
    }
  }

  Found ask(std::string_view key) {
    return kv().get(key, [](std::string_view) {}, {});
  }

  /// Puts `count` keys of 100 bytes, going to disk whenever the queue is full.
  void fill(unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      const std::string key = "fill/" + std::to_string(i);
      while (!kv().put(key, std::string(100, static_cast<char>('a' + i % 26)), 0)) ASSERT_OK(kv().flush());
    }
    ASSERT_OK(kv().flush());
  }
};
MIMUS_BOTH_DATABASES(KvContract);

TEST_P(KvContract, TellsAnEmptyValueFromNoValue) {
  ASSERT_OK(kv().put("empty", "", 0));
  EXPECT_EQ(get("empty"), "");
  EXPECT_EQ(get("absent"), std::nullopt);
}

TEST_P(KvContract, ShowsAPutAtOnce) {
  ASSERT_OK(kv().put("key", "one", 0));
  EXPECT_EQ(ask("key"), Found::yes);
  EXPECT_EQ(get("key"), "one");
  ASSERT_OK(kv().put("key", "two", 0));
  EXPECT_EQ(get("key"), "two");
}

TEST_P(KvContract, AbsentWithoutTheDiskOnceItKnowsWhatIsThere) {
  ASSERT_OK(kv().flush());
  int reads = 0;
  EXPECT_EQ(get("absent", &reads), std::nullopt);
  EXPECT_EQ(reads, 0);
}

TEST_P(KvContract, KeepsKeysAndValuesOfAnyBytes) {
  const std::string key("k\0\xff", 3);
  const std::string value("\0v\xff", 3);
  ASSERT_OK(kv().put(key, value, 0));
  ASSERT_OK(kv().flush());
  EXPECT_EQ(get(key), value);
  EXPECT_EQ(get(key.substr(0, 2)), std::nullopt);
}

TEST_P(KvContract, RemovesAKey) {
  ASSERT_OK(kv().put("key", "value", 0));
  ASSERT_OK(kv().flush());
  ASSERT_OK(kv().remove("key"));
  EXPECT_EQ(get("key"), std::nullopt);
  ASSERT_OK(kv().flush());
  EXPECT_EQ(get("key"), std::nullopt);
  EXPECT_OK(kv().remove("key")) << "removing nothing is no error";
  EXPECT_EQ(kv().stats().entries, 0u);
}

TEST_P(KvContract, RemovesAPrefixAndNothingElse) {
  for (const char* const key : {"dedup/1", "dedup/2", "dedup", "other/1"}) ASSERT_OK(kv().put(key, key, 0));
  ASSERT_OK(kv().flush());
  ASSERT_OK(kv().put("dedup/unflushed", "x", 0));
  ASSERT_OK(kv().remove_prefix("dedup/"));
  ASSERT_OK(kv().put("dedup/2", "newer", 0));
  for (int flushed = 0; flushed < 2; ++flushed) {
    EXPECT_EQ(get("dedup/1"), std::nullopt);
    EXPECT_EQ(get("dedup/unflushed"), std::nullopt);
    EXPECT_EQ(get("dedup/2"), "newer") << "put after the removal";
    EXPECT_EQ(get("dedup"), "dedup");
    EXPECT_EQ(get("other/1"), "other/1");
    ASSERT_OK(kv().flush());
  }
}

TEST_P(KvContract, ForgetsAKeyOnceItsTimeHasPassed) {
  ASSERT_OK(kv().put("brief", "x", 1000));
  ASSERT_OK(kv().put("for ever", "x", 0));
  ASSERT_OK(kv().put("longest", "x", UINT64_MAX));
  clock_.advance(std::chrono::milliseconds(999));
  EXPECT_EQ(get("brief"), "x");
  clock_.advance(std::chrono::milliseconds(1));
  EXPECT_EQ(get("brief"), std::nullopt);
  EXPECT_EQ(get("for ever"), "x");
  EXPECT_EQ(get("longest"), "x");
}

TEST_P(KvContract, APutRenewsTheTime) {
  ASSERT_OK(kv().put("key", "x", 1000));
  clock_.advance(std::chrono::milliseconds(900));
  ASSERT_OK(kv().put("key", "y", 1000));
  clock_.advance(std::chrono::milliseconds(900));
  EXPECT_EQ(get("key"), "y");
}

TEST_P(KvContract, SweepsExpiredKeysThatNobodyAsksFor) {
  ASSERT_OK(kv().put("brief", "x", 1000));
  ASSERT_OK(kv().put("for ever", "x", 0));
  ASSERT_OK(kv().flush());
  EXPECT_EQ(kv().stats().entries, 2u);
  clock_.advance(std::chrono::seconds(2));
  ASSERT_OK(kv().flush());
  EXPECT_EQ(kv().stats().entries, 1u);
}

TEST_P(KvContract, EvictsToTheDiskAndReadsBack) {
  make(64u << 10);
  fill(2000);
  const KvStore::Stats stats = kv().stats();
  EXPECT_LE(stats.bytes, 64u << 10);
  EXPECT_GT(stats.evicted, 1000u);
  int reads = 0;
  for (unsigned i = 0; i < 2000; ++i) {
    ASSERT_EQ(get("fill/" + std::to_string(i), &reads), std::string(100, static_cast<char>('a' + i % 26)))
        << i;
  }
  EXPECT_GT(reads, 1000);
  EXPECT_EQ(get("fill/2000"), std::nullopt);
}

TEST_P(KvContract, AnEvictedKeyIsAbsentForWhoCannotWait) {
  make(64u << 10);
  fill(2000);
  unsigned absent = 0;
  for (unsigned i = 0; i < 2000; ++i) absent += ask("fill/" + std::to_string(i)) == Found::absent ? 1u : 0u;
  EXPECT_EQ(absent, 2000 - kv().stats().entries);
}

TEST_P(KvContract, RemovesEvictedKeysToo) {
  make(64u << 10);
  fill(1000);
  ASSERT_OK(kv().remove("fill/0"));
  EXPECT_EQ(get("fill/0"), std::nullopt);
  ASSERT_OK(kv().remove_prefix("fill/9"));
  for (const char* const key : {"fill/9", "fill/90", "fill/999"}) EXPECT_EQ(get(key), std::nullopt) << key;
  ASSERT_OK(kv().flush());
  for (const char* const key : {"fill/9", "fill/90", "fill/999"}) EXPECT_EQ(get(key), std::nullopt) << key;
  EXPECT_NE(get("fill/1"), std::nullopt);
}

TEST_P(KvContract, RemovesAPrefixOfManyKeys) {
  make(64u << 10);
  fill(10'000);
  ASSERT_OK(kv().put("other", "x", 0));
  ASSERT_OK(kv().remove_prefix("fill/"));
  ASSERT_OK(kv().flush());
  for (unsigned i = 0; i < 10'000; i += 99) ASSERT_EQ(get("fill/" + std::to_string(i)), std::nullopt) << i;
  EXPECT_EQ(get("other"), "x");
  EXPECT_EQ(kv().stats().entries, 1u);
}

TEST_P(KvContract, ExpiredKeysOnDiskAreAbsent) {
  make(64u << 10);
  ASSERT_OK(kv().put("brief", "x", 500));
  fill(1000);
  clock_.advance(std::chrono::milliseconds(500));
  EXPECT_EQ(get("brief"), std::nullopt);
}

TEST_P(KvContract, TakesAValueLargerThanItsMemory) {
  make(64u << 10);
  const std::string large(200'000, 'x');
  ASSERT_OK(kv().put("large", large, 0));
  ASSERT_OK(kv().flush());
  fill(500);
  EXPECT_EQ(get("large"), large);
}

TEST_P(KvContract, RefusesWhenTheQueueToTheDiskIsFull) {
  make(16u << 10);  // 1 KiB for each of the 16 shards, half of that for the queue
  bool refused = false;
  for (unsigned i = 0; i < 10'000 && !refused; ++i) {
    const Status put = kv().put("key/" + std::to_string(i), std::string(300, 'x'), 0);
    if (!put) {
      EXPECT_EQ(put.error().code, Code::unavailable);
      EXPECT_EQ(get("key/" + std::to_string(i)), std::nullopt) << "nothing was stored";
      refused = true;
    }
  }
  EXPECT_TRUE(refused);
  ASSERT_OK(kv().flush());
  EXPECT_OK(kv().put("key", "x", 0));
}

TEST_P(KvContract, CountsWhatItHolds) {
  ASSERT_OK(kv().put("a", "1", 0));
  ASSERT_OK(kv().put("b", "2", 0));
  EXPECT_EQ(kv().stats().entries, 2u);
  EXPECT_GT(kv().stats().bytes, 4u);
  ASSERT_OK(kv().flush());
  EXPECT_EQ(kv().stats().queued, 0u);
  EXPECT_EQ(kv().stats().write_errors, 0u);
}

TEST_P(KvContract, ServesManyThreadsAtOnce) {
  make(256u << 10);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (unsigned i = 0; i < 2000; ++i) {
        const std::string key = "key/" + std::to_string(i % 500);
        if (i % 7 == t) {
          if (!kv().remove(key)) continue;
        } else if (i % 3 == 0) {
          if (!kv().put(key, key, i % 5 == 0 ? 1000 : 0)) continue;  // full: a cache may lose it
        } else if (const auto value = get(key)) {
          EXPECT_EQ(*value, key);
        }
        if (i % 500 == 499 && t == 0) {
          EXPECT_OK(kv().remove_prefix("key/1"));
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_OK(kv().flush());
}

}  // namespace
}  // namespace mimus
