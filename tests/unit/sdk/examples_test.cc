// The SDK's examples before the fake host; and what the fake host offers for it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mimus/testing/fake_host.h"

namespace mimus::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(HeaderRewrite, DoesWhatItIsConfiguredTo) {
  const struct {
    const char* name;
    const char* config;
    const char* response_header;
    std::size_t servers;
  } rows[] = {
      {"nothing", "{}", "", 1},
      {"sets", R"({"setResponse":"X-Set: a: b"})", "a: b", 1},
      {"removes", R"({"removeResponse":"server"})", "", 0},
      {"both", R"({ "removeResponse" : "Server", "setResponse": "X-Set: 1" })", "1", 0},
  };
  FakeHost host(HEADER_REWRITE);
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    Bound& bound = host.bind({.config = row.config});
    ASSERT_TRUE(bound.in_pipeline);
    const Exchange& x = host.run(bound, {}, {.status = 200, .headers = {{"Server", "x"}}});
    EXPECT_EQ(x.answer.header("X-Set"), row.response_header);
    EXPECT_EQ(x.answer.count("Server"), row.servers);
    EXPECT_FALSE(x.failed);
  }
  EXPECT_FALSE(host.bind({.config = ""}).in_pipeline);
}

const char* const auth_url = "http://auth.test/verify";
Definition checked() { return {.config = R"({"url":"http://auth.test/verify"})"}; }
Request with_token(std::string token) { return {.headers = {{"Authorization", "Bearer " + token}}}; }

TEST(TokenCheck, AsksOnceAndRemembers) {
  FakeHost host(TOKEN_CHECK);
  Bound& bound = host.bind(checked());
  host.upstream(auth_url, {.status = 204, .after_ms = 20});
  Exchange& first = host.start(bound, with_token("t"));
  EXPECT_EQ(first.state, Exchange::State::suspended);
  host.advance(20);
  EXPECT_EQ(first.state, Exchange::State::passed);
  ASSERT_EQ(host.fetched.size(), 1U);
  EXPECT_EQ(host.fetched[0].headers, (Fields{{"Authorization", "Bearer t"}}));
  host.answer(first, {});
  EXPECT_EQ(host.run(bound, with_token("t")).answer.status, 200);
  EXPECT_EQ(host.fetched.size(), 1U);
  host.cool_kv();
  EXPECT_EQ(host.run(bound, with_token("t")).answer.status, 200) << "the verdict comes from disk";
  EXPECT_EQ(host.fetched.size(), 1U);
  host.advance(60'000);
  host.start(bound, with_token("t"));
  EXPECT_EQ(host.fetched.size(), 2U) << "its time is over";
  for (const auto& [key, value] : host.kv()) EXPECT_EQ(key.find("Bearer"), std::string::npos);
}

TEST(TokenCheck, EndsAsTheServiceSays) {
  const struct {
    const char* name;
    Reply reply;
    int status;
    bool kept;
  } rows[] = {
      {"yes", {.status = 200}, 200, true},
      {"401", {.status = 401}, 401, true},
      {"403", {.status = 403}, 401, true},
      {"an error of the service's", {.status = 500}, 503, false},
      {"no service", {.failure = "connection refused"}, 503, false},
      {"too slow", {.after_ms = 3000}, 503, false},
      {"a body without end", {.body = std::string((1 << 20) + 1, 'x')}, 503, false},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    FakeHost host(TOKEN_CHECK);
    host.upstream("*", row.reply);
    Exchange& x = host.start(host.bind(checked()), with_token("t"));
    host.advance(3000);
    if (x.state == Exchange::State::passed) host.answer(x, {});
    EXPECT_EQ(x.answer.status, row.status);
    EXPECT_EQ(host.kv().size(), row.kept ? 1U : 0U);
    if (row.status == 401) {
      EXPECT_EQ(x.answer.header("WWW-Authenticate"), "Bearer");
    }
  }
  FakeHost host(TOKEN_CHECK);
  EXPECT_EQ(host.run(host.bind(checked()), {}).answer.status, 401) << "without a token";
  EXPECT_THAT(host.fetched, IsEmpty());
}

TEST(TokenCheck, SurvivesWhatTheHostRefuses) {
  const struct {
    const char* extension;
    mimus_rc rc;
    int status;
  } rows[] = {
      {"mimus.fetch/1", MIMUS_E_UNAVAILABLE, 503}, {"mimus.fetch/1", MIMUS_E_NOSPC, 503},
      {"mimus.fetch/1", MIMUS_E_INVAL, 503},       {"mimus.kv/1", MIMUS_E_UNAVAILABLE, 200},
      {"mimus.async/1", MIMUS_E_NOSPC, 503},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.extension);
    FakeHost host(TOKEN_CHECK);
    host.upstream("*", {.status = 200});
    host.fail_next(row.extension, row.rc);
    EXPECT_EQ(host.run(host.bind(checked()), with_token("t")).answer.status, row.status);
    EXPECT_EQ(host.run(host.bind(checked()), with_token("t")).answer.status, 200) << "only the next call";
  }
  FakeHost host(TOKEN_CHECK, {.withheld = {"mimus.kv/1"}});
  EXPECT_EQ(host.rc(), MIMUS_E_INVAL);
  EXPECT_THAT(host.error(), HasSubstr("kv"));
}

TEST(TokenCheck, AClientThatGoesWhileItIsAskedIsForgotten) {
  FakeHost host(TOKEN_CHECK);
  host.upstream("*", {.status = 200, .after_ms = 100});
  Exchange& x = host.start(host.bind(checked()), with_token("t"));
  host.cut(x);
  host.advance(100);
  EXPECT_EQ(x.state, Exchange::State::ended);
  EXPECT_EQ(host.kv().size(), 1U) << "what it came to is worth keeping";
}

TEST(TokenCheck, TheEndOfTheInstanceEndsWhatIsUnderWay) {
  FakeHost host(TOKEN_CHECK);
  host.upstream("*", {.status = 200, .after_ms = 100});
  Bound& bound = host.bind(checked());
  Exchange& x = host.start(bound, with_token("t"));
  host.start(bound, with_token("u"));
  host.end_work();
  EXPECT_EQ(x.state, Exchange::State::ended);
  EXPECT_TRUE(host.kv().empty());
}

TEST(RateLimit, EachAddressHasItsBucket) {
  if (*RATE_LIMIT == '\0') GTEST_SKIP() << "there is no rustc here";
  FakeHost host(RATE_LIMIT);
  Bound& bound = host.bind({.config = R"({ "perMinute": 6, "burst": 2 })"});
  const auto ask = [&](const char* address) -> const Answer& {
    return host.run(bound, {.client_ip = address}).answer;
  };
  for (const char* address : {"10.0.0.1", "10.0.0.2"}) {
    EXPECT_EQ(ask(address).status, 200);
    EXPECT_EQ(ask(address).status, 200);
    EXPECT_EQ(ask(address).status, 429);
    EXPECT_EQ(ask(address).header("Retry-After"), "10");
  }
  host.advance(9'999);
  EXPECT_EQ(ask("10.0.0.1").header("Retry-After"), "1");
  host.advance(1);
  EXPECT_EQ(ask("10.0.0.1").status, 200);
  EXPECT_EQ(ask("10.0.0.1").status, 429);
  for (int i = 0; i < 10'100; ++i) ask(("10.1." + std::to_string(i)).c_str());
  EXPECT_EQ(host.run(host.bind({.config = R"({"perMinute":1})"}), {}).answer.status, 200);
  EXPECT_FALSE(host.bind({.config = ""}).in_pipeline);
}

TEST(ChatRoom, PeersHearEachOtherInTheirRoom) {
  FakeHost host(CHAT_ROOM);
  Bound& bound = host.bind({.level = MIMUS_LEVEL_CHANNEL, .config = R"({"maxLength":10})"});
  Channel& ann = host.open(bound);
  Channel& bob = host.open(bound);
  Channel& eve = host.open(bound);
  host.say(ann, R"({"join":"red","as":"Ann"})");
  host.say(bob, R"({"join":"red","as":"Bob"})");
  host.say(eve, R"({"join":"blue","as":"Eve"})");
  EXPECT_THAT(ann.rooms, ElementsAre("red"));
  host.say(ann, "hello \"b\"");
  EXPECT_EQ(bob.sent.back(),
            (Channel::Sent{"message", R"({"room":"red","from":"Ann","text":"hello \"b\""})"}));
  EXPECT_EQ(ann.sent.back(), bob.sent.back());
  EXPECT_EQ(eve.sent.size(), 1U) << "only that she joined";
  host.say(bob, "far too long");
  EXPECT_EQ(bob.close_code, 1009);
  EXPECT_EQ(ann.sent.back(), (Channel::Sent{"left", R"({"room":"red","from":"Bob"})"}));
  host.say(ann, "x", true);
  EXPECT_EQ(ann.close_code, 1003);
}

TEST(ChatRoom, SocketIoClientsTalkToRawOnes) {
  FakeHost host(CHAT_ROOM);
  Bound& bound = host.bind({.level = MIMUS_LEVEL_CHANNEL, .config = R"({"maxLength":10})"});
  Channel& ann = host.open(bound, {.socket_io = true});
  Channel& bob = host.open(bound);
  host.say(bob, R"({"join":"red","as":"Bob"})");
  host.say_event(ann, "message", R"(["too early"])");
  EXPECT_EQ(ann.sent.back().name, "error");
  host.say_event(ann, "join", R"([{"join":"red","as":"Ann"}])", {}, 5);
  EXPECT_EQ(ann.acknowledged, (std::vector<Channel::Emitted>{{"", "[]", {}, 5}}));
  host.say_event(ann, "message", R"(["h\u00e9"])");
  EXPECT_EQ(bob.sent.back(), (Channel::Sent{"message", R"({"room":"red","from":"Ann","text":"hé"})"}));
  host.say_event(ann, "message", "[7]");
  host.say_event(ann, "other", "[]");
  EXPECT_EQ(bob.sent.size(), 3U) << "what is no text goes to nobody";
}

TEST(ChatRoom, AFirstMessageThatJoinsNothingIsAnsweredWithHowTo) {
  FakeHost host(CHAT_ROOM);
  Bound& bound = host.bind({.level = MIMUS_LEVEL_CHANNEL, .config = "{}"});
  for (const char* said : {"hello", "{}", R"({"join":"red"})", R"({"join":"","as":"Ann"})"}) {
    Channel& peer = host.open(bound);
    host.say(peer, said);
    ASSERT_EQ(peer.sent.size(), 1U) << said;
    EXPECT_EQ(peer.sent[0].name, "error");
    EXPECT_TRUE(peer.open);
  }
  EXPECT_FALSE(host.bind({.level = MIMUS_LEVEL_CHANNEL, .config = ""}).in_pipeline);
}

}  // namespace
}  // namespace mimus::testing
