#include "host/channel/socket_packet.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "host/channel/json_check.h"

namespace mimus {
namespace {

constexpr std::size_t depth = 100;

TEST(SocketPackets, AreTakenApart) {
  const struct {
    const char* name;
    const char* text;
    SocketType type;
    const char* ns;
    std::int64_t id;
    std::size_t attachments;
    const char* payload;
  } cases[] = {
      {"main namespace", "0", SocketType::connect, "/", -1, 0, ""},
      {"namespace", "0/ws/a,", SocketType::connect, "/ws/a", -1, 0, ""},
      {"namespace without comma", "0/ws/a", SocketType::connect, "/ws/a", -1, 0, ""},
      {"auth", R"(0/ws/a,{"token":"1"})", SocketType::connect, "/ws/a", -1, 0, R"({"token":"1"})"},
      {"disconnect", "1/ws/a,", SocketType::disconnect, "/ws/a", -1, 0, ""},
      {"event", R"(2/ws/a,["x",1])", SocketType::event, "/ws/a", -1, 0, R"(["x",1])"},
      {"event with an id", R"(2/ws/a,12["x"])", SocketType::event, "/ws/a", 12, 0, R"(["x"])"},
      {"event with a number for its name", "2[5]", SocketType::event, "/", -1, 0, "[5]"},
      {"largest id", R"(29007199254740991["x"])", SocketType::event, "/", 9007199254740991, 0, R"(["x"])"},
      {"acknowledgement", "3/ws/a,12[1]", SocketType::acknowledgement, "/ws/a", 12, 0, "[1]"},
      {"acknowledgement of nothing", "312", SocketType::acknowledgement, "/", 12, 0, ""},
      {"refusal", R"(4/ws/a,{"message":"no"})", SocketType::connect_error, "/ws/a", -1, 0,
       R"({"message":"no"})"},
      {"binary event", R"(51-/ws/a,7["x",{"_placeholder":true,"num":0}])", SocketType::binary_event, "/ws/a",
       7, 1, R"(["x",{"_placeholder":true,"num":0}])"},
      {"binary acknowledgement", R"(62-/ws/a,7[{"_placeholder":true,"num":1},{"num":0,"_placeholder":true}])",
       SocketType::binary_acknowledgement, "/ws/a", 7, 2,
       R"([{"_placeholder":true,"num":1},{"num":0,"_placeholder":true}])"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const auto got = read_socket_packet(c.text, depth);
    ASSERT_TRUE(got);
    EXPECT_EQ(got->type, c.type);
    EXPECT_EQ(got->ns, c.ns);
    EXPECT_EQ(got->id, c.id);
    EXPECT_EQ(got->attachments, c.attachments);
    EXPECT_EQ(got->payload, c.payload);
    const std::string made = socket_packet(got->type, got->ns, got->id, got->payload, got->attachments);
    EXPECT_TRUE(made == c.text || made == std::string(c.text) + ",") << made;
  }
}

TEST(SocketPackets, AreRefused) {
  const std::string deep = "2[\"x\"," + std::string(depth, '[') + std::string(depth, ']') + "]";
  const struct {
    const char* name;
    std::string text;
  } cases[] = {
      {"nothing", ""},
      {"unknown type", "7"},
      {"letters", "abc"},
      {"auth that is no object", "0/ws/a,[]"},
      {"auth null", "0/ws/a,null"},
      {"disconnect with a payload", "1/ws/a,[]"},
      {"event without payload", "2/ws/a,"},
      {"event that is an object", "2{}"},
      {"event without a name", "2[]"},
      {"event named by an object", "2[{}]"},
      {"event named by null", "2[null]"},
      {"id of letters", R"(2abc["x"])"},
      {"negative id", R"(2-1["x"])"},
      {"id beyond what a client can count", R"(29007199254740992["x"])"},
      {"id of many digits", R"(2123456789012345678901234567890["x"])"},
      {"reserved name connect", R"(2["connect"])"},
      {"reserved name connect_error", R"(2["connect_error"])"},
      {"reserved name disconnect", R"(2["disconnect"])"},
      {"reserved name disconnecting", R"(2["disconnecting"])"},
      {"reserved name newListener", R"(2["newListener"])"},
      {"reserved name removeListener", R"(2["removeListener"])"},
      {"reserved name in escapes", R"(2["\u0063onnect"])"},
      {"reserved name of a binary event", R"(51-["connect",{"_placeholder":true,"num":0}])"},
      {"acknowledgement that is an object", "31{}"},
      {"no JSON", "2[\"x\",]"},
      {"JSON and more", "2[\"x\"]]"},
      {"NUL", std::string("2[\"x\"]\0", 7)},
      {"too deep", deep},
      {"no UTF-8", "2[\"\xff\"]"},
      {"attachments missing", "5-[\"x\"]"},
      {"no attachments", "50-[\"x\"]"},
      {"attachments without end", "51"},
      {"attachments of letters", "5x-[\"x\"]"},
      {"a fraction of attachments", "51.5-[\"x\"]"},
      {"too many attachments", "5129-[\"x\"]"},
      {"attachments beyond any number", "599999999999999999999-[\"x\"]"},
      {"placeholder beyond the attachments", R"(51-["x",{"_placeholder":true,"num":1}])"},
      {"placeholder without number", R"(51-["x",{"_placeholder":true}])"},
      {"placeholder with a negative number", R"(51-["x",{"_placeholder":true,"num":-1}])"},
      {"placeholder with a string for its number", R"(51-["x",{"_placeholder":true,"num":"0"}])"},
      {"placeholder with another member", R"(51-["x",{"_placeholder":true,"num":0,"a":1}])"},
      {"placeholder with two numbers", R"(51-["x",{"_placeholder":true,"num":0,"num":9}])"},
      {"placeholder in escapes", R"(51-["x",{"_\u0070laceholder":true,"num":9}])"},
      {"placeholder where nothing is attached", R"(2["x",{"_placeholder":true,"num":0}])"},
      {"placeholder deep down", R"(51-["x",[{"a":{"_placeholder":true,"num":1}}]])"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_FALSE(read_socket_packet(c.text, depth));
  }
}

TEST(CheckedJson, IsJson) {
  for (const char* const text :
       {"0", "-0", "-1.5e+3", "1E9", "\"\"", R"("\"\\\/\b\f\n\r\t\u00e9")", "true", "false", "null", "[]",
        "{}", " [ 1 , { \"a\" : [ ] } ] ", "\"é€😀\"", R"({"a":1,"a":2})", R"({"_placeholder":false,"num":7})",
        R"({"_placeholder":"true"})", R"({"num":"x"})"}) {
    EXPECT_TRUE(is_checked_json(text, 3, 0)) << text;
  }
  for (const char* const text : {"",
                                 " ",
                                 "01",
                                 "1.",
                                 ".5",
                                 "1e",
                                 "+1",
                                 "-",
                                 "--1",
                                 "tru",
                                 "True",
                                 "nul",
                                 "\"",
                                 "\"\\\"",
                                 R"("\x")",
                                 R"("\u12g4")",
                                 "\"\t\"",
                                 "[",
                                 "]",
                                 "[1,]",
                                 "[,1]",
                                 "[1 2]",
                                 "{",
                                 "{a:1}",
                                 "{\"a\"}",
                                 "{\"a\":}",
                                 "{\"a\":1,}",
                                 "[}",
                                 "{]",
                                 "[1]x",
                                 "NaN",
                                 "'a'",
                                 "\xef\xbb\xbf[]",
                                 "\"\xc0\x80\"",
                                 "\"\xed\xa0\x80\"",
                                 "[[[[]]]]"}) {
    EXPECT_FALSE(is_checked_json(text, 3, 0)) << text;
  }
  const std::string nested = std::string(max_checked_depth, '[') + std::string(max_checked_depth, ']');
  EXPECT_TRUE(is_checked_json(nested, max_checked_depth, 0));
  EXPECT_FALSE(is_checked_json("[" + nested + "]", max_checked_depth, 0));
  EXPECT_FALSE(is_checked_json(std::string(1 << 20, '['), max_checked_depth, 0));
}

struct Kept final : SocketDecoder::Packets {
  struct One {
    SocketType type;
    std::string ns, name, data;
    std::int64_t id;
    std::vector<std::string> binaries;
    std::size_t bytes;
  };
  void on_packet(const SocketPacket& p) override {
    all.push_back({p.type, std::string(p.ns), std::string(p.name), std::string(p.data), p.id,
                   std::vector<std::string>(p.binaries.begin(), p.binaries.end()), p.bytes});
  }
  std::vector<One> all;
};

TEST(SocketDecoder, SplitsAnEventIntoItsNameAndArguments) {
  const struct {
    const char* text;
    const char* name;
    const char* args;
  } cases[] = {
      {R"(2["x"])", "x", "[]"},
      {R"(2["x",1,"2",{"3":[true]}])", "x", R"([1,"2",{"3":[true]}])"},
      {R"(2[ "x" , 1 ] )", "x", "[ 1 ] "},
      {R"(2[ "x" ])", "x", "[]"},
      {R"(2["a\"b\u00e9,",1])", "a\"bé,", "[1]"},
      {"2[5,6]", "5", "[6]"},
      {R"(2[""])", "", "[]"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    SocketDecoder decoder({1000, depth});
    Kept kept;
    ASSERT_TRUE(decoder.take(false, c.text, kept));
    ASSERT_EQ(kept.all.size(), 1u);
    EXPECT_EQ(kept.all[0].name, c.name);
    EXPECT_EQ(kept.all[0].data, c.args);
    EXPECT_TRUE(is_checked_json(kept.all[0].data, depth, 0));
  }
}

TEST(SocketDecoder, WaitsForAttachments) {
  SocketDecoder decoder({1000, depth});
  Kept kept;
  const std::string text = R"(52-/ws/a,7["x",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}])";
  for (int round = 1; round <= 2; ++round) {
    ASSERT_TRUE(decoder.take(false, text, kept));
    ASSERT_TRUE(decoder.take(true, std::string("\0\1\2", 3), kept));
    EXPECT_EQ(kept.all.size(), round - 1u);
    ASSERT_TRUE(decoder.take(true, "", kept));
    ASSERT_EQ(kept.all.size(), static_cast<unsigned>(round));
    const Kept::One& one = kept.all.back();
    EXPECT_EQ(one.type, SocketType::event);
    EXPECT_EQ(one.ns, "/ws/a");
    EXPECT_EQ(one.id, 7);
    EXPECT_EQ(one.name, "x");
    EXPECT_EQ(one.data, R"([{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}])");
    EXPECT_EQ(one.binaries, (std::vector<std::string>{std::string("\0\1\2", 3), ""}));
    EXPECT_EQ(one.bytes, text.size() + 3);
  }
  ASSERT_TRUE(decoder.take(false, "61-5[]", kept));
  ASSERT_TRUE(decoder.take(true, "b", kept));
  EXPECT_EQ(kept.all.back().type, SocketType::acknowledgement);
  EXPECT_EQ(kept.all.back().data, "[]");
}

TEST(SocketDecoder, RefusesMessagesOutOfTurn) {
  const struct {
    const char* name;
    std::vector<std::pair<bool, std::string>> messages;  // all but the last are taken
  } cases[] = {
      {"bytes that belong to nothing", {{true, "a"}}},
      {"bytes after the last attachment", {{false, "51-[\"x\"]"}, {true, "a"}, {true, "b"}}},
      {"a text among attachments", {{false, "52-[\"x\"]"}, {true, "a"}, {false, "2[\"y\"]"}}},
      {"a text beyond the limit", {{false, "2[\"" + std::string(20, 'x') + "\"]"}}},
      {"attachments beyond the limit", {{false, "52-[\"x\"]"}, {true, "12345"}, {true, "12345678"}}},
      {"no packet", {{false, "2[\"x\"]"}, {false, "2{}"}}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    SocketDecoder decoder({20, depth});
    Kept kept;
    for (std::size_t i = 0; i < c.messages.size(); ++i)
      EXPECT_EQ(decoder.take(c.messages[i].first, c.messages[i].second, kept), i + 1 < c.messages.size());
  }
}

}  // namespace
}  // namespace mimus
