// What is asked of Engine.IO by HTTP, and how it is refused.
#include "engine_world.h"

namespace mimus {
namespace {

using EngineRequests = EngineWorld;

TEST_F(EngineRequests, AreRefusedAsTheReferenceDoes) {
  const std::string sid = open();
  const std::string unknown = "01" + std::string(20, 'A');
  const struct {
    const char* name;
    const char* method;
    std::string query;
    const char* answer;
  } rows[] = {
      {"no transport", "GET", "EIO=4", R"({"code":0,"message":"Transport unknown"})"},
      {"another transport", "GET", "EIO=4&transport=abc", R"({"code":0,"message":"Transport unknown"})"},
      {"no sid of ours", "GET", "EIO=4&transport=polling&sid=abc",
       R"({"code":1,"message":"Session ID unknown"})"},
      {"a session that is not there", "GET", "EIO=4&transport=polling&sid=" + unknown,
       R"({"code":1,"message":"Session ID unknown"})"},
      {"a worker that is not there", "GET", "EIO=4&transport=polling&sid=ff" + unknown.substr(2),
       R"({"code":1,"message":"Session ID unknown"})"},
      {"a session asked for by POST", "POST", "EIO=4&transport=polling",
       R"({"code":2,"message":"Bad handshake method"})"},
      {"a session asked for by PUT", "PUT", "EIO=4&transport=polling",
       R"({"code":2,"message":"Bad handshake method"})"},
      {"a session asked for by HEAD", "HEAD", "EIO=4&transport=polling",
       R"({"code":2,"message":"Bad handshake method"})"},
      {"a WebSocket without its handshake", "GET", "EIO=4&transport=websocket",
       R"({"code":3,"message":"Bad request"})"},
      {"the same for a session", "GET", "EIO=4&transport=websocket&sid=" + sid,
       R"({"code":3,"message":"Bad request"})"},
      {"PUT to a session", "PUT", "EIO=4&transport=polling&sid=" + sid,
       R"({"code":3,"message":"Bad request"})"},
      {"another version for a session", "GET", "EIO=3&transport=polling&sid=" + sid,
       R"({"code":3,"message":"Bad request"})"},
      {"no version", "GET", "transport=polling", R"({"code":5,"message":"Unsupported protocol version"})"},
      {"version 3", "GET", "EIO=3&transport=polling",
       R"({"code":5,"message":"Unsupported protocol version"})"},
      {"a version that is none", "GET", "EIO=abc&transport=polling",
       R"({"code":5,"message":"Unsupported protocol version"})"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    const Sent sent = request(row.method, row.query);
    EXPECT_EQ(sent->status, 400);
    EXPECT_EQ(sent->answer, row.answer);
    EXPECT_EQ(sent->field("content-type"), "application/json");
  }
  EXPECT_EQ(sessions(), 1u);
}

TEST_F(EngineRequests, GoToTheWorkerOfTheirSession) {
  const std::string sid = "02" + std::string(20, 'A');
  for (const char* const transport : {"polling", "websocket"}) {
    const Sent sent = request("GET", std::string("EIO=4&transport=") + transport + "&sid=" + sid);
    EXPECT_EQ(sent->handed_to, 2);
    EXPECT_EQ(sent->status, 0);
  }
}

TEST_F(EngineRequests, AreAnsweredHereWhereTheyCannotGo) {
  const Sent sent = request("GET", "EIO=4&transport=polling&sid=02" + std::string(20, 'A'), {},
                            [](FakeExchange& x) { x.workers = 1; });
  EXPECT_EQ(sent->status, 400);
}

TEST_F(EngineRequests, NeedASoundHandshakeForAWebSocket) {
  const struct {
    const char* name;
    const char* version;
    const char* key;
  } rows[] = {
      {"another version", "8", "dGhlIHNhbXBsZSBub25jZQ=="},
      {"no key", "13", nullptr},
      {"a key that is too short", "13", "c2hvcnQ="},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    const Sent sent = request("GET", "EIO=4&transport=websocket", {}, [&](FakeExchange& x) {
      x.header("Upgrade", "websocket");
      x.header("Connection", "Upgrade");
      x.header("Sec-WebSocket-Version", row.version);
      if (row.key != nullptr) x.header("Sec-WebSocket-Key", row.key);
    });
    EXPECT_EQ(sent->status, 400);
    EXPECT_EQ(sent->field("sec-websocket-version"), "13");
  }
  const Sent sound = request("GET", "EIO=4&transport=websocket", {}, asks_for_websocket);
  EXPECT_EQ(sound->status, 101);
  EXPECT_EQ(sound->field("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(sessions(), 0u) << "it begins when the WebSocket does";
}

TEST_F(EngineRequests, MayComeFromAnyPage) {
  const auto page = [](FakeExchange& x) { x.header("Origin", "https://page.test"); };
  for (const char* const query : {"EIO=4&transport=polling", "EIO=4&transport=abc"}) {
    const Sent sent = request("GET", query, {}, page);
    EXPECT_EQ(sent->field("access-control-allow-origin"), "https://page.test");
    EXPECT_EQ(sent->field("access-control-allow-credentials"), "true");
    EXPECT_EQ(sent->field("vary"), "Origin");
  }
  EXPECT_EQ(diary.session->origin().origin, "https://page.test");
  EXPECT_EQ(request("GET", "EIO=4&transport=polling")->field("access-control-allow-origin"), "");
}

TEST_F(EngineRequests, MayBeAskedAboutFirst) {
  const Sent sent = request("OPTIONS", "EIO=4&transport=polling&sid=x", {}, [](FakeExchange& x) {
    x.header("Origin", "https://page.test");
    x.header("Access-Control-Request-Method", "POST");
    x.header("Access-Control-Request-Headers", "x-one, content-type");
  });
  EXPECT_EQ(sent->status, 204);
  EXPECT_EQ(sent->answer, "");
  EXPECT_EQ(sent->field("access-control-allow-origin"), "https://page.test");
  EXPECT_EQ(sent->field("access-control-allow-credentials"), "true");
  EXPECT_EQ(sent->field("access-control-allow-methods"), "GET, POST");
  EXPECT_EQ(sent->field("access-control-allow-headers"), "x-one, content-type");
  EXPECT_EQ(sent->field("vary"), "Origin, Access-Control-Request-Headers");
  EXPECT_EQ(request("OPTIONS", "")->field("allow"), "GET, POST, OPTIONS");
}

TEST_F(EngineRequests, FindNoRoomBeyondTheSessionsOfAWorker) {
  options.max_sessions = 1;
  net.on([&] { remake(); });
  open();
  EXPECT_EQ(request("GET", "EIO=4&transport=polling")->status, 503);
  EXPECT_EQ(request("GET", "EIO=4&transport=websocket", {}, asks_for_websocket)->status, 503);
  EXPECT_EQ(sessions(), 1u);
}

TEST_F(EngineRequests, BringTheirBearerToken) {
  request("GET", "EIO=4&transport=polling", {},
          [](FakeExchange& x) { x.header("Authorization", "bearer secret"); });
  EXPECT_EQ(diary.session->origin().bearer, "secret");
}

}  // namespace
}  // namespace mimus
