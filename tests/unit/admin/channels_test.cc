// Open connections through the admin API.
#include "store/field_numbers.h"
#include "tests/unit/admin/world.h"

namespace mimus {
namespace {

using testing::HasSubstr;

class AdminChannels : public World {
 protected:
  AdminChannels() {
    api = make_api();
    const Reply made = call("POST", api + "/websocket-endpoints", R"({"path":"/ws/a"})");
    EXPECT_EQ(made.status, 201) << made.body;
    endpoint = *Ulid::parse(made.text("id"));
    at = "/admin/websocket-endpoints/" + made.text("id");
    for (int i = 0; i < 3; ++i) {
      ChannelInfo info;
      info.id = ids.next(clock.wall_us());
      info.endpoint = endpoint;
      info.client_ip = "::1";
      if (i == 1) info.protocol = ChannelProtocol::socket_io;
      channels.open.push_back(info);
    }
  }
  std::string id(std::size_t n) const { return channels.open[n].id.text(); }

  UlidSource ids{1};
  std::string api, at;
  Ulid endpoint;
};

TEST_F(AdminChannels, AreListedInPages) {
  const Reply page = call("GET", at + "/connections?limit=2");
  EXPECT_THAT(page.body, HasSubstr(R"("protocol":"websocket","clientIp":"::1","country":null,)"));
  EXPECT_THAT(page.body, HasSubstr(R"("protocol":"socket.io")"));
  EXPECT_EQ(page.text("nextCursor"), id(1));
  const Reply last = call("GET", at + "/connections?limit=2&cursor=" + id(1));
  EXPECT_THAT(last.body, HasSubstr(id(2)));
  EXPECT_EQ(last.at("nextCursor"), "null");
  EXPECT_EQ(call("GET", "/admin/websocket-endpoints/x/connections").status, 404);
}

TEST_F(AdminChannels, AreNotSpokenOfWhileAWorkerDoesNotAnswer) {
  channels.busy = true;
  const struct {
    const char* method;
    std::string path;
    const char* body;
  } cases[] = {
      {"GET", at + "/connections", ""},
      {"POST", at + "/broadcast", R"({"text":"hi"})"},
      {"DELETE", at + "/connections/" + id(0), ""},
  };
  for (const auto& c : cases) {
    const Reply reply = call(c.method, c.path, c.body);
    EXPECT_EQ(reply.status, 503) << c.method;
    EXPECT_EQ(reply.text("type"), "urn:mimus:error:unavailable") << c.method;
  }
}

TEST_F(AdminChannels, HaveTheCountryOfTheirRecord) {
  ASSERT_TRUE(plugins->fields().attach(*journal));
  ASSERT_TRUE(plugins->fields().add(std::vector<FieldSpec>{{"land", FieldType::text, true, "country"}}));
  const FieldValue country{static_cast<std::uint16_t>(journal->field("land")), 0, "DE"};
  RecordInput input;
  input.id = channels.open[1].id;
  input.time_us = clock.wall_us();
  input.kind = RecordKind::channel;
  input.extra = std::span(&country, 1);
  ASSERT_TRUE(journal->producer(0).append(input));
  const std::string all = call("GET", at + "/connections").body;
  EXPECT_THAT(all, HasSubstr("\"id\":\"" + id(1) + "\",\"endpointId\":\"" + endpoint.text() +
                             R"(","protocol":"socket.io","clientIp":"::1","country":"DE")"));
  EXPECT_THAT(all, HasSubstr(R"("protocol":"websocket","clientIp":"::1","country":null)"));
}

TEST_F(AdminChannels, AreSentEventsTextsAndBinaries) {
  const struct {
    const char* body;
    std::string sent;
  } cases[] = {
      {R"({"name":"n","payload":{ "x": 1.0 }})", R"(n [{ "x": 1.0 }])"},
      {R"({"name":"n"})", "n [null]"},
      {R"({"name":"n","args":[1, "two"]})", R"(n [1, "two"])"},
      {R"({"name":"n","args":[]})", "n []"},
      {R"({"text":"hi","room":"red"})", "hi to red"},
      {R"({"base64":"AAE="})", std::string("\0\1", 2)},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(call("POST", at + "/broadcast", c.body).body, R"({"sent":3})") << c.body;
    EXPECT_EQ(channels.sent.back(), c.sent) << c.body;
  }
  EXPECT_EQ(
      call("POST", at + "/connections/broadcast", R"({"text":"x","connectionId":")" + id(2) + "\"}").body,
      R"({"sent":1})");
  EXPECT_EQ(channels.sent.back(), "x to " + id(2));
}

TEST_F(AdminChannels, AreNotSentWhatIsNoMessage) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"payload":1})", ": needs one of name, text and base64\n"},
      {R"({"name":"n","text":"t"})", ": needs one of name, text and base64\n"},
      {R"({"text":"t","payload":1})", "/payload: is only for an event with a name\n"},
      {R"({"base64":"AA==","args":[1]})", "/args: is only for an event with a name\n"},
      {R"({"name":"n","payload":null,"args":[]})", "/args: stands instead of payload\n"},
      {R"({"text":"t","room":"r","connectionId":"x"})", "/room: stands instead of connectionId\n"},
      {R"({"text":"t","connectionId":"x"})", "/connectionId: must be an id of 26 characters\n"},
      {R"({"base64":"AAE"})", "/base64: is not base64 with its padding (RFC 4648, section 4)\n"},
  };
  for (const auto& [body, want] : cases) {
    const Reply reply = call("POST", at + "/broadcast", body);
    EXPECT_EQ(reply.status, 400) << body;
    EXPECT_EQ(reply.errors(), want) << body;
  }
  EXPECT_EQ(call("POST", at + "/broadcast", R"({"name":"n","args":{}})").status, 400);
  EXPECT_TRUE(channels.sent.empty());
}

TEST_F(AdminChannels, AreClosedWithACodeAndAReason) {
  const std::string one = at + "/connections/" + id(0), two = at + "/connections/" + id(1);
  for (const char* const query : {"code=1006", "code=999", "code=x", "code=5000", "reason=%ff", "how=1"})
    EXPECT_EQ(call("DELETE", one + "?" + query).status, 400) << query;
  EXPECT_EQ(call("DELETE", one + "?reason=" + std::string(124, 'r')).status, 400);
  EXPECT_EQ(call("DELETE", one).status, 204);
  EXPECT_EQ(call("DELETE", two + "?code=4001&reason=good%20bye").status, 204);
  EXPECT_EQ(channels.closed, (std::vector<std::string>{"1000 closed by the operator", "4001 good bye"}));
  EXPECT_EQ(call("DELETE", one).status, 404);
}

TEST_F(AdminChannels, AreGivenTheDefinitionOfNow) {
  EXPECT_EQ(call("POST", at + "/apply").body, R"({"applied":3,"closed":1})");
  EXPECT_EQ(call("POST", api + "/websocket-endpoints/" + endpoint.text() + "/apply").status, 200);
  const std::string other = make_api("other");
  EXPECT_EQ(call("POST", other + "/websocket-endpoints/" + endpoint.text() + "/apply").status, 404);
  EXPECT_EQ(call("POST", "/admin/websocket-endpoints/" + id(0) + "/apply").status, 404);
  channels.refuse_apply = true;
  const Reply refused = call("POST", at + "/apply");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.text("detail"), "plugin x is not loaded");
}

TEST_F(AdminChannels, AreWatchedBySomebodyElse) {
  AdminCall watch;
  watch.method = "GET";
  watch.path = at + "/messages/stream";
  watch.authorization = "Bearer first";
  const AdminResult result = admin->handle(watch);
  EXPECT_EQ(result.status, 200);
  EXPECT_EQ(result.stream, endpoint);
  EXPECT_EQ(result.headers.front().second, "text/event-stream");
  watch.authorization = "Bearer nobody's";
  EXPECT_EQ(admin->handle(watch).stream, std::nullopt);
  EXPECT_EQ(call("GET", "/admin/websocket-endpoints/x/messages/stream").status, 404);
}

}  // namespace
}  // namespace mimus
