// Recorded sessions become definitions that play them.
#include "tests/unit/plugins/channels/plugin_fixture.h"

namespace mimus::testing {
namespace {

/// The events of a replayed session.
std::string events_of(FakeHost& host, const std::string& messages) {
  const AdminAnswer answer = host.replay(R"({"protocol":"socket.io","messages":[)" + messages + "]}");
  EXPECT_EQ(answer.status, 200);
  const std::string head = R"({"proxyTarget":null,"connectedEvent":false,"events":)";
  EXPECT_EQ(answer.body.substr(0, head.size()), head);
  const std::string events = answer.body.substr(head.size(), answer.body.size() - head.size() - 1);
  std::string faults;
  for (const Fault& fault : host.check(channel_with(R"({"events":)" + events + "}")))
    faults += fault.pointer + " " + fault.detail + "\n";
  EXPECT_EQ(faults, "");
  return events;
}

TEST_F(ChannelsPlugin, MakesADefinitionOfARecordedSession) {
  const struct {
    const char* name;
    const char* messages;
    std::string want;
  } rows[] = {
      {"nothing", "", "[]"},
      {"what a client said", R"({"afterMs":1,"direction":"in","text":"x"})", "[]"},
      {"raw messages in their time",
       R"({"afterMs":10,"direction":"out","text":"a \"b\""},{"afterMs":15,"direction":"in","text":"x"},
          {"afterMs":30,"direction":"out","base64":"AP8="},{"afterMs":31,"direction":"out","close":4000})",
       R"([{"trigger":"schedule","steps":[{"afterMs":10,"text":"a \"b\""},{"afterMs":20,"base64":"AP8="},{"afterMs":1,"close":4000}]}])"},
      {"time does not go back",
       R"({"afterMs":10,"direction":"out","text":"a"},{"afterMs":5,"direction":"out","text":"b"})",
       R"([{"trigger":"schedule","steps":[{"afterMs":10,"text":"a"},{"afterMs":0,"text":"b"}]}])"},
      {"a connection that broke", R"({"afterMs":1,"direction":"out","close":1006})",
       R"([{"trigger":"schedule","steps":[{"afterMs":1,"fault":"drop"}]}])"},
      {"a code that cannot be sent", R"({"afterMs":1,"direction":"out","close":1005})",
       R"([{"trigger":"schedule","steps":[{"afterMs":1,"close":1000}]}])"},
      {"events", R"({"afterMs":0,"direction":"out","event":"one","args":[{"a":1.0}]},
          {"afterMs":0,"direction":"out","event":"two","args":[1,2]},{"afterMs":0,"direction":"out","event":"none","args":[]},
          {"afterMs":0,"direction":"out","event":"list","args":[[1,2]]})",
       R"([{"trigger":"schedule","steps":[{"afterMs":0,"name":"one","payload":{"a":1.0}},{"afterMs":0,"name":"two","payload":[1,2],"spread":true},{"afterMs":0,"name":"none","payload":[],"spread":true},{"afterMs":0,"name":"list","payload":[1,2]}]}])"},
      {"what looks like placeholders", R"({"afterMs":0,"direction":"out","event":"a","args":["{{count}}"]},
          {"afterMs":0,"direction":"out","event":"b","args":["{{user.name}}"]})",
       R"([{"trigger":"schedule","steps":[{"afterMs":0,"name":"a","payload":"{{count}}","literal":true},{"afterMs":0,"name":"b","payload":"{{user.name}}","literal":true}]}])"},
      {"acknowledgements", R"({"afterMs":0,"direction":"in","event":"save","args":[1]},
          {"afterMs":1,"direction":"out","event":"","args":["ok"]},
          {"afterMs":2,"direction":"in","event":"save","args":[2]},{"afterMs":2,"direction":"in","event":"load","args":[]},
          {"afterMs":3,"direction":"out","event":"","args":[1,2]},{"afterMs":4,"direction":"out","event":"","args":["no"]},
          {"afterMs":5,"direction":"out","event":"","args":["too many"]})",
       R"([{"trigger":"ack","payload":"ok","when":{"in":"event","op":"equals","value":"save"},"times":1},{"trigger":"ack","payload":[1,2],"spread":true,"when":{"in":"event","op":"equals","value":"load"}},{"trigger":"ack","payload":"no","when":{"in":"event","op":"equals","value":"save"}}])"},
      {"acknowledgements by their number",
       R"({"afterMs":0,"direction":"in","event":"a","args":[],"ack":0},{"afterMs":0,"direction":"in","event":"b","args":[],"ack":1},
          {"afterMs":0,"direction":"in","event":"c","args":[]},
          {"afterMs":1,"direction":"out","event":"","args":["to a"],"ack":0},{"afterMs":1,"direction":"out","event":"","args":[],"ack":9}])",
       R"([{"trigger":"ack","payload":"to a","when":{"in":"event","op":"equals","value":"a"}}])"},
      {"binaries",
       R"({"afterMs":0,"direction":"out","event":"a","args":[{"_placeholder":true,"num":0}],"binaries":["AP8="]})",
       R"([{"trigger":"schedule","steps":[{"afterMs":0,"name":"a","payload":{"_placeholder":true,"num":0},"binaries":["AP8="]}]}])"},
      {"an event that asks for an acknowledgement",
       R"({"afterMs":0,"direction":"out","event":"a","args":[1],"ack":3},{"afterMs":1,"direction":"in","event":"","args":["yes"],"ack":3})",
       R"([{"trigger":"schedule","steps":[{"afterMs":0,"name":"a","payload":1,"ack":true}]}])"},
      {"an event that cannot be named",
       R"({"afterMs":0,"direction":"out"},{"afterMs":1,"direction":"out","text":"x"})",
       R"([{"trigger":"schedule","steps":[{"afterMs":1,"text":"x"}]}])"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(events_of(host, row.messages), row.want);
  }
}

TEST_F(ChannelsPlugin, SaysWhenASessionIsTooLong) {
  std::string messages;
  for (int i = 0; i < 10'001; ++i)
    messages += std::string(i == 0 ? "" : ",") + R"({"afterMs":)" + std::to_string(i) +
                R"(,"direction":"out","text":"x"})";
  const std::string events = events_of(host, messages);
  EXPECT_EQ(events.substr(events.size() - 44), R"({"afterMs":1,"text":"x"},{"afterMs":1,"text":"x"}]}])" + 8);
  ASSERT_EQ(host.log().size(), 1u);
  EXPECT_NE(host.log()[0].find("its last 1 "), std::string::npos) << host.log()[0];
}

TEST_F(ChannelsPlugin, PlaysWhatWasRecorded) {
  const std::string events = events_of(
      host, R"({"afterMs":10,"direction":"out","text":"a"},{"afterMs":25,"direction":"out","text":"b"})");
  Channel& channel = open(events);
  host.advance(10);
  EXPECT_EQ(channel.texts, std::vector<std::string>{"a"});
  host.advance(14);
  EXPECT_EQ(channel.texts.size(), 1u);
  host.advance(1);
  EXPECT_EQ(channel.texts.size(), 2u);
}

}  // namespace
}  // namespace mimus::testing
