// A journal that learns fields while it runs.
#include <algorithm>
#include <atomic>
#include <thread>

#include "tests/unit/store/scratch.h"

namespace mimus {
namespace {

using Specs = std::vector<FieldSpec>;
using Numbers = std::vector<unsigned>;
using Op = Filter::Op;

const FieldSpec country{"geoCountry", FieldType::text, true, "country"};
const FieldSpec proxied{"proxied", FieldType::flag, true, "proxied"};
const FieldSpec attempts{"attempts", FieldType::integer, true, ""};

class GrowingJournal : public DatabaseContract {
 protected:
  GrowingJournal() {
    options_.block_records = 8;
    options_.reader_patience = patience;
  }

  void open(Specs fields) {
    journal_.reset();
    options_.plugin_fields = std::move(fields);
    auto opened = open_journal(database_->blocks(), clock_, options_);
    ASSERT_OK(opened);
    journal_ = *std::move(opened);
  }

  int add(const FieldSpec& spec) {
    const auto numbers = journal_->add_fields(std::span(&spec, 1));
    EXPECT_OK(numbers);
    return numbers && numbers->size() == 1 ? numbers->front() : -1;
  }

  static FieldValue text(int field, std::string_view value) {
    return {static_cast<std::uint16_t>(field), 0, value};
  }
  static FieldValue number(int field, std::int64_t value) {
    return {static_cast<std::uint16_t>(field), value, {}};
  }

  /// Records with the numbers from..to-1, which are their durations too.
  void append(unsigned from, unsigned to, std::vector<FieldValue> extra = {}) {
    for (unsigned n = from; n < to; ++n) {
      RecordInput input;
      input.id = ulid(n);
      input.time_us = clock_.wall_us();
      input.duration_us = n;
      input.extra = extra;
      ASSERT_TRUE(journal_->producer(0).append(input));
    }
  }

  /// The numbers of the records that pass, oldest first.
  Numbers passing(const Filter& filter) {
    Numbers out;
    EXPECT_OK(journal_->scan(std::span(&filter, 1), [&](const Record& record) {
      out.push_back(static_cast<unsigned>(record.duration_us));
      return true;
    }));
    std::reverse(out.begin(), out.end());
    return out;
  }

  JournalOptions options_;
  std::unique_ptr<Journal> journal_;
};
MIMUS_BOTH_DATABASES(GrowingJournal);

TEST_P(GrowingJournal, KeepsAndFindsWhatIsNew) {
  open({proxied});
  const Specs& before = journal_->fields();
  append(1, 4);
  const int field = add(country);
  EXPECT_EQ(field, core_field_count + 1);
  EXPECT_EQ(journal_->field("geoCountry"), field);
  EXPECT_EQ(journal_->fields().size(), core_field_count + 2u);
  EXPECT_EQ(before.size(), core_field_count + 1u) << "what was shown stays";
  append(4, 30, {text(field, "DE")});
  append(30, 33, {text(field, "FR")});
  EXPECT_EQ(journal_->find(ulid(3))->text(field), std::nullopt);
  EXPECT_EQ(journal_->find(ulid(4))->text(field), "DE");
  EXPECT_EQ(passing({field, Op::equals, 0, "FR"}), (Numbers{30, 31, 32}));
  EXPECT_EQ(passing({field, Op::equals, 0, "DE"}).size(), 26u);
}

TEST_P(GrowingJournal, KeepsNumbersOfKnownNamesAndRefusesOtherTypes) {
  open({country});
  EXPECT_EQ(add(proxied), core_field_count + 1);
  EXPECT_EQ(add(country), core_field_count);
  EXPECT_EQ(add(proxied), core_field_count + 1);
  const Specs& before = journal_->fields();
  const Specs other{attempts, {"proxied", FieldType::text, true, ""}};
  EXPECT_EQ(journal_->add_fields(other).error().code, Code::conflict);
  EXPECT_EQ(journal_->field("attempts"), -1);
  EXPECT_EQ(&journal_->fields(), &before);
}

TEST_P(GrowingJournal, StopsAtItsLimit) {
  open({});
  for (std::size_t i = core_field_count; i < max_fields; ++i) {
    ASSERT_EQ(add({"f" + std::to_string(i), FieldType::flag, i % 2 == 0, ""}), static_cast<int>(i));
  }
  EXPECT_EQ(journal_->add_fields(Specs{country}).error().code, Code::unavailable);
  append(1, 20, {number(max_fields - 1, 1)});
  EXPECT_EQ(passing({max_fields - 1, Op::equals, 1, ""}).size(), 19u);
  EXPECT_EQ(add({"f100", FieldType::flag, true, ""}), 100);
}

TEST_P(GrowingJournal, FindsRecordsOfABlockThatBeganWithoutTheField) {
  open({});
  append(1, 5);
  ASSERT_OK(journal_->find(ulid(4))) << "the four are in the open block";
  const int flag = add(proxied);
  const int tries = add(attempts);
  append(5, 9, {number(flag, 1), number(tries, 3)});
  append(9, 20, {number(flag, 1), number(tries, 4)});
  EXPECT_EQ(passing({flag, Op::equals, 0, ""}), (Numbers{1, 2, 3, 4})) << "absent is false";
  EXPECT_EQ(passing({tries, Op::equals, 3, ""}), (Numbers{5, 6, 7, 8}));
  EXPECT_EQ(passing({tries, Op::below, 4, ""}), (Numbers{5, 6, 7, 8}));
}

TEST_P(GrowingJournal, ABatchMayBeEnrichedWithWhatCameMeanwhile) {
  std::atomic<Journal*> journal{nullptr};
  options_.enrich = [&](std::span<Record* const> records) {
    journal.wait(nullptr);
    const auto numbers = journal.load()->add_fields(std::span(&country, 1));
    for (Record* const record : records) record->set_text(numbers->front(), "DE");
  };
  open({});
  append(1, 4);
  journal = journal_.get();
  journal.notify_all();
  EXPECT_EQ(passing({core_field_count, Op::equals, 0, "DE"}), (Numbers{1, 2, 3}));
}

TEST_P(GrowingJournal, ReadsItAllAfterARestart) {
  open({proxied});
  append(1, 11, {number(core_field_count, 1)});
  const int field = add(country);
  append(11, 21, {number(core_field_count, 1), text(field, "DE")});
  ASSERT_OK(journal_->close());

  open({});  // none of the plugins is there
  EXPECT_EQ(passing({field_time, Op::at_least, 0, ""}).size(), 20u);
  EXPECT_EQ(journal_->find(ulid(15))->extra.size(), 0u);
  EXPECT_EQ(add(attempts), core_field_count);
  append(21, 31, {number(core_field_count, 7)});
  EXPECT_EQ(journal_->find(ulid(15))->number(core_field_count), std::nullopt)
      << "proxied is not taken for attempts";

  const int back = add(country);  // and now one is, with another number
  EXPECT_EQ(back, core_field_count + 1);
  EXPECT_EQ(journal_->find(ulid(15))->text(back), "DE");
  EXPECT_EQ(passing({back, Op::equals, 0, "DE"}).size(), 10u);
  ASSERT_OK(journal_->close());

  open({country, proxied, attempts});
  EXPECT_EQ(journal_->find(ulid(15))->text(core_field_count), "DE");
  EXPECT_EQ(journal_->find(ulid(15))->number(core_field_count + 1), 1);
  EXPECT_EQ(journal_->find(ulid(25))->number(core_field_count + 2), 7);
}

TEST_P(GrowingJournal, ANameWithAnotherTypeAfterARestartHasNoOldValues) {
  open({country});
  append(1, 4, {text(core_field_count, "DE")});
  ASSERT_OK(journal_->close());
  open({{"geoCountry", FieldType::integer, true, ""}});
  append(4, 5, {number(core_field_count, 49)});
  EXPECT_EQ(journal_->find(ulid(2))->number(core_field_count), std::nullopt);
  EXPECT_EQ(passing({core_field_count, Op::at_least, 0, ""}), (Numbers{4}));
}

TEST_P(GrowingJournal, LearnsWhileItIsWrittenAndRead) {
  options_.block_records = 64;
  open({});
  constexpr unsigned records = 3000;
  constexpr int more = 150;
  std::atomic<int> newest{-1};
  std::atomic<bool> over{false};
  std::vector<int> used(records, -1);
  std::thread worker([&] {
    for (unsigned n = 0; n < records; ++n) {
      const int field = used[n] = newest.load();
      RecordInput input;
      input.id = ulid(n);
      input.time_us = clock_.wall_us();
      input.duration_us = n;
      const FieldValue value = text(field, "v");
      if (field >= 0) input.extra = std::span(&value, 1);
      while (!journal_->producer(0).append(input)) std::this_thread::yield();
    }
  });
  std::thread reader([&] {
    while (!over) {
      const Filter any{field_duration_us, Op::at_least, 0, ""};
      std::size_t shown = 0;
      EXPECT_OK(journal_->scan(std::span(&any, 1), [&](const Record&) { return ++shown < 200; }));
      const Specs& fields = journal_->fields();
      EXPECT_EQ(journal_->field(fields.back().name), static_cast<int>(fields.size()) - 1);
    }
  });
  for (int i = 0; i < more; ++i) newest = add({"f" + std::to_string(i), FieldType::text, i % 2 == 0, ""});
  worker.join();
  over = true;
  reader.join();
  EXPECT_EQ(newest.load(), core_field_count + more - 1);
  unsigned seen = 0;
  EXPECT_OK(journal_->scan({}, [&](const Record& record) {
    const int field = used[static_cast<std::size_t>(record.duration_us)];
    EXPECT_EQ(record.extra.size(), field >= 0 ? 1u : 0u);
    EXPECT_TRUE(field < 0 || record.text(field) == "v") << record.duration_us;
    return ++seen != 0;
  }));
  EXPECT_EQ(seen, records);
}

}  // namespace
}  // namespace mimus
