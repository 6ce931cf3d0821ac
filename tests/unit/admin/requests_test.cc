// The journal and backups through the admin API; the filters' grammar.
#include "host/plugin/request_filters.h"
#include "store/field_numbers.h"
#include "tests/unit/admin/world.h"

namespace mimus {
namespace {

using testing::HasSubstr;

class AdminRequests : public World {
 protected:
  void record(int status, const std::string& path, bool sampled, const std::string& agent = "") {
    const std::vector<FieldValue> extra{{static_cast<std::uint16_t>(journal->field("sampled")), sampled, {}}};
    RecordInput input;
    input.id = ids.next(clock.wall_us());
    input.time_us = clock.wall_us();
    input.method = "GET";
    input.path = path;
    input.user_agent = agent;
    input.status = status;
    input.duration_us = 1500;
    input.response_size = 7;
    if (sampled) input.extra = extra;
    ASSERT_TRUE(journal->producer(0).append(input));
    ASSERT_TRUE(journal->page({}, 1, ""));  // drained: a ring does not keep what is a second old
    clock.advance(std::chrono::seconds(1));
  }
  std::string paths(const std::string& query) {
    const Reply reply = call("GET", "/admin/requests?" + query);
    EXPECT_EQ(reply.status, 200) << query << ": " << reply.body;
    std::string out;
    json::elements(reply.at("items"), [&](std::string_view item) {
      out += json::unquote(*json::member(item, "path"));
      return true;
    });
    return out;
  }
  UlidSource ids{1};
};

TEST_F(AdminRequests, ARecordHasTheNamesOfTheContract) {
  record(404, "/a\xFF", false, "curl");
  const std::string item = [&] {
    std::string out;
    json::elements(call("GET", "/admin/requests").at("items"), [&](std::string_view one) {
      out = one;
      return true;
    });
    return out;
  }();
  const std::string id = json::unquote(json::member(item, "id").value_or(""));
  EXPECT_EQ(
      item,
      R"({"id":")" + id +
          R"(","time":"2026-01-01T00:00:00.000Z","kind":"http","apiId":null,"endpointId":null,"method":"GET","path":"/a)" +
          "\xEF\xBF\xBD"
          R"(","query":"","status":404,"durationMicros":1500,"requestSize":0,"responseSize":7,"clientIp":null,"sampled":false,"sampleCode":null,"userAgent":"curl","traceId":null,"error":null})");
  EXPECT_EQ(call("GET", "/admin/requests/" + id).body, item);
  EXPECT_EQ(call("GET", "/admin/requests/01ARZ3NDEKTSV4RRFFQ69G5FAV").status, 404);
}

TEST_F(AdminRequests, FiltersChoose) {
  record(200, "/a", true);
  record(404, "/b", false);
  record(409, "/c", true);
  const std::pair<const char*, const char*> cases[] = {
      {"", "/c/b/a"},
      {"status=404", "/b"},
      {"status=4xx", "/c/b"},
      {"sampled=true", "/c/a"},
      {"sampled=false", "/b"},
      {"method=GET&status=200", "/a"},
      {"method=POST", ""},
      {"since=2026-01-01T00:00:01Z", "/c/b"},
      {"until=2026-01-01T01:00:01%2B01:00", "/a"},
      {"limit=2", "/c/b"},
      {"apiId=01ARZ3NDEKTSV4RRFFQ69G5FAV", ""},
  };
  for (const auto& [query, want] : cases) EXPECT_EQ(paths(query), want) << query;
  const std::string cursor = call("GET", "/admin/requests?limit=2").text("nextCursor");
  EXPECT_EQ(paths("limit=2&cursor=" + cursor), "/a");
}

TEST_F(AdminRequests, AFieldThatCameWhileItRanIsShownAndFiltered) {
  record(200, "/a", true);
  EXPECT_EQ(call("GET", "/admin/requests?late=7").status, 400);
  ASSERT_TRUE(plugins->fields().attach(*journal));
  ASSERT_TRUE(plugins->fields().add(std::vector<FieldSpec>{{"lateField", FieldType::integer, true, "late"}}));
  const FieldValue seven{static_cast<std::uint16_t>(journal->field("lateField")), 7, {}};
  RecordInput input;
  input.id = ids.next(clock.wall_us());
  input.time_us = clock.wall_us();
  input.path = "/b";
  input.extra = std::span(&seven, 1);
  ASSERT_TRUE(journal->producer(0).append(input));
  EXPECT_EQ(paths("late=7"), "/b");
  EXPECT_THAT(call("GET", "/admin/requests?late=7").body, HasSubstr(R"("lateField":7)"));
  EXPECT_THAT(call("GET", "/admin/requests?sampled=true").body, HasSubstr(R"("lateField":null)"));
}

TEST_F(AdminRequests, BadFiltersAreNamed) {
  const struct {
    const char* query;
    const char* pointer;
    const char* code;
  } cases[] = {
      {"colour=red", "/colour", "invalid-input"}, {"status=600", "/status", "invalid-input"},
      {"status=6xx", "/status", "invalid-input"}, {"since=yesterday", "/since", "invalid-input"},
      {"apiId=1", "/apiId", "invalid-input"},     {"sampled=1", "/sampled", "invalid-input"},
      {"kind=tcp", "/kind", "invalid-input"},     {"connectionId=1", "/connectionId", "invalid-input"},
      {"q=text", "/q", "not-available"},          {"limit=0", "/limit", "invalid-input"},
      {"cursor=!", "/cursor", "invalid-input"},   {"method=GET&method=PUT", "/method", "invalid-input"},
  };
  for (const auto& c : cases) {
    const Reply reply = call("GET", std::string("/admin/requests?") + c.query);
    EXPECT_EQ(reply.status, 400) << c.query;
    EXPECT_THAT(reply.errors(), HasSubstr(std::string(c.pointer) + ": ")) << c.query;
    EXPECT_EQ(reply.code(), c.code) << c.query;
  }
}

TEST_F(AdminRequests, RecordsOfChannelsHaveFieldsOfTheirOwnAndAFilter) {
  record(200, "/a", false);
  const std::string connection = ids.next(clock.wall_us()).text();
  const FieldValue extra[] = {{field_connection_id, 0, connection},
                              {field_direction, 0, "in"},
                              {field_message_type, 0, "event"},
                              {field_data, 0, R"(["a"])"},
                              {field_binaries, 0, R"(["AAE="])"},
                              {field_truncated, 1, {}},
                              {field_messages_in, 3, {}}};
  RecordInput input;
  input.id = ids.next(clock.wall_us());
  input.time_us = clock.wall_us();
  input.path = "/ws/a";
  input.kind = RecordKind::channel;
  input.extra = extra;
  ASSERT_TRUE(journal->producer(0).append(input));
  EXPECT_EQ(paths(""), "/ws/a/a");
  EXPECT_EQ(paths("kind=http"), "/a");
  EXPECT_EQ(paths("kind=channel"), "/ws/a");
  EXPECT_EQ(paths("connectionId=" + connection), "/ws/a");
  EXPECT_THAT(call("GET", "/admin/requests?kind=channel").body,
              HasSubstr(R"("kind":"channel","apiId":null,)"));
  EXPECT_THAT(call("GET", "/admin/requests?kind=channel").body,
              HasSubstr(R"("error":null,"connectionId":")" + connection +
                        R"(","direction":"in","messageType":"event","data":"[\"a\"]","binaries":["AAE="],)"
                        R"("truncated":true,"messagesIn":3})"));
}

TEST_F(AdminRequests, TheJournalCanBeEmptied) {
  record(200, "/a", false);
  EXPECT_EQ(call("DELETE", "/admin/requests").status, 204);
  EXPECT_EQ(paths(""), "");
}

TEST(ParseRfc3339, KnowsTimesAndOffsets) {
  const std::pair<const char*, std::optional<std::int64_t>> cases[] = {
      {"1970-01-01T00:00:00Z", 0},
      {"1970-01-01T00:00:00.5Z", 500'000},
      {"1970-01-01t01:00:00+01:00", 0},
      {"1969-12-31T23:30:00-00:30", 0},
      {"2024-02-29T00:00:00.123456789Z", 1'709'164'800'123'456},
      {"2023-02-29T00:00:00Z", std::nullopt},
      {"2024-01-01T24:00:00Z", std::nullopt},
      {"2024-01-01T00:00:00", std::nullopt},
      {"2024-01-01 00:00:00Z", std::nullopt},
      {"2024-01-01T00:00:00.Z", std::nullopt},
      {"2024-01-01T00:00:00Zx", std::nullopt},
      {"2024-01-01T00:00:00+1:00", std::nullopt},
      {"", std::nullopt},
  };
  for (const auto& [text, want] : cases) EXPECT_EQ(parse_rfc3339(text), want) << text;
}

}  // namespace
}  // namespace mimus
