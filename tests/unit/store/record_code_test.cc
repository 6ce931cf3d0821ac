#include "store/record_code.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "store/block_code.h"
#include "tests/unit/store/scratch.h"

namespace mimus {
namespace {

/// Core fields, then a flag, an integer and a text of a plugin.
struct Fixture {
  std::vector<FieldSpec> specs = core_fields();
  FieldTable table;

  Fixture() {
    specs.push_back({"proxied", FieldType::flag, true, "proxied"});
    specs.push_back({"attempts", FieldType::integer, true, ""});
    specs.push_back({"geoCountry", FieldType::text, true, "country"});
    for (std::size_t i = 0; i < specs.size(); ++i) {
      table.types.push_back(specs[i].type);
      table.to.push_back(static_cast<std::uint16_t>(i));
      table.from.push_back(static_cast<int>(i));
    }
  }
  static constexpr int proxied = core_field_count, attempts = core_field_count + 1,
                       country = core_field_count + 2;

  std::string encode(const RecordInput& input, std::size_t clip = SIZE_MAX) const {
    std::string out(record_bound(input, clip), '\0');
    out.resize(static_cast<std::size_t>(encode_record(out.data(), input, table, clip) - out.data()));
    return out;
  }
};

TEST(RecordCode, CoreFieldsAreInTheOrderOfTheirNumbers) {
  ASSERT_EQ(core_fields().size(), static_cast<std::size_t>(core_field_count));
  EXPECT_EQ(core_fields()[field_status].name, "status");
  EXPECT_EQ(core_fields()[field_duration_us].name, "durationMicros");
  EXPECT_EQ(core_fields()[field_error].name, "error");
  EXPECT_EQ(core_fields()[field_response_body].name, "responseBody");
}

TEST(RecordCode, GivesEveryFieldBack) {
  const Fixture f;
  const FieldValue extra[] = {{Fixture::proxied, 1, {}},
                              {Fixture::country, 0, "Österreich"},
                              {field_request_body, 0, std::string_view("\0body", 5)},
                              {Fixture::attempts, -3, {}}};
  RecordInput input{ulid(1), ulid(2),    ulid(3),   1'700'000'000'000'000,
                    "GET",   "/users/1", "q=1",     "127.0.0.1",
                    "curl",  "trace",    "oops",    503,
                    -1,      12,         INT64_MAX, extra};
  Record record;
  ASSERT_TRUE(decode_record(f.encode(input), f.table, record));
  EXPECT_EQ(record.text(field_id), ulid(1).text());
  EXPECT_EQ(record.text(field_api_id), ulid(2).text());
  EXPECT_EQ(record.text(field_endpoint_id), ulid(3).text());
  EXPECT_EQ(record.number(field_time), 1'700'000'000'000'000);
  EXPECT_EQ(record.text(field_method), "GET");
  EXPECT_EQ(record.text(field_path), "/users/1");
  EXPECT_EQ(record.text(field_query), "q=1");
  EXPECT_EQ(record.text(field_client_ip), "127.0.0.1");
  EXPECT_EQ(record.text(field_user_agent), "curl");
  EXPECT_EQ(record.text(field_trace_id), "trace");
  EXPECT_EQ(record.text(field_error), "oops");
  EXPECT_EQ(record.number(field_status), 503);
  EXPECT_EQ(record.number(field_duration_us), -1);
  EXPECT_EQ(record.number(field_request_size), 12);
  EXPECT_EQ(record.number(field_response_size), INT64_MAX);
  EXPECT_EQ(record.number(Fixture::proxied), 1);
  EXPECT_EQ(record.number(Fixture::attempts), -3);
  EXPECT_EQ(record.text(Fixture::country), "Österreich");
  EXPECT_EQ(record.text(field_request_body), std::string_view("\0body", 5));
}

TEST(RecordCode, AbsentStaysAbsentAlsoInAUsedRecord) {
  const Fixture f;
  RecordInput full{ulid(1), ulid(2), ulid(3), 5, "GET", "/", "q", "ip", "ua", "t", "e", 200, 1, 2, 3, {}};
  const FieldValue extra[] = {{Fixture::country, 0, "DE"}};
  full.extra = extra;
  Record record;
  ASSERT_TRUE(decode_record(f.encode(full), f.table, record));
  RecordInput bare;
  bare.id = ulid(9);
  ASSERT_TRUE(decode_record(f.encode(bare), f.table, record));
  for (const int field : std::initializer_list<int>{field_api_id, field_endpoint_id, field_method, field_path,
                                                    field_query, field_client_ip, field_user_agent,
                                                    field_trace_id, field_error, Fixture::country}) {
    EXPECT_EQ(record.text(field), std::nullopt) << field;
  }
  EXPECT_EQ(record.number(field_status), std::nullopt);
  EXPECT_EQ(record.number(field_duration_us), 0);
}

TEST(RecordCode, IsOfAChannelWhereItSaysSo) {
  const Fixture f;
  RecordInput input;
  input.id = ulid(1);
  const std::string of_request = f.encode(input);
  input.kind = RecordKind::channel;
  const std::string of_channel = f.encode(input);
  EXPECT_EQ(of_channel.size(), of_request.size()) << "the kind is a bit";
  Record record;
  ASSERT_TRUE(decode_record(of_channel, f.table, record));
  EXPECT_EQ(record.text(field_kind), "channel");
  std::vector<FieldValue> extra;
  EXPECT_EQ(view_of(record, extra).kind, RecordKind::channel);
  ASSERT_TRUE(decode_record(of_request, f.table, record));
  EXPECT_EQ(record.text(field_kind), "http") << "also in a used record";
}

TEST(RecordCode, ReadsWhatWasWrittenBeforeThereWereChannels) {
  const Fixture f;
  constexpr std::string_view written(
      "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x07"  // id
      "\x40\x42\x0f\0\0\0\0\0"              // time
      "\x0c\0\xc8\x01\x06\0\x04"            // mask (method, path), status, duration, sizes
      "\x03GET\x02/a",
      38);
  Record record;
  ASSERT_TRUE(decode_record(written, f.table, record));
  EXPECT_EQ(record.time_us, 1'000'000);
  EXPECT_EQ(record.path, "/a");
  EXPECT_EQ(record.status, 200);
  EXPECT_EQ(record.text(field_kind), "http");
}

TEST(RecordCode, ClipsTexts) {
  const Fixture f;
  RecordInput input;
  const std::string path(1000, 'p');
  input.path = path;
  Record record;
  ASSERT_TRUE(decode_record(f.encode(input, 10), f.table, record));
  EXPECT_EQ(record.path, "pppppppppp");
}

TEST(RecordCode, SetsWhatItGives) {
  Record record;
  for (const int field : std::initializer_list<int>{field_method, field_error, Fixture::country}) {
    record.set_text(field, "x");
    record.set_text(field, "y");
    EXPECT_EQ(record.text(field), "y") << field;
  }
  for (const int field : std::initializer_list<int>{field_status, field_duration_us, Fixture::proxied}) {
    record.set_number(field, 6);
    record.set_number(field, 7);
    EXPECT_EQ(record.number(field), 7) << field;
  }
  record.set_text(field_api_id, ulid(4).text());
  EXPECT_EQ(record.api, ulid(4));
  EXPECT_EQ(record.extra.size(), 2u);
}

TEST(RecordCode, EveryCutIsRefusedOrShorterByWholeExtras) {
  const Fixture f;
  RecordInput input{ulid(1), ulid(2), ulid(3), 5, "GET", "/", "q", "ip", "ua", "t", "e", 200, 1, 2, 3, {}};
  const std::string whole = f.encode(input);
  Record record;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(decode_record(std::string_view(whole).substr(0, size), f.table, record)) << size;
  }
}

Record record_with(int status, std::string country, unsigned id = 1) {
  Record out;
  out.id = ulid(id);
  out.api = ulid(7);
  out.time_us = 1000 + static_cast<int>(id);
  out.status = status;
  out.method = "GET";
  if (!country.empty()) out.set_text(Fixture::country, country);
  return out;
}

/// The bytes of a block of these records.
std::string block_of(const Fixture& f, const std::vector<Record>& records) {
  const JournalFields fields{f.specs, f.table, f.table};
  BlockBuilder builder(fields);
  for (const Record& record : records) builder.add(record);
  std::string bytes;
  builder.finish(bytes);
  return bytes;
}

using Op = Filter::Op;

struct FilterCase {
  const char* name;
  Filter filter;
  bool want;
};

TEST(BlockCode, HeadersTellWhatCannotBeInside) {
  const Fixture f;
  const std::string block = block_of(f, {record_with(200, "DE", 10), record_with(404, "", 20)});
  BlockHeader header;
  ASSERT_TRUE(decode_header(block, header));
  EXPECT_EQ(header.count, 2u);
  const FilterCase cases[] = {
      {"a status that is there", {field_status, Op::equals, 404, ""}, true},
      {"a status that is not", {field_status, Op::equals, 500, ""}, false},
      {"a status between those", {field_status, Op::equals, 302, ""}, false},
      {"at least the highest", {field_status, Op::at_least, 404, ""}, true},
      {"above the highest", {field_status, Op::at_least, 405, ""}, false},
      {"below the lowest", {field_status, Op::below, 200, ""}, false},
      {"just above the lowest", {field_status, Op::below, 201, ""}, true},
      {"a country that is there", {Fixture::country, Op::equals, 0, "DE"}, true},
      {"a country that is not", {Fixture::country, Op::equals, 0, "FR"}, false},
      {"an absent flag is false", {Fixture::proxied, Op::equals, 0, ""}, true},
      {"an absent flag is not true", {Fixture::proxied, Op::equals, 1, ""}, false},
      {"an absent integer is no number", {Fixture::attempts, Op::equals, 0, ""}, false},
      {"its API", {field_api_id, Op::equals, 0, ulid(7).text()}, true},
      {"another API", {field_api_id, Op::equals, 0, ulid(8).text()}, false},
      {"an id within", {field_id, Op::equals, 0, ulid(15).text()}, true},
      {"an id above", {field_id, Op::equals, 0, ulid(21).text()}, false},
      {"a time within", {field_time, Op::at_least, 1020, ""}, true},
      {"a time beyond", {field_time, Op::at_least, 1021, ""}, false},
      {"a time before", {field_time, Op::below, 1010, ""}, false},
      {"requests, which all are", {field_kind, Op::equals, 0, "http"}, true},
      {"channels, which none is", {field_kind, Op::equals, 0, "channel"}, false},
      {"a connection", {field_connection_id, Op::equals, 0, "any"}, false},
      {"a field without a set", {field_path, Op::equals, 0, "/nowhere"}, true},
      {"a field that does not exist", {999, Op::equals, 0, ""}, false},
  };
  for (const auto& c : cases) EXPECT_EQ(Comparison(c.filter, f.table).may_pass(header), c.want) << c.name;
}

TEST(BlockCode, HeadersTellOfANewFieldFromTheNextBlockOn) {
  const Fixture f;
  const JournalFields before{core_fields(), f.table, f.table}, after{f.specs, f.table, f.table};
  const Comparison tests[] = {{{Fixture::country, Op::equals, 0, "FR"}, f.table},
                              {{Fixture::proxied, Op::equals, 0, ""}, f.table},
                              {{Fixture::proxied, Op::equals, 1, ""}, f.table}};
  BlockBuilder builder(before);
  const auto may_pass = [&] {
    std::string bytes, out;
    builder.finish(bytes);
    BlockHeader header;
    EXPECT_TRUE(decode_header(bytes, header));
    for (const Comparison& test : tests) out += test.may_pass(header) ? '+' : '-';
    return out;
  };
  Record flagged = record_with(200, "DE");
  flagged.set_number(Fixture::proxied, 1);
  const struct {
    const char* name;
    const JournalFields& fields;
    const char* want;
  } rows[] = {
      {"not known yet", before, "+++"},
      {"known by the second record", after, "+++"},
      {"known from the first", after, "--+"},
  };
  for (const auto& row : rows) {
    builder.add(flagged);
    builder.adopt(row.fields);
    builder.add(flagged);
    EXPECT_EQ(may_pass(), row.want) << row.name;
    builder.clear();
  }
  builder.adopt(before);
  builder.adopt(after);
  builder.add(flagged);
  EXPECT_EQ(may_pass(), "--+") << "learnt while the block was empty";
}

TEST(BlockCode, ARecordThatIsEncodedIsTakenAsItIs) {
  const Fixture f;
  const JournalFields core{core_fields(), {f.table.types, f.table.to, {}}, {f.table.types, f.table.to, {}}};
  const FieldValue extra[] = {{Fixture::country, 0, "DE"}};
  RecordInput input;
  input.status = 404;
  input.extra = extra;
  const std::string encoded = f.encode(input);
  BlockBuilder builder(core);
  builder.add(record_with(404, ""), encoded);
  std::vector<std::string_view> records;
  ASSERT_TRUE(split_records(builder.records(), records));
  EXPECT_EQ(records, std::vector<std::string_view>{encoded});
  std::string bytes;
  builder.finish(bytes);
  BlockHeader header;
  ASSERT_TRUE(decode_header(bytes, header));
  EXPECT_EQ(header.count, 1u);
  EXPECT_FALSE(Comparison({field_status, Op::equals, 200, ""}, f.table).may_pass(header));
}

TEST(BlockCode, TooManyValuesAreAnyAndTheHeaderFits) {
  Fixture f;
  for (int i = 0; i < 40; ++i) f.specs.push_back({"x" + std::to_string(i), FieldType::text, true, ""});
  for (std::size_t i = f.table.types.size(); i < f.specs.size(); ++i) {
    f.table.types.push_back(FieldType::text);
    f.table.to.push_back(static_cast<std::uint16_t>(i));
    f.table.from.push_back(static_cast<int>(i));
  }
  std::vector<Record> records;
  for (unsigned i = 0; i < 100; ++i) {
    Record& record = records.emplace_back(record_with(200, "country " + std::to_string(i), i));
    for (int x = 0; x < 40; ++x) record.set_text(Fixture::country + 1 + x, std::to_string(i % 30));
  }
  const std::string bytes = block_of(f, records);
  BlockHeader header;
  ASSERT_TRUE(decode_header(std::string_view(bytes).substr(0, BlockStore::head_bytes), header));
  EXPECT_TRUE(Comparison({Fixture::country, Op::equals, 0, "nowhere"}, f.table).may_pass(header));
  EXPECT_FALSE(Comparison({field_status, Op::equals, 201, ""}, f.table).may_pass(header));
  for (int x = 0; x < 40; ++x) {
    EXPECT_TRUE(Comparison({Fixture::country + 1 + x, Op::equals, 0, "29"}, f.table).may_pass(header)) << x;
  }
}

TEST(BlockCode, RefusesHeadersThatAreCut) {
  const Fixture f;
  const std::string bytes = block_of(f, {record_with(200, "DE")});
  BlockHeader header;
  ASSERT_TRUE(decode_header(bytes, header));
  for (std::size_t size = 0; size < header.encoded_bytes; ++size) {
    BlockHeader cut;
    EXPECT_FALSE(decode_header(std::string_view(bytes).substr(0, size), cut)) << size;
  }
}

TEST(Filters, CompareRecords) {
  const Fixture f;
  Record record = record_with(200, "DE");
  record.path = "/b";
  const FilterCase cases[] = {
      {"equal number", {field_status, Op::equals, 200, ""}, true},
      {"other number", {field_status, Op::equals, 201, ""}, false},
      {"at least", {field_status, Op::at_least, 200, ""}, true},
      {"below", {field_status, Op::below, 200, ""}, false},
      {"equal text", {field_path, Op::equals, 0, "/b"}, true},
      {"prefix is not equal", {field_path, Op::equals, 0, "/"}, false},
      {"text at least", {field_path, Op::at_least, 0, "/a"}, true},
      {"text below", {field_path, Op::below, 0, "/b"}, false},
      {"id", {field_api_id, Op::equals, 0, ulid(7).text()}, true},
      {"other id", {field_api_id, Op::equals, 0, ulid(8).text()}, false},
      {"no id", {field_api_id, Op::equals, 0, "abc"}, false},
      {"absent id", {field_endpoint_id, Op::equals, 0, Ulid{}.text()}, false},
      {"absent text", {field_query, Op::equals, 0, ""}, false},
      {"absent flag", {Fixture::proxied, Op::equals, 0, ""}, true},
      {"unknown field", {999, Op::equals, 0, ""}, false},
  };
  for (const auto& c : cases) EXPECT_EQ(Comparison(c.filter, f.table).passes(record), c.want) << c.name;
}

}  // namespace
}  // namespace mimus
