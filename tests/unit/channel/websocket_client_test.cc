// The client's side of a WebSocket: what it asks for, sends, answers and makes of each end.
#include "host/channel/websocket_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "fake_server.h"
#include "loop_thread.h"

namespace mimus {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Diary final : WebSocketClient::User {
  void on_connected() override { text += "connected "; }
  void on_server_message(bool binary, std::string_view payload) override {
    text += (binary ? "binary=" : "text=") + std::string(payload) + " ";
  }
  void on_server_took_all() override { text += "took "; }
  void on_server_gone(int code, std::string_view reason) override {
    text += "gone" + std::to_string(code) + "=" + std::string(reason) + " ";
  }
  std::string take() { return std::exchange(text, {}); }
  std::string text;
};

/// All on the loop's thread, but for the clock.
class Clients : public testing::Test {
 protected:
  ~Clients() override {
    net.on([this] { client.reset(); });
  }
  void open(WebSocketTarget target = at("ws://up.example/chat?x=1")) {
    net.on([&] { client.emplace(net.loop, server, target, WebSocketLimits{1000, 10s, 5s}, diary); });
  }
  static WebSocketTarget at(std::string_view url) {
    WebSocketTarget target;
    target.url = *Url::parse_websocket(url);
    return target;
  }

  LoopThread net;
  FakeServer server;
  Diary diary;
  std::optional<WebSocketClient> client;
};

TEST_F(Clients, AsksAsRfc6455Wants) {
  WebSocketTarget target = at("ws://up.example/chat?x=1");
  target.subprotocol = "v2.chat";
  target.headers = {
      {"Origin", "https://app.example"}, {"sec-websocket-key", "mine"}, {"Sec-WebSocket-Extensions", "x"}};
  open(target);
  EXPECT_EQ(server.target, "up.example/chat?x=1");
  EXPECT_EQ(server.upgrade, "websocket");
  EXPECT_EQ(server.field("Origin"), "https://app.example");
  EXPECT_EQ(server.field("Sec-WebSocket-Version"), "13");
  EXPECT_EQ(server.field("Sec-WebSocket-Protocol"), "v2.chat");
  EXPECT_EQ(server.field("Sec-WebSocket-Extensions"), "");
  const std::string key = server.field("Sec-WebSocket-Key");
  EXPECT_NE(websocket_accept(key), "") << key;
}

TEST_F(Clients, SendsInOrderAlsoWhatCameBeforeTheConnection) {
  open();
  net.on([this] {
    client->send(false, "early");
    client->send(true, "bird");
    EXPECT_GT(client->queued(), 9u);
    EXPECT_THAT(server.taken(), IsEmpty());
    server.accept();
    client->send(false, "late");
    EXPECT_THAT(server.taken(), ElementsAre("text=early", "binary=bird", "text=late"));
    server.take_all();
    server.say(Opcode::text, "hi");
    server.say(Opcode::binary, "ho");
  });
  EXPECT_EQ(diary.take(), "connected took text=hi binary=ho ");
}

TEST_F(Clients, MasksEachFrameAnew) {
  open();
  net.on([this] {
    server.accept();
    for (int i = 0; i < 40; ++i) client->send(false, std::string(8, '\0'));
  });
  std::vector<std::string> masks;
  for (std::size_t at = 0; at + 14 <= server.bytes.size(); at += 14)
    masks.push_back(server.bytes.substr(at + 2, 4));
  std::sort(masks.begin(), masks.end());
  ASSERT_EQ(masks.size(), 40u);
  EXPECT_EQ(std::unique(masks.begin(), masks.end()), masks.end());
}

TEST_F(Clients, TakesNoOtherAnswerThanItsOwn) {
  const struct {
    const char* name;
    int status;
    std::vector<Header> fields;  ///< "right" stands for the right value.
    const char* why;
  } cases[] = {
      {"a refusal", 403, {}, "the server answered 403 to the handshake"},
      {"no accept", 101, {}, "the server sent no Sec-WebSocket-Accept"},
      {"a wrong accept",
       101,
       {{"Sec-WebSocket-Accept", "AAAA"}},
       "the server's Sec-WebSocket-Accept is wrong"},
      {"two accepts",
       101,
       {{"Sec-WebSocket-Accept", "right"}, {"sec-websocket-accept", "right"}},
       "the server's Sec-WebSocket-Accept is wrong"},
      {"an extension",
       101,
       {{"Sec-WebSocket-Accept", "right"}, {"Sec-WebSocket-Extensions", "permessage-deflate"}},
       "the server chose an extension that was not offered"},
      {"a subprotocol",
       101,
       {{"Sec-WebSocket-Accept", "right"}, {"Sec-WebSocket-Protocol", "x"}},
       "the server chose a subprotocol that was not offered"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    FakeServer other;
    Diary heard;
    net.on([&] {
      WebSocketClient one(net.loop, other, at("ws://x"), {}, heard);
      const std::string right = websocket_accept(other.field("Sec-WebSocket-Key"));
      std::vector<Header> fields = c.fields;
      for (Header& field : fields) {
        if (field.value == "right") field.value = right;
      }
      other.answer(c.status, fields);
    });
    EXPECT_EQ(heard.text, "gone1006=" + std::string(c.why) + " ");
    EXPECT_TRUE(other.cancelled);
  }
}

TEST_F(Clients, TellsEveryEnd) {
  const struct {
    const char* name;
    std::string_view bytes;  ///< "": the connection ends.
    const char* told;
    const char* answered;  ///< "": nothing.
  } cases[] = {
      {"a code and a reason",
       "\x88\x05\x0f\xa1"
       "bye",
       "gone4001=bye ", "close=4001"},
      {"no code", std::string_view("\x88\x00", 2), "gone1005= ", "close=0"},
      {"a code that nobody may send", "\x88\x02\x03\xed", "gone1006=the server broke the protocol: 1002 ",
       "close=1002"},
      {"a masked frame",
       "\x81\x81"
       "abcd"
       "x",
       "gone1006=the server broke the protocol: 1002 ", "close=1002"},
      {"a text that is none", "\x81\x02\xc3\x28", "gone1006=the server broke the protocol: 1007 ",
       "close=1007"},
      {"too much", std::string_view("\x82\x7e\x04\x00", 4),
       "gone1006=the server sent a message that is too big ", "close=1009"},
      {"broken off", "", "gone1006=the server broke the connection off ", ""},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    FakeServer other;
    Diary heard;
    net.on([&] {
      WebSocketClient one(net.loop, other, at("ws://x"), {.max_message_bytes = 1000}, heard);
      other.accept();
      heard.take();
      if (c.bytes.empty())
        other.end();
      else
        other.give(c.bytes);
      one.send(false, "nobody is there");
      one.close(1000, {});
    });
    EXPECT_EQ(heard.text, c.told);
    if (*c.answered == '\0') {
      EXPECT_THAT(other.heard, IsEmpty());
    } else {
      EXPECT_THAT(other.heard, ElementsAre(c.answered));
      EXPECT_TRUE(other.finished);
    }
  }
}

TEST_F(Clients, SaysGoodbyeWhenItIsDestroyed) {
  open();
  net.on([this] {
    server.accept();
    client.reset();
  });
  EXPECT_THAT(server.heard, ElementsAre("close=1001"));
  EXPECT_TRUE(server.finished);
  EXPECT_EQ(diary.take(), "connected ");

  FakeServer other;
  net.on([&] { WebSocketClient(net.loop, other, at("ws://x"), {}, diary).send(false, "x"); });
  EXPECT_TRUE(other.cancelled);
}

TEST_F(Clients, AnswersPingsAndAsksASilentServer) {
  open();
  net.on([this] {
    server.accept();
    server.say(Opcode::ping, "a");
  });
  EXPECT_THAT(server.taken(), ElementsAre("pong=a"));
  net.advance(9s);
  net.on([this] { server.say(Opcode::text, "x"); });
  net.advance(2s);
  EXPECT_THAT(server.taken(), IsEmpty());
  net.advance(9s);
  EXPECT_THAT(server.taken(), ElementsAre("ping="));
  net.on([this] { server.say(Opcode::pong, ""); });
  net.advance(6s);
  net.advance(5s);
  EXPECT_THAT(server.taken(), ElementsAre("ping="));
  diary.take();
  net.advance(6s);
  EXPECT_EQ(diary.take(), "gone1006=the server answers no pings ");
  EXPECT_TRUE(server.cancelled);
}

TEST_F(Clients, GivesUpNoServerThatItDoesNotRead) {
  open();
  net.on([this] {
    server.accept();
    client->pause();
    EXPECT_TRUE(server.paused);
  });
  diary.take();
  for (int i = 0; i < 5; ++i) net.advance(11s);
  EXPECT_EQ(diary.take(), "");
  net.on([this] { client->resume(); });
  EXPECT_FALSE(server.paused);
  net.advance(9s);
  EXPECT_THAT(server.taken(), IsEmpty());
}

}  // namespace
}  // namespace mimus
