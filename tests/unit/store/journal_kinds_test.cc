// Records of requests and of channels in one journal, and those of a host that knew no channels.
#include "store/block_code.h"
#include "tests/unit/store/scratch.h"

namespace mimus {
namespace {

using Op = Filter::Op;
using Numbers = std::vector<unsigned>;

constexpr int country = core_field_count;
const Filter of_requests{field_kind, Op::equals, 0, "http"};
const Filter of_channels{field_kind, Op::equals, 0, "channel"};

class JournalKinds : public DatabaseContract {
 protected:
  void open() {
    journal_.reset();
    JournalOptions options;
    options.block_records = 8;
    options.reader_patience = patience;
    options.plugin_fields = {{"geoCountry", FieldType::text, true, "country"}};
    auto opened = open_journal(database_->blocks(), clock_, std::move(options));
    ASSERT_OK(opened);
    journal_ = *std::move(opened);
  }

  /// Each number is its record's duration.
  void append(unsigned number, RecordKind kind, const std::string& connection = "") {
    const FieldValue extra[] = {{field_connection_id, 0, connection}, {field_truncated, 1, {}}};
    RecordInput input;
    input.id = ulid(number);
    input.time_us = clock_.wall_us();
    input.duration_us = number;
    input.kind = kind;
    if (!connection.empty()) input.extra = extra;
    ASSERT_TRUE(journal_->producer(0).append(input));
  }

  Numbers passing(std::vector<Filter> filters) {
    Numbers out;
    EXPECT_OK(journal_->scan(filters, [&](const Record& record) {
      out.insert(out.begin(), static_cast<unsigned>(record.duration_us));
      return true;
    }));
    return out;
  }

  /// A block as a host wrote it that had the core fields up to responseBody, and geoCountry.
  void write_old_block() {
    std::vector<std::string> names;
    for (int i = 0; i < field_kind; ++i) names.push_back(core_fields()[static_cast<std::size_t>(i)].name);
    names.push_back("geoCountry");
    ASSERT_OK(database_->blocks().put_field_names(names));
    std::vector<FieldSpec> specs = core_fields();  // today's numbers, for Record
    for (int i = field_kind; i < core_field_count; ++i) specs[static_cast<std::size_t>(i)].indexed = false;
    specs.push_back({"geoCountry", FieldType::text, true, "country"});
    const auto fields = number_fields(specs, names);
    ASSERT_OK(fields);
    ASSERT_EQ(fields->stored.to[country], field_kind) << "the number that is kind's today";
    BlockBuilder block(*fields);
    for (unsigned n = 1; n <= 3; ++n) {
      Record record;
      record.id = ulid(n);
      record.time_us = clock_.wall_us();
      record.duration_us = n;
      record.set_text(country, "DE");
      block.add(record);
    }
    std::string bytes;
    block.finish(bytes);
    ASSERT_OK(database_->blocks().put({1, 0}, bytes, {}));
  }

  std::unique_ptr<Journal> journal_;  // goes before its database
};
MIMUS_BOTH_DATABASES(JournalKinds);

TEST_P(JournalKinds, ListsBothAndEachAlone) {
  open();
  const std::string connection = ulid(500).text();
  for (unsigned n = 1; n <= 20; ++n) append(n, RecordKind::http);
  for (unsigned n = 21; n <= 25; ++n) append(n, RecordKind::channel, connection);
  append(26, RecordKind::channel, ulid(501).text());
  EXPECT_EQ(passing({}).size(), 26u);
  EXPECT_EQ(passing({of_requests}).size(), 20u);
  EXPECT_EQ(passing({of_channels}), (Numbers{21, 22, 23, 24, 25, 26}));
  EXPECT_EQ(passing({{field_connection_id, Op::equals, 0, connection}}), (Numbers{21, 22, 23, 24, 25}));
  const auto found = journal_->find(ulid(22));
  ASSERT_OK(found);
  EXPECT_EQ(found->kind, RecordKind::channel);
  EXPECT_EQ(found->text(field_connection_id), connection);
  EXPECT_EQ(found->number(field_truncated), 1);
}

TEST_P(JournalKinds, RecordsFromBeforeThereWereKindsAreOfRequests) {
  write_old_block();
  open();
  append(10, RecordKind::channel, ulid(500).text());
  append(11, RecordKind::http);
  EXPECT_EQ(passing({of_requests}), (Numbers{1, 2, 3, 11}));
  EXPECT_EQ(passing({of_channels}), (Numbers{10}));
  EXPECT_EQ(passing({{country, Op::equals, 0, "DE"}}), (Numbers{1, 2, 3}));
  EXPECT_EQ(journal_->find(ulid(2))->text(field_connection_id), std::nullopt);
  ASSERT_OK(journal_->close());
  open();
  EXPECT_EQ(passing({of_requests}), (Numbers{1, 2, 3, 11})) << "and after the next start";
}

}  // namespace
}  // namespace mimus
