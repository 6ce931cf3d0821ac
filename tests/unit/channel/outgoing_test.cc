// What goes out, in the form of each kind of client.
#include "host/channel/outgoing.h"

#include <gtest/gtest.h>

#include "host/channel/framing.h"

namespace mimus {
namespace {

TEST(Outgoing, HasTheFormOfEachKindOfClient) {
  const std::string placeholders = R"([{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}])";
  const struct {
    const char* name;
    Outgoing message;
    const char *raw, *socket;
    std::size_t binaries;
  } rows[] = {
      {"one argument", Outgoing::event({"a\"b", R"([{"x":1.0}])", {}, -1}),
       R"({"event":"a\"b","data":{"x":1.0}})", R"(2/ws/x,["a\"b",{"x":1.0}])", 0},
      {"none", Outgoing::event({"e", "[]", {}, -1}), R"({"event":"e","data":[]})", R"(2/ws/x,["e"])", 0},
      {"none, with space", Outgoing::event({"e", "[ ]", {}, -1}), R"({"event":"e","data":[ ]})",
       R"(2/ws/x,["e" ])", 0},
      {"several", Outgoing::event({"e", R"([1,"2",[3]])", {}, -1}), R"({"event":"e","data":[1,"2",[3]]})",
       R"(2/ws/x,["e",1,"2",[3]])", 0},
      {"an array alone", Outgoing::event({"e", "[[1,2]]", {}, -1}), R"({"event":"e","data":[1,2]})",
       R"(2/ws/x,["e",[1,2]])", 0},
      {"wants an answer", Outgoing::event({"e", "[1]", {}, 12}), R"({"event":"e","data":1})",
       R"(2/ws/x,12["e",1])", 0},
      {"binaries", Outgoing::event({"e", placeholders, {"\1", "\2"}, 3}),
       R"({"event":"e","data":[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]})",
       R"(52-/ws/x,3["e",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}])", 2},
      {"an answer", Outgoing::acknowledgement({"", R"(["ok"])", {}, 7}), "", R"(3/ws/x,7["ok"])", 0},
      {"an answer with binaries",
       Outgoing::acknowledgement({"", R"([{"_placeholder":true,"num":0}])", {"x"}, 7}), "",
       R"(61-/ws/x,7[{"_placeholder":true,"num":0}])", 1},
      {"text", Outgoing::text("hi \"you\""), "hi \"you\"", R"(2/ws/x,["message","hi \"you\""])", 0},
      {"binary", Outgoing::binary("\1\2"), "\1\2", R"(51-/ws/x,["message",{"_placeholder":true,"num":0}])",
       1},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    Outgoing message = row.message;
    EXPECT_EQ(message.raw_payload(), row.raw);
    const EngineMessages& sent = message.socket("/ws/x");
    ASSERT_EQ(sent.all().size(), 1 + row.binaries);
    EXPECT_EQ(sent.all()[0].data, row.socket);
    EXPECT_FALSE(sent.all()[0].binary);
    for (std::size_t i = 1; i < sent.all().size(); ++i) EXPECT_TRUE(sent.all()[i].binary);
  }
}

TEST(Outgoing, IsFramedOnceForWebSockets) {
  Outgoing message = Outgoing::event({"e", R"([{"_placeholder":true,"num":0}])", {"\1"}, -1});
  EXPECT_EQ(message.socket("/").frames(),
            frame(Opcode::text, R"(451-["e",{"_placeholder":true,"num":0}])") + frame(Opcode::binary, "\1"));
  EXPECT_EQ(&message.raw_frame(), &message.raw_frame());
}

}  // namespace
}  // namespace mimus
