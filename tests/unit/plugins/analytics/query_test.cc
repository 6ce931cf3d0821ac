// The query of a summary.
#include "plugins/analytics/query.h"

#include <gtest/gtest.h>

namespace mimus::analytics {
namespace {

TEST(SummaryQuery, IsTakenApart) {
  const struct {
    const char* name;
    const char *raw, *by, *since, *until, *filters;
  } cases[] = {
      {"nothing", "", "country", nullptr, nullptr, ""},
      {"by", "by=method", "method", nullptr, nullptr, ""},
      {"by in another spelling", "b%79=ap%69", "api", nullptr, nullptr, ""},
      {"a time", "by=status&since=2026-01-01T00%3A00%3A00Z", "status", "2026-01-01T00:00:00Z", nullptr,
       "&since=2026-01-01T00%3A00%3A00Z"},
      {"both times and filters", "since=a&apiId=X&by=city&until=b&&status=404", "city", "a", "b",
       "&since=a&apiId=X&until=b&status=404"},
      {"a filter it does not know", "nonsense=1", "country", nullptr, nullptr, "&nonsense=1"},
      {"a name without a value", "q", "country", nullptr, nullptr, "&q"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const auto query = parse_summary_query(c.raw);
    ASSERT_TRUE(query);
    EXPECT_EQ(query->by, c.by);
    EXPECT_EQ(query->since, c.since == nullptr ? std::nullopt : std::optional<std::string>(c.since));
    EXPECT_EQ(query->until, c.until == nullptr ? std::nullopt : std::optional<std::string>(c.until));
    EXPECT_EQ(query->filter_text(), std::string("kind=http") + c.filters);
    EXPECT_NE(group_field(query->by), nullptr);
  }
}

TEST(SummaryQuery, NamesWhatIsWrong) {
  for (const auto& [raw, named] : {std::pair{"by=colour", "by:"},
                                   {"by=", "by:"},
                                   {"by=api&by=api", "by:"},
                                   {"since=a&since=b", "since:"},
                                   {"status=1&st%61tus=2", "status:"},
                                   {"kind=channel", "kind:"}}) {
    const auto query = parse_summary_query(raw);
    ASSERT_FALSE(query) << raw;
    EXPECT_EQ(query.error().message.rfind(named, 0), 0u) << query.error().message;
  }
}

}  // namespace
}  // namespace mimus::analytics
