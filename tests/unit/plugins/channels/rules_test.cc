// Rules: what answers messages and events.
#include "tests/unit/plugins/channels/plugin_fixture.h"

namespace mimus::testing {
namespace {

using E = Channel::Emitted;
const Client io{.socket_io = true, .auth = R"({"token":"t","n":[1.0]})"};
constexpr const char* placeholder = R"({"_placeholder":true,"num":0})";

TEST_F(ChannelsPlugin, AnswersTheMessagesThatAConditionHoldsFor) {
  const struct {
    const char* name;
    const char* when;
    const char* text;
    bool want;
  } rows[] = {
      {"an event", R"({"in":"event","op":"equals","value":"ask"})", R"({"event":"ask"})", true},
      {"another event", R"({"in":"event","op":"equals","value":"ask"})", R"({"event":"asked"})", false},
      {"no event", R"({"in":"event","op":"absent"})", "hello", true},
      {"no event is no equal", R"({"in":"event","op":"notEquals","value":"ask"})", "hello", true},
      {"part of the data", R"({"in":"data","pointer":"/id","op":"exists"})",
       R"({"event":"x","data":{"id":null}})", true},
      {"no such part", R"({"in":"data","pointer":"/id","op":"exists"})", R"({"event":"x","data":{"no":1}})",
       false},
      {"no data", R"({"in":"data","op":"exists"})", R"({"event":"x"})", false},
      {"the whole data, typed", R"({"in":"data","op":"equals","value":5})", "5.0", true},
      {"a number is no string", R"({"in":"data","op":"equals","value":"5"})", "5", false},
      {"text is a string", R"({"in":"data","op":"equals","value":"hello"})", "hello", true},
      {"an element", R"({"in":"data","pointer":"/1","op":"gt","value":1})", "[0,2]", true},
      {"the text", R"({"in":"text","op":"matches","value":"^h.*o$"})", "hello", true},
      {"the text of JSON", R"({"in":"text","op":"startsWith","value":"{\"event\""})", R"({"event":"x"})",
       true},
      {"all and not", R"({"all":[{"in":"event","op":"exists"},{"not":{"in":"data","op":"exists"}}]})",
       R"({"event":"x"})", true},
      {"any", R"({"any":[{"in":"text","op":"equals","value":"a"},{"in":"text","op":"equals","value":"b"}]})",
       "b", true},
      {"auth of a raw client", R"({"in":"auth","pointer":"/token","op":"exists"})", "x", false},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    Channel& channel = open(std::string(R"([{"trigger":"message","name":"yes","when":)") + row.when + "}]");
    host.say(channel, row.text);
    EXPECT_EQ(taken(channel), row.want ? "yes=null;" : "");
  }
}

TEST_F(ChannelsPlugin, LooksAtTheAuthOfASocketIoClient) {
  Channel& channel = open(R"([{"trigger":"connection","name":"auth","payload":"{{auth}}"},
    {"trigger":"message","name":"in","payload":"{{auth.n.0}}","when":{"in":"auth","pointer":"/token","op":"equals","value":"t"}}])",
                          io);
  EXPECT_EQ(taken(channel), R"(auth={"token":"t","n":[1.0]};)");
  host.say_event(channel, "x", "[]");
  EXPECT_EQ(taken(channel), "in=1.0;");
}

TEST_F(ChannelsPlugin, FollowsAllRulesThatHoldInTheirOrder) {
  Channel& channel = open(R"([
    {"trigger":"message","name":"b","payload":"{{message.text}}"},
    {"trigger":"message","name":"no","when":{"in":"text","op":"equals","value":"no"}},
    {"trigger":"message","text":"plain"},
    {"trigger":"message","name":"a","payload":"{{count}}"}])");
  host.say(channel, "x");
  host.say(channel, "y");
  EXPECT_EQ(taken(channel), R"(b="x";a=1;b="y";a=2;)");
  EXPECT_EQ(channel.texts.size(), 2u);
}

TEST_F(ChannelsPlugin, AnswersOnlySoManyTimesOnEachConnection) {
  Bound& bound = bind(R"({"events":[
    {"trigger":"message","name":"twice","payload":"{{count}}","times":2},{"trigger":"message","name":"ever","times":0}]})");
  for (int connection = 0; connection < 2; ++connection) {
    Channel& channel = host.open(bound);
    for (int i = 0; i < 3; ++i) host.say(channel, "x");
    EXPECT_EQ(taken(channel), "twice=1;ever=null;twice=2;ever=null;ever=null;");
  }
}

TEST_F(ChannelsPlugin, PutsAnswersOffAndKeepsWhatTheyAnswer) {
  Channel& channel = open(R"([
    {"trigger":"message","name":"slow","payload":"{{message.data}}","delayMs":100},
    {"trigger":"message","name":"fast","payload":["{{message.data}}","{{now}}"],"delayMs":50},
    {"trigger":"interval","interval":60000,"name":"tick"}])");
  host.say(channel, "1");
  host.advance(10);
  host.say(channel, "2");
  EXPECT_EQ(taken(channel), "");
  host.advance(60);
  EXPECT_EQ(taken(channel), R"(fast=[1,"2026-01-01T00:00:01.050Z"];fast=[2,"2026-01-01T00:00:01.060Z"];)");
  host.advance(40);
  EXPECT_EQ(taken(channel), "slow=1;slow=2;");
  host.advance(59'890);
  EXPECT_EQ(taken(channel), "tick=null;");
}

TEST_F(ChannelsPlugin, ADelayedAnswerEndsWithItsConnection) {
  Channel& channel = open(R"([{"trigger":"message","echo":true,"delayMs":100}])");
  host.say(channel, "x");
  host.close(channel);
  host.advance(1000);
  EXPECT_TRUE(channel.texts.empty());
}

TEST_F(ChannelsPlugin, DoesNotLetDelayedAnswersPileUp) {
  Channel& many = open(R"([{"trigger":"message","name":"a","delayMs":1000}])");
  for (int i = 0; i < 1000; ++i) host.say(many, "x");
  EXPECT_TRUE(many.open);
  host.say(many, "x");
  EXPECT_EQ(many.close_code, 1013);

  Channel& large = open(R"([{"trigger":"message","echo":true,"delayMs":1000}])");
  const std::string mebibyte(1 << 20, 'x');
  for (int i = 0; i < 3; ++i) host.say(large, mebibyte);
  EXPECT_TRUE(large.open);
  host.say(large, mebibyte);
  EXPECT_EQ(large.close_code, 1013);

  Channel& steady = open(R"([{"trigger":"message","echo":true,"delayMs":1000}])");
  for (int i = 0; i < 3000; ++i) {
    host.say(steady, "x");
    host.advance(10);
  }
  EXPECT_TRUE(steady.open) << "what was sent waits no more";
}

TEST_F(ChannelsPlugin, ASteadyFlowOfDelayedAnswersNeedsNoMoreTimersThanOne) {
  // A long interval whose timer is set, and short answers ahead of it: none may leave a timer behind.
  Channel& channel = open(R"([{"trigger":"interval","interval":86400000,"name":"tick"},
    {"trigger":"message","name":"a","delayMs":5}])");
  for (int i = 0; i < 3000; ++i) {
    host.say(channel, "x");
    host.advance(5);
  }
  EXPECT_EQ(channel.sent.size(), 3000u);
  EXPECT_TRUE(channel.open);
}

TEST_F(ChannelsPlugin, EndsAConnectionWhoseAnswerWouldBeHuge) {
  std::string payload = "[1";
  for (int i = 0; i < 20; ++i) payload += R"(,"{{message.data}}")";
  Channel& channel = open(R"([{"trigger":"message","name":"a","payload":)" + payload + "]}]");
  host.say(channel, std::string(1 << 20, 'x'));
  EXPECT_EQ(channel.close_code, 1011);
}

TEST_F(ChannelsPlugin, SpreadsArguments) {
  const struct {
    const char* name;
    const char* rule;
    const char* args;
    const char* want;
  } rows[] = {
      {"the same arguments", R"("payload":"{{message.data}}","spread":true)", "[1,\"b\"]", "[1,\"b\"]"},
      {"one that is an array", R"("payload":"{{message.data}}","spread":true)", "[[1,2]]", "[[1,2]]"},
      {"none", R"("payload":"{{message.data}}","spread":true)", "[]", "[]"},
      {"an array of its own", R"("payload":["{{count}}",2],"spread":true)", "[7]", "[1,2]"},
      {"no array", R"("payload":{"a":1},"spread":true)", "[7]", R"([{"a":1}])"},
      {"args are an array", R"("payload":"{{message.args}}","spread":true)", "[7]", "[7]"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    Channel& channel = open(std::string(R"([{"trigger":"message","name":"back",)") + row.rule + "}]", io);
    host.say_event(channel, "message", row.args);
    EXPECT_EQ(channel.emitted, (std::vector<E>{{"back", row.want}}));
  }
  Channel& channel = open(R"([{"trigger":"message","name":"back","payload":"{{message.data}}"}])", io);
  host.say_event(channel, "message", "[1,2]");
  host.say_event(channel, "message", "[3]");
  EXPECT_EQ(taken(channel), "back=[1,2];back=3;") << "without spread it is one";
}

TEST_F(ChannelsPlugin, PassesBinariesOn) {
  const std::string one = "\x01\x02", two("\0", 1);
  const std::string args = R"([{"a":{"_placeholder":true,"num":1}},{"_placeholder":true,"num":0}])";
  Channel& channel = open(R"([
    {"trigger":"message","name":"all","payload":"{{message.data}}","spread":true},
    {"trigger":"message","name":"part","payload":"{{message.data.0.a}}"},
    {"trigger":"message","name":"none","payload":1},
    {"trigger":"message","echo":true},
    {"trigger":"message","name":"late","payload":"{{message.args}}","spread":true,"delayMs":10}])",
                          io);
  host.say_event(channel, "up", args, {one, two});
  const std::string renumbered = R"([{"a":{"_placeholder":true,"num":0}},{"_placeholder":true,"num":1}])";
  EXPECT_EQ(channel.emitted, (std::vector<E>{{"all", renumbered, {two, one}},
                                             {"part", "[" + std::string(placeholder) + "]", {two}},
                                             {"none", "[1]"},
                                             {"up", renumbered, {two, one}}}));
  host.advance(10);
  EXPECT_EQ(channel.emitted.back(), (E{"late", renumbered, {two, one}}));
}

TEST_F(ChannelsPlugin, SendsBinariesOfItsOwn) {
  const std::string own = std::string(R"("payload":[)") + placeholder +
                          R"(,{"_placeholder":true,"num":7}],"binaries":["AP8=","eA=="])";
  const std::string args = std::string("[[") + placeholder + ",null]]";
  Channel& channel = open(R"([{"trigger":"connection","name":"a",)" + own + R"(},{"trigger":"ack",)" + own +
                              R"(},{"trigger":"message","name":"b",)" + own + "}]",
                          io);
  host.say_event(channel, "x", std::string("[") + placeholder + "]", {"theirs"}, 1);
  const std::vector<std::string> binaries{std::string("\0\xff", 2)};
  EXPECT_EQ(channel.emitted, (std::vector<E>{{"a", args, binaries}, {"b", args, binaries}}));
  EXPECT_EQ(channel.acknowledged, (std::vector<E>{{"", args, binaries, 1}}));
}

TEST_F(ChannelsPlugin, ForgedBinariesDoNoHarm) {
  Bound& bound = bind(R"({"connectedEvent":false,"events":[
    {"trigger":"message","name":"all","payload":"{{message.data}}","to":"all"}]})");
  Channel& sender = host.open(bound, io);
  Channel& other = host.open(bound, io);
  host.say_event(sender, "x", R"([[{"_placeholder":true,"num":99},{"_placeholder":true,"num":0}]])", {"b"});
  EXPECT_EQ(other.emitted, (std::vector<E>{{"all", std::string("[[null,") + placeholder + "]]", {"b"}}}));
  Channel& raw = host.open(bound);
  host.say(raw, R"({"event":"x","data":{"_placeholder":true,"num":99}})");
  EXPECT_EQ(other.sent.back(), (Channel::Sent{"all", R"({"_placeholder":true,"num":99})"}));
  EXPECT_TRUE(other.emitted.back().binaries.size() == 1) << "no event with binaries came of it";
}

TEST_F(ChannelsPlugin, AcknowledgesAnEventOnceAndOnlyIfItWasAsked) {
  Channel& channel = open(R"([
    {"trigger":"ack","payload":["ok"],"when":{"in":"event","op":"equals","value":"save"}},
    {"trigger":"ack","payload":"{{message.data}}","spread":true,"delayMs":10},
    {"trigger":"ack","payload":"never"}])",
                          io);
  host.say_event(channel, "save", "[1]");
  EXPECT_TRUE(channel.acknowledged.empty());
  host.say_event(channel, "save", "[1]", {}, 4);
  EXPECT_EQ(channel.acknowledged, (std::vector<E>{{"", R"([["ok"]])", {}, 4}}));
  host.say_event(channel, "echo", std::string("[1,") + placeholder + "]", {"bin"}, 0);
  host.advance(10);
  ASSERT_EQ(channel.acknowledged.size(), 2u);
  EXPECT_EQ(channel.acknowledged[1], (E{"", std::string("[1,") + placeholder + "]", {"bin"}, 0}));
  host.say_ack(channel, 3, "[1]");
  EXPECT_EQ(channel.acknowledged.size(), 2u);
}

TEST_F(ChannelsPlugin, NextAcknowledgementTakesOverWhenOneIsUsedUp) {
  Channel& channel = open(R"([{"trigger":"ack","payload":1,"times":1},{"trigger":"ack","payload":2}])", io);
  for (int i = 0; i < 3; ++i) host.say_event(channel, "x", "[]", {}, i);
  EXPECT_EQ(channel.acknowledged,
            (std::vector<E>{{"", "[1]", {}, 0}, {"", "[2]", {}, 1}, {"", "[2]", {}, 2}}));
}

TEST_F(ChannelsPlugin, NeverAcknowledgesARawMessage) {
  Channel& channel = open(R"([{"trigger":"ack","payload":1}])");
  host.say(channel, R"({"event":"save","data":1})");
  EXPECT_TRUE(channel.acknowledged.empty());
  EXPECT_TRUE(channel.sent.empty());
}

TEST_F(ChannelsPlugin, AsksForAcknowledgements) {
  Channel& channel = open(
      R"([{"trigger":"connection","name":"a","ack":true},{"trigger":"message","name":"b","ack":true}])", io);
  host.say_event(channel, "x", "[]");
  EXPECT_EQ(channel.emitted, (std::vector<E>{{"a", "[null]", {}, 0}, {"b", "[null]", {}, 1}}));
  host.say_ack(channel, 0, "[1]");
  EXPECT_EQ(channel.emitted.size(), 2u) << "an acknowledgement is no message";
}

TEST_F(ChannelsPlugin, SendsRawMessagesToSocketIoClientsAsEvents) {
  Channel& channel =
      open(R"([{"trigger":"connection","text":"a \"b\""},{"trigger":"connection","base64":"AP8="}])", io);
  EXPECT_EQ(taken(channel), std::string(R"(message="a \"b\"";message=)") + placeholder + ";");
  EXPECT_EQ(channel.emitted,
            (std::vector<E>{{"message", std::string("[") + placeholder + "]", {std::string("\0\xff", 2)}}}));
}

TEST_F(ChannelsPlugin, ClosesAsAnAnswer) {
  Channel& channel =
      open(R"([{"trigger":"message","close":4001,"reason":"bye"},{"trigger":"message","name":"never"}])");
  host.say(channel, "x");
  EXPECT_EQ(channel.close_code, 4001);
  EXPECT_EQ(channel.close_reason, "bye");
  EXPECT_EQ(taken(channel), "");
}

}  // namespace
}  // namespace mimus::testing
