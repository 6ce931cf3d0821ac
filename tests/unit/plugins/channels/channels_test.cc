// The plugin mimus.channels through its real shared object.
#include "tests/unit/plugins/channels/plugin_fixture.h"

namespace mimus::testing {
namespace {

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

TEST_F(ChannelsPlugin, StaysOutWhereThereIsNothingToDo) {
  for (const char* fields : {R"({"connectedEvent":false})", R"({"connectedEvent":false,"events":[]})"}) {
    Bound& bound = host.bind(channel_with(fields));
    EXPECT_EQ(bound.rc, MIMUS_OK);
    EXPECT_FALSE(bound.in_pipeline) << fields;
  }
}

TEST_F(ChannelsPlugin, TellsSocketIoClientsThatTheyAreConnected) {
  Bound& bound = bind(R"({"events":[{"trigger":"connection","name":"hi","payload":1}]})");
  EXPECT_EQ(taken(host.open(bound)), "hi=1;") << "a raw client is not told";
  EXPECT_EQ(taken(host.open(bound, {.socket_io = true})),
            R"(connected={"endpoint":"/ws/notifications","clientId":"01JCLIENT00000000000000002"};hi=1;)");
  EXPECT_FALSE(host.bind(channel_with(R"({"proxyTarget":"ws://real.test"})")).in_pipeline)
      << "a real server would not";
  Bound& asked = bind(R"({"proxyTarget":"ws://real.test","connectedEvent":true})");
  EXPECT_EQ(host.open(asked, {.socket_io = true}).sent.size(), 1u);
  EXPECT_EQ(taken(open(R"([{"trigger":"message","echo":true}])", {.socket_io = true})), "");
}

TEST_F(ChannelsPlugin, PlaysAScheduleWithTimesSinceTheStepBefore) {
  Channel& channel = open(R"([{"trigger":"schedule","steps":[
    {"afterMs":0,"name":"a","payload":1},{"afterMs":100,"text":"plain"},{"afterMs":0,"base64":"AP8="},
    {"afterMs":200,"join":"r"},{"afterMs":50,"leave":"r","name":"b"},{"afterMs":1,"close":4000,"reason":"over"}]},
    {"trigger":"connection","name":"first","payload":0}])");
  EXPECT_EQ(taken(channel), "a=1;first=0;") << "in the order of the definition";
  host.advance(99);
  EXPECT_TRUE(channel.texts.empty());
  host.advance(1);
  EXPECT_EQ(channel.texts, std::vector<std::string>{"plain"});
  EXPECT_EQ(channel.data, std::vector<std::string>{std::string("\0\xff", 2)});
  host.advance(200);
  EXPECT_EQ(channel.rooms, std::set<std::string>{"r"});
  host.advance(50);
  EXPECT_TRUE(channel.rooms.empty());
  EXPECT_EQ(taken(channel), "b=null;");
  EXPECT_TRUE(channel.open);
  host.advance(1);
  EXPECT_EQ(channel.close_code, 4000);
  EXPECT_EQ(channel.close_reason, "over");
}

TEST_F(ChannelsPlugin, RepeatsASchedule) {
  constexpr const char* steps =
      R"("steps":[{"afterMs":10,"name":"a","payload":"{{count}}"},{"afterMs":40,"name":"b"}])";
  Channel& once = open(std::string(R"([{"trigger":"schedule",)") + steps + "}]");
  Channel& twice = open(std::string(R"([{"trigger":"schedule","times":2,)") + steps + "}]");
  Channel& ever = open(std::string(R"([{"trigger":"schedule","times":0,)") + steps + "}]");
  host.advance(170);
  EXPECT_EQ(taken(once), "a=1;b=null;");
  EXPECT_EQ(taken(twice), "a=1;b=null;a=2;b=null;");
  EXPECT_EQ(taken(ever), "a=1;b=null;a=2;b=null;a=3;b=null;a=4;");
}

TEST_F(ChannelsPlugin, ClosesAfterATime) {
  Channel& normal = open(R"([{"trigger":"close-after","delayMs":100}])");
  Channel& other = open(R"([{"trigger":"close-after","delayMs":100,"code":1013,"reason":"later"},
    {"trigger":"interval","interval":100,"name":"never"}])");
  host.advance(99);
  EXPECT_TRUE(normal.open);
  host.advance(1);
  EXPECT_EQ(normal.close_code, 1000);
  EXPECT_EQ(other.close_code, 1013);
  EXPECT_EQ(other.close_reason, "later");
  EXPECT_EQ(taken(other), "");
}

TEST_F(ChannelsPlugin, SendsToRoomsAndToAll) {
  Bound& bound = bind(R"({"events":[
    {"trigger":"connection","join":"r","name":"come","payload":"{{clientId}}","to":"room:r"},
    {"trigger":"interval","interval":100,"times":1,"delayMs":100,"name":"tick","payload":1,"to":"all"},
    {"trigger":"message","leave":"r"}]})");
  Channel& one = host.open(bound);
  Channel& two = host.open(bound);
  EXPECT_EQ(taken(one), R"(come="01JCLIENT00000000000000001";come="01JCLIENT00000000000000002";)");
  EXPECT_EQ(taken(two), R"(come="01JCLIENT00000000000000002";)");
  host.say(one, "bye");
  host.open(bound);
  EXPECT_EQ(taken(one), "");
  EXPECT_EQ(taken(two), R"(come="01JCLIENT00000000000000003";)");
  host.advance(200);
  EXPECT_EQ(taken(one), "tick=1;tick=1;tick=1;");
}

TEST_F(ChannelsPlugin, ShowsAnOpenClientAChangedDefinition) {
  Channel& channel = open(R"([{"trigger":"connection","name":"old","join":"old"},
    {"trigger":"interval","interval":100,"name":"tick"}])");
  host.advance(150);
  EXPECT_EQ(taken(channel), "old=null;tick=null;");
  host.rebind(channel, bind(R"({"events":[{"trigger":"connection","name":"new","join":"new"},
    {"trigger":"connection","name":"late","delayMs":10},{"trigger":"interval","interval":100,"name":"tock"},
    {"trigger":"schedule","steps":[{"afterMs":0,"name":"step"}]},{"trigger":"close-after","delayMs":250}]})"));
  EXPECT_EQ(taken(channel), "step=null;") << "nothing that is for the connection";
  EXPECT_EQ(channel.rooms, std::set<std::string>{"new"}) << "but its rooms";
  host.advance(200);
  EXPECT_EQ(taken(channel), "tock=null;tock=null;");
  host.advance(50);
  EXPECT_FALSE(channel.open);
}

TEST_F(ChannelsPlugin, MisbehavesAsItIsTold) {
  using F = Channel::Fault;
  Bound& bound =
      bind(R"({"faults":{"refuse":503,"handshakeDelayMs":1000,"ignorePings":true,"bytesPerSecond":100,
    "dropAfterMs":300}})");
  EXPECT_EQ(host.handshake(bound), (Handshake{1000, 503}));
  Channel& channel = host.open(bound);
  EXPECT_EQ(channel.faults, (std::vector<F>{{MIMUS_FAULT_IGNORE_PINGS, 0}, {MIMUS_FAULT_SLOW, 100}}));
  host.advance(299);
  EXPECT_TRUE(channel.open);
  host.advance(1);
  EXPECT_FALSE(channel.open);
  EXPECT_EQ(channel.faults.back(), (F{MIMUS_FAULT_DROP, 0}));
  EXPECT_EQ(host.handshake(bind("{}")), (Handshake{0, 0}));

  Channel& step =
      open(R"([{"trigger":"message","when":{"in":"text","op":"equals","value":"garbage"},"fault":"garbage"},
    {"trigger":"schedule","steps":[{"afterMs":10,"fault":"slow","bytesPerSecond":7},{"afterMs":10,"fault":"ignore-pings"},
      {"afterMs":10,"fault":"drop"},{"afterMs":0,"name":"never"}]}])");
  host.say(step, "garbage");
  host.advance(100);
  EXPECT_EQ(step.faults, (std::vector<F>{{MIMUS_FAULT_GARBAGE, 0},
                                         {MIMUS_FAULT_SLOW, 7},
                                         {MIMUS_FAULT_IGNORE_PINGS, 0},
                                         {MIMUS_FAULT_DROP, 0}}));
  EXPECT_EQ(taken(step), "");
}

TEST_F(ChannelsPlugin, ReturnsToFullSpeedWhereTheDefinitionNoLongerSlowsIt) {
  Channel& channel = host.open(bind(R"({"faults":{"bytesPerSecond":5}})"));
  host.rebind(channel, bind("{}"));
  EXPECT_EQ(channel.faults.back(), (Channel::Fault{MIMUS_FAULT_SLOW, 0}));
}

TEST_F(ChannelsPlugin, DoesNotBindWhatItsCheckRefuses) {
  Bound& bound = host.bind(channel_with(R"({"events":[{"trigger":"schedule","steps":[]}]})"));
  EXPECT_EQ(bound.rc, MIMUS_E_INVAL);
  EXPECT_NE(bound.error.find("/events/0/steps"), std::string::npos) << bound.error;
}

TEST_F(ChannelsPlugin, LetsGoOfChannelsThatAreStillOpen) {
  open(R"([{"name":"e","trigger":"interval","interval":50}])");  // the host's destructor closes it
}

}  // namespace
}  // namespace mimus::testing
