// The plugin mimus.channels through its real shared object.
#include <gtest/gtest.h>

#include "mimus/testing/fake_host.h"

namespace mimus::testing {
namespace {

Definition channel_with(std::string fields) {
  return {
      .level = MIMUS_LEVEL_CHANNEL, .method = "", .path = "/ws/notifications", .fields = std::move(fields)};
}

/// What was sent since the last look, as "name=payload;…".
std::string taken(Channel& channel) {
  std::string out;
  for (const Channel::Sent& sent : channel.sent) out += sent.name + "=" + sent.payload + ";";
  channel.sent.clear();
  return out;
}

struct ChannelsPlugin : ::testing::Test {
  Channel& open(std::string events) {
    Bound& bound = host.bind(channel_with(R"({"events":)" + std::move(events) + "}"));
    EXPECT_EQ(bound.rc, MIMUS_OK) << bound.error;
    EXPECT_TRUE(bound.in_pipeline);
    return host.open(bound);
  }
  FakeHost host{CHANNELS_PLUGIN};
};

TEST_F(ChannelsPlugin, GreetsOnConnectionInTheOrderOfTheDefinition) {
  Channel& channel = open(R"([
    {"name":"b","payload":{"message":"Hello","n":1.0},"trigger":"connection"},
    {"name":"a","trigger":"connection","delayMs":0}])");
  EXPECT_EQ(taken(channel), R"(b={"message":"Hello","n":1.0};a=null;)");
  host.advance(1'000'000);
  EXPECT_EQ(taken(channel), "");
}

TEST_F(ChannelsPlugin, DelaysAGreeting) {
  Channel& channel = open(R"([
    {"name":"late","payload":2,"trigger":"connection","delayMs":100},
    {"name":"late too","payload":3,"trigger":"connection","delayMs":100},
    {"name":"first","payload":1,"trigger":"connection","delayMs":50}])");
  EXPECT_EQ(taken(channel), "");
  host.advance(50);
  EXPECT_EQ(taken(channel), "first=1;");
  host.advance(49);
  EXPECT_EQ(taken(channel), "");
  host.advance(1);
  EXPECT_EQ(taken(channel), "late=2;late too=3;");
}

TEST_F(ChannelsPlugin, RepeatsAtItsIntervalAndCounts) {
  Channel& channel =
      open(R"([{"name":"ping","payload":{"n":"{{count}}"},"trigger":"interval","interval":5000,"times":0}])");
  EXPECT_EQ(taken(channel), "");
  host.advance(4999);
  EXPECT_EQ(taken(channel), "");
  host.advance(1);
  EXPECT_EQ(taken(channel), R"(ping={"n":1};)");
  host.advance(15'000);
  EXPECT_EQ(taken(channel), R"(ping={"n":2};ping={"n":3};ping={"n":4};)");
}

TEST_F(ChannelsPlugin, StopsAfterSoManyTimes) {
  Channel& channel = open(R"([
    {"name":"two","payload":"{{count}}","trigger":"interval","interval":50,"times":2},
    {"name":"ever","payload":"{{count}}","trigger":"interval","interval":100}])");
  host.advance(300);
  EXPECT_EQ(taken(channel), "two=1;two=2;ever=1;ever=2;ever=3;");
}

TEST_F(ChannelsPlugin, StartsAnIntervalAfterItsDelay) {
  Channel& channel = open(R"([{"name":"e","trigger":"interval","interval":100,"delayMs":1000}])");
  host.advance(1099);
  EXPECT_EQ(taken(channel), "");
  host.advance(101);
  EXPECT_EQ(taken(channel), "e=null;e=null;");
}

TEST_F(ChannelsPlugin, CountsEachEventOnEachConnectionFromOne) {
  Bound& bound = host.bind(channel_with(R"({"events":[
    {"name":"a","payload":"{{count}}","trigger":"interval","interval":50},
    {"name":"b","payload":"{{count}}","trigger":"interval","interval":100}]})"));
  Channel& first = host.open(bound);
  host.advance(100);
  EXPECT_EQ(taken(first), "a=1;a=2;b=1;");
  Channel& second = host.open(bound);
  host.advance(50);
  EXPECT_EQ(taken(second), "a=1;");
  EXPECT_EQ(taken(first), "a=3;");
}

TEST_F(ChannelsPlugin, TellsTimeAndClient) {
  Channel& channel = open(R"([{"name":"e","payload":["{{now}}","{{clientId}}"],"trigger":"connection"}])");
  // The kit's clock starts at one second, its clients count from 1.
  EXPECT_EQ(taken(channel), R"(e=["2026-01-01T00:00:01.000Z","01JCLIENT00000000000000001"];)");
}

TEST_F(ChannelsPlugin, StopsWhenThePeerGoes) {
  Channel& channel = open(R"([{"name":"e","trigger":"interval","interval":50}])");
  host.advance(50);
  EXPECT_EQ(taken(channel), "e=null;");
  host.close(channel);
  host.advance(1000);
  EXPECT_EQ(taken(channel), "");
}

TEST_F(ChannelsPlugin, StopsWhenThePeerReadsTooSlowly) {
  Channel& channel = open(R"([{"name":"e","trigger":"interval","interval":50}])");
  channel.slow = true;
  host.advance(1000);
  EXPECT_EQ(taken(channel), "");
  EXPECT_FALSE(channel.open);
}

TEST_F(ChannelsPlugin, EchoesTextAndBinaryAsTheyCame) {
  Channel& channel = open(R"([{"trigger":"message","echo":true}])");
  host.say(channel, "any text");
  host.say(channel, std::string_view("\0\xff", 2), true);
  EXPECT_EQ(channel.texts, std::vector<std::string>{"any text"});
  EXPECT_EQ(channel.data, std::vector<std::string>{std::string("\0\xff", 2)});
  EXPECT_TRUE(channel.sent.empty());
}

TEST_F(ChannelsPlugin, StaysOutWhereThereAreNoEvents) {
  for (const char* fields : {"{}", R"({"events":[]})"}) {
    Bound& bound = host.bind(channel_with(fields));
    EXPECT_EQ(bound.rc, MIMUS_OK);
    EXPECT_FALSE(bound.in_pipeline) << fields;
  }
}

TEST_F(ChannelsPlugin, SaysWhatIsWrongAndWhere) {
  const struct {
    const char* name;
    const char* fields;
    std::string want;
  } rows[] = {
      {"nothing at all", "{}", ""},
      {"the contract's seed",
       R"({"events":[{"name":"welcome","payload":{"message":"Hello"},"trigger":"connection","delayMs":0},
           {"name":"ping","payload":{"n":"{{count}}"},"trigger":"interval","interval":5000,"times":0}]})",
       ""},
      {"an echo", R"({"events":[{"trigger":"message","echo":true}]})", ""},
      {"message", R"({"events":[{"name":"r","trigger":"message"}]})", "/events/0/trigger not-available;"},
      {"ack second", R"({"events":[{"name":"a","trigger":"connection"},{"trigger":"ack"}]})",
       "/events/1/trigger not-available;"},
      {"schedule", R"({"events":[{"trigger":"schedule","steps":[]}]})", "/events/0/trigger not-available;"},
      {"close-after", R"({"events":[{"trigger":"close-after","delayMs":1}]})",
       "/events/0/trigger not-available;"},
      {"connectedEvent", R"({"connectedEvent":false})", "/connectedEvent not-available;"},
      {"to on a connection", R"({"events":[{"name":"a","trigger":"connection","to":"all"}]})",
       "/events/0/to not-available;"},
      {"no name", R"({"events":[{"trigger":"connection"}]})", "/events/0/name ;"},
      {"an interval without one", R"({"events":[{"name":"a","trigger":"interval"}]})",
       "/events/0/interval ;"},
      {"a connection with one", R"({"events":[{"name":"a","trigger":"connection","interval":50}]})",
       "/events/0/interval ;"},
      {"times on a connection", R"({"events":[{"name":"a","trigger":"connection","times":1}]})",
       "/events/0/times ;"},
      {"a placeholder of later",
       R"({"events":[{"name":"a","trigger":"connection","payload":{"x":["{{message.data}}"]}}]})",
       "/events/0/payload/x/0 not-available;"},
      {"an unknown placeholder", R"({"events":[{"name":"a","trigger":"connection","payload":"{{conut}}"}]})",
       "/events/0/payload ;"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    std::string got;
    for (const Fault& fault : host.check(channel_with(row.fields))) {
      EXPECT_FALSE(fault.detail.empty());
      got += fault.pointer + " " + fault.code + ";";
    }
    EXPECT_EQ(got, row.want);
  }
}

TEST_F(ChannelsPlugin, LetsGoOfChannelsThatAreStillOpen) {
  open(R"([{"name":"e","trigger":"interval","interval":50}])");  // the host's destructor closes it
}

}  // namespace
}  // namespace mimus::testing
