// Adding up records.
#include "plugins/analytics/summary.h"

#include <gtest/gtest.h>

namespace mimus::analytics {
namespace {

TEST(Summary, OfNothingIsEmpty) {
  EXPECT_EQ(
      Summary({}).json(),
      R"("total":{"count":0,"requestBytes":0,"responseBytes":0,"p50Micros":0,"p90Micros":0,"p99Micros":0},"items":[])");
}

TEST(Summary, AddsUpByKeyAndCountsTheFlagsThereAre) {
  Summary summary({true, false, true});
  summary.add({"DE", "Germany", 10, 1, 2, {true, true, false}});
  summary.add({"DE", "Germany", 30, 1, 2, {false, true, true}});
  summary.add({"FR", "France", 20, 5, 5, {}});
  EXPECT_EQ(
      summary.json(),
      R"("total":{"count":3,"requestBytes":7,"responseBytes":9,"p50Micros":20,"p90Micros":30,"p99Micros":30,"proxied":1,"notModified":1},"items":[)"
      R"({"key":"DE","name":"Germany","count":2,"requestBytes":2,"responseBytes":4,"p50Micros":10,"p90Micros":30,"p99Micros":30,"proxied":1,"notModified":1},)"
      R"({"key":"FR","name":"France","count":1,"requestBytes":5,"responseBytes":5,"p50Micros":20,"p90Micros":20,"p99Micros":20,"proxied":0,"notModified":0}])");
}

/// The keys and counts, in order.
std::string order(const Summary& summary) {
  const std::string text = summary.json();
  std::string out;
  for (std::size_t at = text.find("{\"key\":"); at != std::string::npos;
       at = text.find("{\"key\":", at + 1)) {
    const std::size_t from = at + 7;
    const std::size_t count = text.find("\"count\":", at) + 8;
    out += text.substr(from, text.find(',', from) - from) + "=" +
           text.substr(count, text.find(',', count) - count) + " ";
  }
  return out;
}

TEST(Summary, SortsByCountThenByKey) {
  Summary summary({});
  for (const char* key : {"b", "c", "a", "c", "d\"", "", ""}) {
    summary.add({key[0] == '\0' ? std::nullopt : std::optional<std::string_view>(key), "", 1, 0, 0, {}});
  }
  EXPECT_EQ(order(summary), R"(null=2 "c"=2 "a"=1 "b"=1 "d\""=1 )");
}

TEST(Summary, AddsUpWhatIsTooManyAsOther) {
  Summary summary({}, 2);
  for (const char* key : {"a", "b", "c", "d", "c", "a"}) summary.add({key, "", 1, 0, 0, {}});
  EXPECT_EQ(order(summary), R"("a"=2 "b"=1 "other"=3 )");
}

}  // namespace
}  // namespace mimus::analytics
