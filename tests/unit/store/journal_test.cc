// What a journal promises, over each kind of BlockStore.
#include <thread>

#include "tests/unit/store/scratch.h"

namespace mimus {
namespace {

constexpr int country = core_field_count;
constexpr int proxied = core_field_count + 1;

class JournalContract : public DatabaseContract {
 protected:
  JournalContract() {
    options_.block_records = 8;
    options_.reader_patience = patience;
    options_.plugin_fields = {{"geoCountry", FieldType::text, true, "country"},
                              {"proxied", FieldType::flag, true, "proxied"}};
  }

  void open() {
    journal_.reset();
    auto opened = open_journal(database_->blocks(), clock_, options_);
    ASSERT_OK(opened);
    journal_ = *std::move(opened);
  }

  static constexpr std::int64_t start_us = 1'767'225'600'000'000;  // the fake clock's

  static RecordInput numbered(unsigned n) {
    RecordInput out;
    out.id = ulid(n);
    out.api = ulid(9000);
    out.time_us = start_us + n;
    out.duration_us = n;
    out.method = "GET";
    out.path = "/users/of/a/length";
    out.status = n % 10 == 0 ? 500 : 200;
    return out;
  }

  void append(unsigned from, unsigned to, unsigned producer = 0) {
    for (unsigned n = from; n < to; ++n) ASSERT_TRUE(journal_->producer(producer).append(numbered(n)));
  }

  static std::vector<unsigned> numbers(const Journal::Page& page) {
    std::vector<unsigned> out;
    for (const Record& record : page.items) out.push_back(static_cast<unsigned>(record.duration_us));
    return out;
  }

  std::vector<unsigned> all(std::span<const Filter> filters = {}) {
    std::vector<unsigned> out;
    const auto fresh = journal_->scan(filters, [&](const Record& record) {
      out.push_back(static_cast<unsigned>(record.duration_us));
      return true;
    });
    EXPECT_OK(fresh);
    EXPECT_TRUE(fresh && *fresh);
    return out;
  }

  static std::vector<unsigned> down(unsigned from, unsigned to) {
    std::vector<unsigned> out;
    for (unsigned n = from; n > to; --n) out.push_back(n - 1);
    return out;
  }

  JournalOptions options_;
  std::unique_ptr<Journal> journal_;  // goes before its database
};
MIMUS_BOTH_DATABASES(JournalContract);

TEST_P(JournalContract, IsEmptyAtFirst) {
  open();
  const auto page = journal_->page({}, 10, "");
  ASSERT_OK(page);
  EXPECT_TRUE(page->items.empty());
  EXPECT_EQ(page->next_cursor, "");
  EXPECT_FALSE(page->stale);
}

TEST_P(JournalContract, ReadsSeeWhatWasAppendedBefore) {
  open();
  for (unsigned n = 1; n <= 40; ++n) {
    append(n, n + 1);
    const auto page = journal_->page({}, 1, "");
    ASSERT_OK(page);
    ASSERT_EQ(numbers(*page), std::vector<unsigned>{n});
  }
  EXPECT_EQ(all(), down(41, 1));
}

TEST_P(JournalContract, PagesNewestFirstWithoutGapOrRepeat) {
  open();
  append(1, 51);
  std::vector<unsigned> seen;
  std::string cursor;
  int pages = 0;
  do {
    const auto page = journal_->page({}, 7, cursor);
    ASSERT_OK(page);
    EXPECT_LE(page->items.size(), 7u);
    for (const unsigned n : numbers(*page)) seen.push_back(n);
    cursor = page->next_cursor;
    append(100 + static_cast<unsigned>(pages),
           101 + static_cast<unsigned>(pages));  // newer: not in later pages
    ++pages;
  } while (!cursor.empty());
  EXPECT_EQ(seen, down(51, 1));
  EXPECT_EQ(pages, 8);
}

TEST_P(JournalContract, APageThatEndsWithTheJournalHasNoCursor) {
  open();
  append(1, 9);
  EXPECT_EQ(journal_->page({}, 8, "")->next_cursor, "");
  EXPECT_NE(journal_->page({}, 7, "")->next_cursor, "");
  EXPECT_EQ(journal_->page({}, 0, "")->next_cursor, "");
}

TEST_P(JournalContract, RefusesCursorsThatAreNotItsOwn) {
  open();
  append(1, 20);
  for (const char* const cursor :
       {"x", "000000000000000100000001x", "00000000000000010000000x", "-00000000000000100000001"}) {
    const auto page = journal_->page({}, 5, cursor);
    ASSERT_FALSE(page) << cursor;
    EXPECT_EQ(page.error().code, Code::invalid);
    EXPECT_EQ(page.error().pointer, "/cursor");
  }
}

TEST_P(JournalContract, FiltersMustAllHold) {
  open();
  append(1, 101);
  const Filter failed{field_status, Filter::Op::at_least, 500, ""};
  EXPECT_EQ(all(std::span(&failed, 1)), (std::vector<unsigned>{100, 90, 80, 70, 60, 50, 40, 30, 20, 10}));
  const Filter both[] = {failed, {field_time, Filter::Op::below, start_us + 40, ""}};
  EXPECT_EQ(all(both), (std::vector<unsigned>{30, 20, 10}));
  const auto page = journal_->page(both, 2, "");
  EXPECT_EQ(numbers(*page), (std::vector<unsigned>{30, 20}));
  EXPECT_EQ(numbers(*journal_->page(both, 2, page->next_cursor)), (std::vector<unsigned>{10}));
}

TEST_P(JournalContract, AScanEndsWhenToldTo) {
  open();
  append(1, 30);
  int shown = 0;
  EXPECT_OK(journal_->scan({}, [&](const Record&) { return ++shown < 3; }));
  EXPECT_EQ(shown, 3);
}

TEST_P(JournalContract, FindsARecordById) {
  open();
  append(1, 60);
  for (const unsigned n : {1u, 8u, 9u, 59u}) {
    const auto found = journal_->find(ulid(n));
    ASSERT_OK(found);
    EXPECT_EQ(found->duration_us, n);
    EXPECT_EQ(found->path, "/users/of/a/length");
  }
  EXPECT_EQ(journal_->find(ulid(60)).error().code, Code::not_found);
}

TEST_P(JournalContract, MergesProducersInTheOrderOfIds) {
  options_.producers = 3;
  open();
  for (unsigned n = 0; n < 60; ++n) append(n, n + 1, n % 3);
  EXPECT_EQ(all(), down(60, 0));
}

TEST_P(JournalContract, KeepsTheOrderOfIdsWhereverTheWriterLooksFirst) {
  options_.producers = 64;
  options_.block_records = 512;
  open();
  constexpr unsigned count = 60'000;
  std::atomic<bool> over = false;
  std::thread workers([&] {  // each waits for the one before, as a client waits for its answer
    for (unsigned n = 0; n < count; ++n) append(n, n + 1, n % 2 == 0 ? 0 : 63);
    over = true;
  });
  while (!over) EXPECT_OK(journal_->page({}, 1, ""));  // has the writer look
  workers.join();
  EXPECT_EQ(all(), down(count, 0));
}

TEST_P(JournalContract, PluginsEnrichBeforeStoring) {
  options_.enrich = [](std::span<Record* const> records) {
    for (Record* const record : records) {
      record->set_text(country, record->duration_us % 2 == 0 ? "Deutschland, a name that is long" : "FR");
      record->set_number(proxied, record->duration_us % 3 == 0);
    }
  };
  open();
  append(1, 21);
  const Filter filters[] = {{country, Filter::Op::equals, 0, "FR"}, {proxied, Filter::Op::equals, 1, ""}};
  EXPECT_EQ(all(filters), (std::vector<unsigned>{15, 9, 3}));
  EXPECT_EQ(journal_->find(ulid(4))->text(country), "Deutschland, a name that is long");
}

TEST_P(JournalContract, KnowsItsFieldsByName) {
  open();
  EXPECT_EQ(journal_->field("status"), field_status);
  EXPECT_EQ(journal_->field("geoCountry"), country);
  EXPECT_EQ(journal_->field("nothing"), -1);
  EXPECT_EQ(journal_->fields().size(), core_field_count + 2u);
}

TEST_P(JournalContract, OldBlocksStayReadableWhenThePluginsChange) {
  open();
  const FieldValue extra[] = {{country, 0, "DE"}, {proxied, 1, {}}};
  for (unsigned n = 1; n <= 10; ++n) {
    RecordInput input = numbered(n);
    input.extra = extra;
    ASSERT_TRUE(journal_->producer(0).append(input));
  }
  ASSERT_OK(journal_->close());
  options_.plugin_fields = {{"deduplicated", FieldType::flag, true, ""},
                            {"geoCountry", FieldType::text, true, ""}};
  open();
  const int now = journal_->field("geoCountry");
  EXPECT_EQ(now, core_field_count + 1);
  const auto found = journal_->find(ulid(3));
  ASSERT_OK(found);
  EXPECT_EQ(found->text(now), "DE");
  EXPECT_EQ(found->number(core_field_count), std::nullopt) << "proxied is not taken for deduplicated";
  const Filter filter{now, Filter::Op::equals, 0, "DE"};
  EXPECT_EQ(all(std::span(&filter, 1)).size(), 10u);
}

TEST_P(JournalContract, ACloseWritesEverything) {
  open();
  append(1, 30);
  ASSERT_OK(journal_->close());
  EXPECT_EQ(all(), down(30, 1)) << "still readable when closed";
  open();
  EXPECT_EQ(all(), down(30, 1));
  append(30, 50);
  EXPECT_EQ(all(), down(50, 1));
  EXPECT_EQ(journal_->stats().records, 49u);
}

TEST_P(JournalContract, ClearForgetsWhatWasThereAndNothingLater) {
  open();
  append(1, 30);
  ASSERT_OK(journal_->clear());
  EXPECT_TRUE(all().empty());
  EXPECT_EQ(journal_->stats().records, 0u);
  append(40, 50);
  EXPECT_EQ(all(), down(50, 40));
  open();
  EXPECT_EQ(all(), down(50, 40));
}

TEST_P(JournalContract, RetainsAtMostSoManyBytes) {
  options_.retain_bytes = 4000;
  open();
  for (unsigned n = 1; n <= 1000; n += 50) {
    append(n, n + 50);
    clock_.advance(options_.block_delay);
    all();
  }
  clock_.advance(options_.block_delay);
  all();
  all();  // answered after the turn that retains
  const Journal::Stats stats = journal_->stats();
  EXPECT_LE(stats.bytes, 5000u);
  EXPECT_GE(stats.records, 16u);
  const auto kept = all();
  EXPECT_EQ(kept, down(1001, 1001 - static_cast<unsigned>(kept.size()))) << "the newest";
  std::size_t blocks = 0;
  EXPECT_OK(database_->blocks().each(
      [&](BlockStore::Key key, std::string_view) { blocks += key.piece == 0 ? 1u : 0u; }));
  EXPECT_LE(blocks, stats.blocks);
}

TEST_P(JournalContract, ForgetsWhatIsTooOldAlsoInTheOpenBlock) {
  options_.retain_for = std::chrono::hours(1);
  open();
  for (unsigned n = 1; n <= 20; ++n) {
    RecordInput input = numbered(n);
    input.time_us = clock_.wall_us();
    ASSERT_TRUE(journal_->producer(0).append(input));
  }
  EXPECT_EQ(all().size(), 20u);
  clock_.advance(std::chrono::minutes(59));
  all();
  EXPECT_EQ(all().size(), 20u);
  clock_.advance(std::chrono::minutes(2));
  all();
  EXPECT_EQ(all().size(), 0u);
}

TEST_P(JournalContract, BlocksWithCapturedBodiesAreClosedEarly) {
  options_.block_records = 512;
  options_.ring_bytes = 4u << 20;
  open();
  const std::string body(64u << 10, 'b');
  const FieldValue extra[] = {{field_request_body, 0, body}, {field_response_body, 0, body}};
  for (unsigned n = 1; n <= 40; ++n) {
    RecordInput input = numbered(n);
    input.extra = extra;
    while (!journal_->producer(0).append(input)) all();
  }
  EXPECT_EQ(all(), down(41, 1));
  EXPECT_GE(journal_->stats().blocks, 4u);
  EXPECT_EQ(journal_->find(ulid(7))->text(field_response_body), body);
}

TEST_P(JournalContract, LosesNothingWhenWorkersWaitForRoom) {
  options_.producers = 2;
  options_.ring_bytes = 4096;
  options_.block_records = 100;
  std::atomic<unsigned> rooms[2] = {0, 0};
  options_.on_room = [&](unsigned index) {
    ++rooms[index];
    rooms[index].notify_one();
  };
  open();
  constexpr unsigned each = 3000;
  std::vector<std::thread> workers;
  for (unsigned w = 0; w < 2; ++w) {
    workers.emplace_back([&, w] {
      for (unsigned i = 0; i < each;) {
        const unsigned before = rooms[w].load();
        if (journal_->producer(w).append(numbered(w * each + i))) {
          ++i;
        } else {
          rooms[w].wait(before);
        }
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  auto seen = all();
  std::sort(seen.rbegin(), seen.rend());
  EXPECT_EQ(seen, down(2 * each, 0));
  EXPECT_EQ(journal_->stats().dropped, 0u);
}

TEST_P(JournalContract, IsReadWhileItIsWritten) {
  options_.block_records = 64;
  open();
  std::thread reader([&] {
    for (int i = 0; i < 50; ++i) {
      std::int64_t last = INT64_MAX;
      EXPECT_OK(journal_->scan({}, [&](const Record& record) {
        EXPECT_LT(record.duration_us, last);
        last = record.duration_us;
        return true;
      }));
    }
  });
  append(1, 5000);
  reader.join();
  EXPECT_EQ(all(), down(5000, 1));
}

}  // namespace
}  // namespace mimus
