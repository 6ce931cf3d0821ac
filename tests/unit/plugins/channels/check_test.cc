// What a definition may not say, each with the pointer of what is wrong.
#include "tests/unit/plugins/channels/plugin_fixture.h"

namespace mimus::testing {
namespace {

TEST_F(ChannelsPlugin, SaysWhatIsWrongAndWhere) {
  const auto events = [](const std::string& text) { return R"({"events":[)" + text + "]}"; };
  const auto step = [&](const std::string& text) {
    return events(R"({"trigger":"schedule","steps":[{"afterMs":1,"name":"a"},{"afterMs":1,)" + text + "}]}");
  };
  const std::string at = "/events/0/";
  const struct {
    const char* name;
    std::string fields;
    std::string want;
  } rows[] = {
      {"nothing at all", "{}", ""},
      {"the contract's seed",
       R"({"events":[{"name":"welcome","payload":{"message":"Hello"},"trigger":"connection","delayMs":0},
           {"name":"ping","payload":{"n":"{{count}}"},"trigger":"interval","interval":5000,"times":0},
           {"name":"reply","payload":"{{message.data}}","trigger":"message","to":"sender",
            "when":{"all":[{"in":"event","op":"equals","value":"ask"},{"in":"data","pointer":"/id","op":"exists"}]}},
           {"trigger":"ack","payload":["ok"],"when":{"in":"event","op":"equals","value":"save"}},
           {"trigger":"schedule","steps":[{"afterMs":100,"name":"a","payload":1},{"afterMs":200,"close":1000}]},
           {"trigger":"close-after","delayMs":60000,"code":1000}]})",
       ""},
      {"the rest of what there is",
       R"({"connectedEvent":false,"faults":{"refuse":503},"events":[
           {"trigger":"message","echo":true,"delayMs":1,"times":3},{"trigger":"message","leave":"a","join":"b"},
           {"trigger":"connection","fault":"slow","bytesPerSecond":0},{"trigger":"connection","text":""},
           {"trigger":"message","name":"x","echo":false,"to":"room:b","payload":"{{x}}","literal":true},
           {"trigger":"message","echo":true,"to":"sender"},{"trigger":"message","text":"a","to":"sender"},
           {"trigger":"interval","interval":50,"base64":"","join":"a"},
           {"trigger":"ack","spread":true,"payload":"{{message.args}}"},
           {"trigger":"schedule","times":3,"steps":[{"afterMs":49,"join":"a"},{"afterMs":1,"name":"b","ack":true}]}]})",
       ""},
      {"no name", events(R"({"trigger":"connection"})"), at + "name;"},
      {"two deeds", events(R"({"trigger":"message","name":"a","echo":true})"), at + "echo;"},
      {"three deeds", step(R"("name":"a","text":"b","close":1000)"),
       at + "steps/1/text;" + at + "steps/1/close;"},
      {"a step without a deed", step(R"("reason":"x")"), at + "steps/1/name;" + at + "steps/1/reason;"},
      {"an interval without one", events(R"({"name":"a","trigger":"interval"})"), at + "interval;"},
      {"a connection with one", events(R"({"name":"a","trigger":"connection","interval":50})"),
       at + "interval;"},
      {"times on a connection", events(R"({"name":"a","trigger":"connection","times":1})"), at + "times;"},
      {"when on a connection", events(R"({"name":"a","trigger":"connection","when":{}})"), at + "when;"},
      {"echo of no message", events(R"({"name":"a","trigger":"connection","echo":false})"), at + "echo;"},
      {"a second event", events(R"({"name":"a","trigger":"connection"},{"trigger":"connection"})"),
       "/events/1/name;"},
      {"a name on an ack", events(R"({"trigger":"ack","name":"a"})"), at + "name;"},
      {"a name on a schedule",
       events(R"({"trigger":"schedule","name":"a","steps":[{"afterMs":1,"text":""}]})"), at + "name;"},
      {"no steps", events(R"({"trigger":"schedule"})"), at + "steps;"},
      {"a schedule that spins",
       events(R"({"trigger":"schedule","times":0,"steps":[{"afterMs":49,"text":""}]})"), at + "times;"},
      {"close-after without a time", events(R"({"trigger":"close-after"})"), at + "delayMs;"},
      {"payload on close-after", events(R"({"trigger":"close-after","delayMs":1,"payload":1})"),
       at + "payload;"},
      {"a code that nobody may send", events(R"({"trigger":"close-after","delayMs":1,"code":1006})"),
       at + "code;"},
      {"likewise in a step", step(R"("close":2000)"), at + "steps/1/close;"},
      {"a long reason",
       step(R"("close":1000,"reason":")" + std::string(62, 'x') + R"(€€€€€€€€€€€€€€€€€€€€€")"),
       at + "steps/1/reason;"},
      {"what belongs to a name",
       events(
           R"({"trigger":"message","text":"a","payload":1,"to":"all","spread":true,"ack":true,"literal":true})"),
       at + "payload;" + at + "literal;" + at + "spread;" + at + "ack;" + at + "to;" + at + "ack;"},
      {"to nobody", events(R"({"trigger":"message","name":"a","to":"others"})"), at + "to;"},
      {"to a room without a name", events(R"({"trigger":"message","name":"a","to":"room:"})"), at + "to;"},
      {"a long room", events(R"({"trigger":"message","join":")" + std::string(127, 'x') + R"(é"})"),
       at + "join;"},
      {"an ack of many", events(R"({"trigger":"message","name":"a","to":"all","ack":true})"), at + "ack;"},
      {"a speed without slowness", events(R"({"trigger":"message","fault":"drop","bytesPerSecond":1})"),
       at + "bytesPerSecond;"},
      {"slowness without a speed", events(R"({"trigger":"message","fault":"slow"})"), at + "bytesPerSecond;"},
      {"no base64", events(R"({"trigger":"connection","base64":"A"})"), at + "base64;"},
      {"binaries that are none", events(R"({"trigger":"message","name":"a","binaries":["AA==","A"]})"),
       at + "binaries/1;"},
      {"likewise in an ack", events(R"({"trigger":"ack","binaries":["?"]})"), at + "binaries/0;"},
      {"binaries without an event", events(R"({"trigger":"message","echo":true,"binaries":[]})"),
       at + "binaries;"},
      {"a condition",
       events(R"({"trigger":"message","name":"a","when":{"all":[{"in":"body","op":"exists"}]}})"),
       at + "when/all/0/in;"},
      {"a pointer into text",
       events(R"({"trigger":"message","name":"a","when":{"in":"text","pointer":"/a","op":"exists"}})"),
       at + "when/pointer;"},
      {"a placeholder of a message",
       events(R"({"name":"a","trigger":"connection","payload":{"x":["{{message.data}}"]}})"),
       at + "payload/x/0;"},
      {"likewise in a step", step(R"("name":"b","payload":"{{message.event}}")"), at + "steps/1/payload;"},
      {"an unknown placeholder", events(R"({"name":"a","trigger":"connection","payload":"{{conut}}"})"),
       at + "payload;"},
      {"likewise in an ack", events(R"({"trigger":"ack","payload":["{{x}}"]})"), at + "payload/0;"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    std::string got;
    for (const Fault& fault : host.check(channel_with(row.fields))) {
      EXPECT_FALSE(fault.detail.empty());
      got += fault.pointer + ";";
    }
    EXPECT_EQ(got, row.want);
  }
}

TEST_F(ChannelsPlugin, JoinsNoMoreRoomsThanAChannelMayBeIn) {
  const auto joining = [](int rooms) {
    std::string out = R"({"events":[)";
    for (int i = 0; i < rooms; ++i)
      out += std::string(i == 0 ? "" : ",") + R"({"trigger":"message","join":"r)" + std::to_string(i) + "\"}";
    return out + "]}";
  };
  EXPECT_TRUE(host.check(channel_with(joining(64))).empty());
  EXPECT_EQ(host.check(channel_with(joining(65))).size(), 1u);
}

}  // namespace
}  // namespace mimus::testing
