// Messages: what counts as their event, data, arguments and text.
#include "plugins/channels/message.h"

#include <gtest/gtest.h>

namespace mimus::channels {
namespace {

TEST(Message, OfARawClientIsWhatItLooksLike) {
  const std::string deep = std::string(101, '[') + std::string(101, ']');
  const struct {
    const char* name;
    std::string text;
    const char* event;  // null: none
    std::string data;
  } rows[] = {
      {"an event", R"({"event":"ask","data":{"id":1.0}})", "ask", R"({"id":1.0})"},
      {"spelled otherwise", " { \"data\" : [1] , \"\\u0065vent\" : \"a\\u0073k\" } ", "ask", "[1]"},
      {"the last of repeated members", R"({"event":"a","event":"b","data":1,"data":2})", "b", "2"},
      {"without data", R"({"event":"ask"})", "ask", ""},
      {"with members of its own", R"({"event":"ask","id":1})", "ask", R"({"event":"ask","id":1})"},
      {"an event that is no string", R"({"event":1,"data":2})", nullptr, R"({"event":1,"data":2})"},
      {"another object", R"({"data":1})", nullptr, R"({"data":1})"},
      {"other JSON", " [1, 2] ", nullptr, "[1, 2]"},
      {"a JSON string", R"("x")", nullptr, R"("x")"},
      {"text", "hello \"x\"", nullptr, R"("hello \"x\"")"},
      {"nothing", "", nullptr, R"("")"},
      {"cut short", R"({"event":"ask","data":)", nullptr, R"("{\"event\":\"ask\",\"data\":")"},
      {"two values", "1 2", nullptr, R"("1 2")"},
      {"deeper than 100", deep, nullptr, "\"" + deep + "\""},
      {"a byte order mark",
       "\xEF\xBB\xBF"
       "2",
       nullptr,
       "\"\xEF\xBB\xBF"
       "2\""},
      {"a NUL after JSON", std::string("1\0", 2), nullptr, R"("1\u0000")"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    const Message message = Message::raw(row.text, false);
    EXPECT_EQ(message.name().has_value(), row.event != nullptr);
    EXPECT_EQ(message.name().value_or(""), std::string_view(row.event == nullptr ? "" : row.event));
    EXPECT_EQ(message.data(), row.data);
    EXPECT_EQ(message.args(), "[" + row.data + "]");
    EXPECT_EQ(message.text(), row.text);
  }
}

TEST(Message, OfBytesIsBase64) {
  const Message message = Message::raw(std::string_view("\0\xff", 2), true);
  EXPECT_EQ(message.data(), R"("AP8=")");
  EXPECT_EQ(message.args(), R"(["AP8="])");
  EXPECT_FALSE(message.name());
  EXPECT_FALSE(message.text());
}

TEST(Message, OfAnEventIsItsArgumentOrAllOfThem) {
  const struct {
    const char* args;
    const char* data;
  } rows[] = {{"[]", "[]"},
              {"[1.0]", "1.0"},
              {"[[1,2]]", "[1,2]"},
              {"[1,2]", "[1,2]"},
              {R"([{"a":[1,2]}])", R"({"a":[1,2]})"}};
  for (const auto& row : rows) {
    SCOPED_TRACE(row.args);
    const Message message = Message::event("message", row.args, {}, 7);
    EXPECT_EQ(message.name(), "message");
    EXPECT_EQ(message.data(), row.data);
    EXPECT_EQ(message.args(), row.args);
    EXPECT_FALSE(message.text());
    EXPECT_EQ(message.ack(), 7);
  }
}

TEST(KeptMessage, OutlivesWhatItWasMadeOf) {
  std::unique_ptr<KeptMessage> event, raw;
  {
    std::string args = R"([{"_placeholder":true,"num":0}])", bytes(100, 'b'), text = "some text";
    const mimus_str binary{bytes.data(), bytes.size()};
    event = std::make_unique<KeptMessage>(Message::event("up", args, {&binary, 1}, 3));
    raw = std::make_unique<KeptMessage>(Message::raw(text, false));
    args.assign(args.size(), '-');
    bytes.assign(100, '-');
    text.assign(text.size(), '-');
  }
  const Message message = event->look();
  EXPECT_EQ(message.name(), "up");
  EXPECT_EQ(message.args(), R"([{"_placeholder":true,"num":0}])");
  EXPECT_EQ(message.ack(), 3);
  ASSERT_EQ(message.binaries().size(), 1u);
  EXPECT_EQ(std::string(message.binaries()[0].p, message.binaries()[0].n), std::string(100, 'b'));
  EXPECT_GE(event->size(), 100u);
  EXPECT_EQ(raw->look().text(), "some text");
}

}  // namespace
}  // namespace mimus::channels
