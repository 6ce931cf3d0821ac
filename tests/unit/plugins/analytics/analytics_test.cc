// The plugin mimus.analytics through its real shared object.
#include <gtest/gtest.h>

#include "mimus/json_text.h"
#include "mimus/testing/fake_host.h"
#include "tests/unit/plugins/analytics/mmdb_writer.h"
#include "tests/unit/plugins/analytics/scratch.h"

namespace mimus::testing {
namespace {

using analytics::MmdbValue;
using analytics::MmdbWriter;
using analytics::parse_address;
using analytics::Scratch;

std::string database() {
  MmdbWriter writer;
  writer.insert(
      *parse_address("1.0.0.0"), 24,
      MmdbValue(std::vector<std::pair<std::string, MmdbValue>>{{"country_code", "DE"}, {"city", "Bonn"}}));
  return writer.file();
}

Setup with_file(const std::string& file) { return {.options = {{"geo-db", json::quoted(file)}}}; }

TEST(AnalyticsPlugin, IsInNoPipeline) {
  FakeHost host(ANALYTICS_PLUGIN, with_file(""));
  EXPECT_FALSE(host.bind({}).in_pipeline);
  EXPECT_FALSE(host.bind({.level = MIMUS_LEVEL_API}).in_pipeline);
}

TEST(AnalyticsPlugin, FillsWhereAClientIs) {
  const Scratch scratch;
  FakeHost host(ANALYTICS_PLUGIN, with_file(scratch.write("x.mmdb", database())));
  ASSERT_EQ(host.rc(), MIMUS_OK) << host.error();
  const struct {
    const char* name;
    const char* ip;
    const char *code, *country, *city;  // nullptr: stays absent
  } cases[] = {
      {"known", "1.0.0.7", "DE", "Germany", "Bonn"},
      {"known, from the cache", "1.0.0.7", "DE", "Germany", "Bonn"},
      {"unknown", "9.9.9.9", nullptr, nullptr, nullptr},
      {"private", "192.168.1.1", "Local", "Local", nullptr},
      {"loopback", "::1", "Local", "Local", nullptr},
      {"none", "", "Local", "Local", nullptr},
      {"no address", "nonsense", nullptr, nullptr, nullptr},
  };
  std::vector<Record> records;
  for (const auto& c : cases) records.push_back({.texts = {{"clientIp", c.ip}}, .numbers = {}});
  records.push_back({});
  host.enrich(records);
  const auto value = [](const Record& r, const char* name) {
    const auto found = r.texts.find(name);
    return found == r.texts.end() ? std::optional<std::string>() : found->second;
  };
  const auto wanted = [](const char* text) { return text == nullptr ? std::optional<std::string>() : text; };
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    SCOPED_TRACE(cases[i].name);
    EXPECT_EQ(value(records[i], "geoCountryCode"), wanted(cases[i].code));
    EXPECT_EQ(value(records[i], "geoCountry"), wanted(cases[i].country));
    EXPECT_EQ(value(records[i], "geoCity"), wanted(cases[i].city));
  }
  EXPECT_EQ(value(records.back(), "geoCountryCode"), "Local");
}

TEST(AnalyticsPlugin, StartsWithoutTheDatabaseOnlyWhereNobodyNamedOne) {
  const Scratch scratch;
  FakeHost by_default(ANALYTICS_PLUGIN, with_file(scratch.path("share/mimus/country.mmdb")));
  EXPECT_EQ(by_default.rc(), MIMUS_OK);
  ASSERT_EQ(by_default.log().size(), 1u);
  EXPECT_NE(by_default.log()[0].find("country.mmdb"), std::string::npos);
  std::vector<Record> records{{.texts = {{"clientIp", "10.0.0.1"}}, .numbers = {}},
                              {.texts = {{"clientIp", "1.0.0.1"}}, .numbers = {}}};
  by_default.enrich(records);
  EXPECT_EQ(records[0].texts["geoCountry"], "Local");
  EXPECT_EQ(records[1].texts.count("geoCountry"), 0u);

  FakeHost named(ANALYTICS_PLUGIN, with_file(scratch.path("other.mmdb")));
  EXPECT_EQ(named.rc(), MIMUS_E_INVAL);
  EXPECT_NE(named.error().find("other.mmdb"), std::string::npos);
  FakeHost corrupt(ANALYTICS_PLUGIN, with_file(scratch.write("share/mimus/country.mmdb", "nonsense")));
  EXPECT_EQ(corrupt.rc(), MIMUS_E_INVAL);
  for (const char* ttl : {"-1", "\"x\"", "1.5"}) {
    EXPECT_EQ(
        FakeHost(ANALYTICS_PLUGIN, {.options = {{"geo-db", "\"\""}, {"geo-cache-ttl-seconds", ttl}}}).rc(),
        MIMUS_E_INVAL);
  }
}

struct AnalyticsSummary : ::testing::Test {
  void add(const char* country, const char* code, std::int64_t status, std::int64_t duration) {
    Record record{
        .texts = {{"method", "GET"}, {"apiId", "A"}},
        .numbers = {
            {"status", status}, {"durationMicros", duration}, {"requestSize", 1}, {"responseSize", 10}}};
    if (country != nullptr) record.texts.insert({{"geoCountry", country}, {"geoCountryCode", code}});
    host.records.push_back(record);
  }
  FakeHost host{ANALYTICS_PLUGIN, with_file("")};
};

TEST_F(AnalyticsSummary, AddsUpTheJournal) {
  add("Germany", "DE", 200, 10);
  add("Germany", "DE", 404, 30);
  add(nullptr, nullptr, 200, 20);
  const AdminAnswer answer = host.admin("GET", "/summary", "by=country&since=2026-01-01T00:00:00Z&apiId=A");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(host.scan_filters, "kind=http&since=2026-01-01T00:00:00Z&apiId=A");
  EXPECT_EQ(
      answer.body,
      R"({"by":"country","since":"2026-01-01T00:00:00Z","until":null,)"
      R"("total":{"count":3,"requestBytes":3,"responseBytes":30,"p50Micros":20,"p90Micros":30,"p99Micros":30},"items":[)"
      R"({"key":"DE","name":"Germany","count":2,"requestBytes":2,"responseBytes":20,"p50Micros":10,"p90Micros":30,"p99Micros":30},)"
      R"({"key":null,"count":1,"requestBytes":1,"responseBytes":10,"p50Micros":20,"p90Micros":20,"p99Micros":20}],"stale":false})");
}

TEST_F(AnalyticsSummary, GroupsByTheFieldThatIsAsked) {
  add("Germany", "DE", 200, 10);
  add("Germany", "DE", 404, 30);
  for (const auto& [by, key] : {std::pair{"status", R"("key":"404")"},
                                {"method", R"("key":"GET")"},
                                {"api", R"("key":"A")"},
                                {"endpoint", R"("key":null)"},
                                {"city", R"("key":null)"},
                                {"country", R"("key":"DE")"}}) {
    const AdminAnswer answer = host.admin("GET", "/summary", std::string("by=") + by);
    EXPECT_EQ(answer.status, 200);
    EXPECT_NE(answer.body.find(key), std::string::npos) << by << answer.body;
  }
}

TEST_F(AnalyticsSummary, SaysWhenItIsStale) {
  add("Germany", "DE", 200, 10);
  host.scan_rc = MIMUS_E_UNAVAILABLE;
  const AdminAnswer answer = host.admin("GET", "/summary");
  EXPECT_EQ(answer.status, 200);
  EXPECT_NE(answer.body.find(R"("count":1,)"), std::string::npos);
  EXPECT_NE(answer.body.find(R"("stale":true)"), std::string::npos);
}

TEST_F(AnalyticsSummary, RefusesWhatItDoesNotKnow) {
  const struct {
    const char* name;
    const char *method, *path, *query;
    int status;
    const char* code;
    mimus_rc scan = MIMUS_OK;
    const char* detail = "";
  } cases[] = {
      {"another group", "GET", "/summary", "by=colour", 400, "invalid-query", MIMUS_OK, "by"},
      {"a filter that the journal refuses", "GET", "/summary", "colour=red", 400, "invalid-query",
       MIMUS_E_INVAL, "colour=red"},
      {"a journal that fails", "GET", "/summary", "", 503, "unavailable", MIMUS_E_GONE},
      {"another method", "POST", "/summary", "", 405, "method-not-allowed"},
      {"time series", "GET", "/timeseries", "", 501, "not-available"},
      {"another path", "GET", "", "", 404, "no-such-resource"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    host.scan_rc = c.scan;
    const AdminAnswer answer = host.admin(c.method, c.path, c.query);
    EXPECT_EQ(answer.status, c.status);
    EXPECT_EQ(answer.code, c.code);
    EXPECT_NE(answer.body.find(c.detail), std::string::npos) << answer.body;
  }
}

}  // namespace
}  // namespace mimus::testing
