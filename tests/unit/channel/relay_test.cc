// A channel and a real server behind it: what passes, what waits, and how either end ends both.
#include "host/channel/relay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "fake_server.h"
#include "loop_thread.h"

namespace mimus {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// What was sent to the client is in `sent`; how much of it waits is the test's to say.
struct FakeChannel final : Channel {
  const Ulid& id() const override { return ulid; }
  const Ulid& endpoint() const override { return ulid; }
  const ChannelOrigin& origin() const override { return came; }
  bool send(Outgoing& message) override {
    if (!is_open()) return false;
    const EventParts& parts = message.parts();
    std::string text;
    switch (message.kind()) {
      case Outgoing::Kind::text:
        text = "text=" + std::string(message.raw_payload());
        break;
      case Outgoing::Kind::binary:
        text = "binary=" + std::string(message.raw_payload());
        break;
      case Outgoing::Kind::event:
        text = parts.name + parts.args + "#" + std::to_string(parts.ack);
        break;
      case Outgoing::Kind::acknowledgement:
        text = "ack" + parts.args + "#" + std::to_string(parts.ack);
        break;
    }
    for (const std::string& binary : parts.binaries) text += "+" + binary;
    sent.push_back(text);
    waiting += grows ? text.size() : 0;
    return true;
  }
  void close(int code, std::string_view reason) override {
    if (is_open()) closed = std::to_string(code) + "=" + std::string(reason);
  }
  bool is_open() const override { return closed.empty(); }
  std::size_t queued() const override { return waiting; }
  void pause() override { paused = true; }
  void resume() override { paused = false; }
  int end_code() const override { return said; }
  std::string_view end_reason() const override { return why; }
  bool start_timer(std::chrono::milliseconds, std::size_t, void*) override { return false; }
  Joined join(std::string_view) override { return Joined::yes; }
  void leave(std::string_view) override {}
  bool fault(ChannelFault, std::uint64_t) override { return true; }

  std::vector<std::string> taken() { return std::exchange(sent, {}); }

  Ulid ulid{};
  ChannelOrigin came;
  std::vector<std::string> sent;
  std::string closed;  ///< CODE=REASON
  bool paused = false, grows = false;
  std::size_t waiting = 0;
  int said = 0;  ///< What the channel was closed with.
  std::string why;
};

class Relays : public testing::Test {
 protected:
  ~Relays() override {
    net.on([this] { relay.reset(); });
  }
  void start(std::string_view url = "ws://up.example/chat") {
    net.on([&] {
      WebSocketTarget target;
      target.url = *Url::parse_websocket(url);
      relay = make_relay(channel, net.loop, server, target, {.max_message_bytes = 1 << 20});
    });
  }
  void on(const std::function<void()>& body) { net.on(body); }

  LoopThread net;
  FakeServer server;
  FakeChannel channel;
  std::unique_ptr<Relay> relay;
};

/// A raw client's.
struct RawRelays : Relays {};

TEST_F(RawRelays, CarriesMessagesBothWays) {
  channel.came.subprotocol = "v2.chat";
  start();
  EXPECT_EQ(server.field("Sec-WebSocket-Protocol"), "v2.chat");
  on([&] {
    relay->on_message(false, "early");
    server.accept();
    relay->on_message(true, "late");
    server.say(Opcode::text, "a");
    server.say(Opcode::binary, "b");
  });
  EXPECT_THAT(server.heard, ElementsAre("text=early", "binary=late"));
  EXPECT_THAT(channel.sent, ElementsAre("text=a", "binary=b"));
}

TEST_F(RawRelays, CarriesTheServersEndOver) {
  const struct {
    const char* name;
    std::function<void(FakeServer&)> end;
    const char* closed;
  } cases[] = {
      {"a code",
       [](FakeServer& s) {
         s.accept();
         s.say(Opcode::close, close_payload(4001, "bye"));
       },
       "4001=bye"},
      {"none",
       [](FakeServer& s) {
         s.accept();
         s.say(Opcode::close, "");
       },
       "1005="},
      {"broken off",
       [](FakeServer& s) {
         s.accept();
         s.end();
       },
       "1014=the server broke the connection off"},
      {"not there", [](FakeServer& s) { s.fail("up.example: refused"); }, "1014=up.example: refused"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    FakeServer up;
    FakeChannel to;
    on([&] {
      WebSocketTarget target;
      target.url = *Url::parse_websocket("ws://x");
      const auto one = make_relay(to, net.loop, up, target, {});
      c.end(up);
    });
    EXPECT_EQ(to.closed, c.closed);
  }
}

TEST_F(RawRelays, CarriesTheClientsEndOver) {
  const struct {
    const char* name;
    int said;
    const char* why;
    const char* heard;
  } cases[] = {
      {"a code", 4001, "bye", "close=4001bye"},
      {"none", 1005, "", "close=0"},
      {"lost", 1006, "", "close=1001"},
      {"the endpoint has changed", 0, "", "close=1001"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    FakeServer up;
    FakeChannel to;
    on([&] {
      WebSocketTarget target;
      target.url = *Url::parse_websocket("ws://x");
      const auto one = make_relay(to, net.loop, up, target, {});
      up.accept();
      to.said = c.said;
      to.why = c.why;
    });
    EXPECT_THAT(up.heard, ElementsAre(c.heard));
    EXPECT_TRUE(up.finished);
  }
}

TEST_F(RawRelays, HoldsTheClientWhileTheServerTakesLittle) {
  start();
  const std::string much(100'000, 'x');
  on([&] {
    relay->on_message(false, much);
    relay->on_message(false, much);
    EXPECT_FALSE(channel.paused);
    relay->on_message(false, much);
    EXPECT_TRUE(channel.paused) << "before there is a connection, too";
    server.accept();
    EXPECT_TRUE(channel.paused);
    server.take_all();
    EXPECT_FALSE(channel.paused);
    for (int i = 0; i < 3; ++i) relay->on_message(false, much);
    EXPECT_TRUE(channel.paused);
    for (int i = 0; i < 40 && channel.is_open(); ++i) relay->on_message(false, much);
  });
  EXPECT_EQ(channel.closed, "1013=the server takes too little") << "what cannot be held is bounded";
  EXPECT_LT(server.waiting, 4u << 20);
}

TEST_F(RawRelays, HoldsTheServerWhileTheClientTakesLittle) {
  start();
  const std::string much(100'000, 'x');
  channel.grows = true;
  on([&] {
    server.accept();
    for (int i = 0; i < 4; ++i) server.say(Opcode::text, much);
    EXPECT_EQ(channel.taken().size(), 2u);
    EXPECT_TRUE(server.paused);
    server.say(Opcode::text, "last");
    server.say(Opcode::close, close_payload(4001, "bye"));
    EXPECT_THAT(channel.sent, IsEmpty()) << "order is kept";
    EXPECT_TRUE(channel.is_open());
    channel.waiting = 0;
    relay->on_flushed();
    EXPECT_EQ(channel.taken().size(), 3u);
  });
  EXPECT_EQ(channel.closed, "4001=bye");
}

TEST_F(RawRelays, ReadsTheServerAgainOnceTheClientHasAll) {
  start();
  const std::string much(200'000, 'x');
  channel.grows = true;
  on([&] {
    server.accept();
    for (int i = 0; i < 3; ++i) server.say(Opcode::text, much);
    EXPECT_TRUE(server.paused);
    channel.waiting = 0;
    relay->on_flushed();
    EXPECT_TRUE(server.paused) << "one more waits";
    channel.waiting = 0;
    relay->on_flushed();
    EXPECT_FALSE(server.paused);
  });
  EXPECT_EQ(channel.sent.size(), 3u);
}

/// A Socket.IO client's.
struct SocketRelays : Relays {
  SocketRelays() {
    channel.came.protocol = ChannelProtocol::socket_io;
    channel.came.auth = R"({"token":"t"})";
  }
  /// Lets the client in, to the namespace /chat.
  void let_in() {
    start("http://up.example/chat?own=1");
    on([&] {
      server.accept();
      server.say(Opcode::text, R"(0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000})");
      server.say(Opcode::text, R"(40/chat,{"sid":"y"})");
    });
    server.taken();
  }
  void emit(std::string_view name, std::string_view args, std::int64_t ack = -1,
            std::vector<std::string_view> binaries = {}) {
    relay->on_event({name, args, binaries, ack});
  }
};

TEST_F(SocketRelays, ConnectToTheTargetsPathWithTheClientsAuth) {
  start("http://up.example/chat?own=1");
  EXPECT_EQ(server.target, "up.example/socket.io/?EIO=4&transport=websocket&own=1");
  on([&] {
    emit("early", "[1]");
    server.accept();
    EXPECT_THAT(server.taken(), IsEmpty());
    server.say(Opcode::text, R"(0{"sid":"x"})");
    EXPECT_THAT(server.taken(), ElementsAre(R"(text=40/chat,{"token":"t"})"));
    server.say(Opcode::text, R"(40/chat,{"sid":"y"})");
    EXPECT_THAT(server.taken(), ElementsAre(R"(text=42/chat,["early",1])"));
    server.say(Opcode::text, "2probe");
    EXPECT_THAT(server.taken(), ElementsAre("text=3probe"));
  });
  EXPECT_EQ(channel.closed, "");
}

TEST_F(SocketRelays, ATargetWithoutAPathIsTheMainNamespace) {
  channel.came.auth.clear();
  start("http://up.example");
  on([&] {
    server.accept();
    server.say(Opcode::text, R"(0{"sid":"x"})");
    server.say(Opcode::text, R"(40{"sid":"y"})");
    emit("a", "[]");
    server.say(Opcode::text, R"(42/other,["not ours"])");
  });
  EXPECT_THAT(server.heard, ElementsAre("text=40", R"(text=42["a"])"));
  EXPECT_THAT(channel.sent, IsEmpty());
}

TEST_F(SocketRelays, CarryEventsWithBinariesBothWays) {
  let_in();
  on([&] {
    emit("up", R"(["x",{"_placeholder":true,"num":0}])", -1, {"\1\2"});
    server.say(Opcode::text, R"(451-/chat,["down",{"_placeholder":true,"num":0},2])");
    server.say(Opcode::binary, "\3\4");
    server.say(Opcode::text, R"(42/chat,["plain",{"a":1}])");
  });
  EXPECT_THAT(server.heard,
              ElementsAre(R"(text=451-/chat,["up","x",{"_placeholder":true,"num":0}])", "binary=\1\2"));
  EXPECT_THAT(channel.sent, ElementsAre(R"(down[{"_placeholder":true,"num":0},2]#-1+)"
                                        "\3\4",
                                        R"(plain[{"a":1}]#-1)"));
}

TEST_F(SocketRelays, CarryAcknowledgementsBothWays) {
  let_in();
  on([&] {
    emit("ask", "[1]", 7);
    EXPECT_THAT(server.taken(), ElementsAre(R"(text=42/chat,7["ask",1])"));
    server.say(Opcode::text, R"(43/chat,7["yes"])");
    EXPECT_THAT(channel.taken(), ElementsAre(R"(ack["yes"]#7)"));

    server.say(Opcode::text, R"(42/chat,0["question"])");
    EXPECT_THAT(channel.taken(), ElementsAre("question[]#4503599627370496")) << "beyond those of plugins";
    emit("", R"(["a plugin's"])", 0);
    EXPECT_THAT(server.taken(), IsEmpty());
    emit("", R"(["answer"])", 4503599627370496);
    EXPECT_THAT(server.taken(), ElementsAre(R"(text=43/chat,0["answer"])"));
  });
}

TEST_F(SocketRelays, EndWithTheServer) {
  const struct {
    const char* name;
    const char* packet;
    const char* closed;
  } cases[] = {
      {"refused", R"(44/chat,{"message":"not \u0061llowed"})", "1008=not allowed"},
      {"refused in few words", R"(44/chat,"no")", "1008=no"},
      {"disconnected", "41/chat,", "1000=the server disconnected the client"},
      {"closed", "1", "1012=the server closed the session"},
      {"no packet of Engine.IO", "x", "1014=the server does not speak Engine.IO"},
      {"no packet of Socket.IO", "49", "1014=the server does not speak Socket.IO"},
      {"no JSON", R"(42/chat,["a",])", "1014=the server does not speak Socket.IO"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    FakeServer up;
    FakeChannel to;
    to.came.protocol = ChannelProtocol::socket_io;
    on([&] {
      WebSocketTarget target;
      target.url = *Url::parse_websocket("ws://x/chat");
      const auto one = make_relay(to, net.loop, up, target, {});
      up.accept();
      up.say(Opcode::text, R"(0{"sid":"x"})");
      up.say(Opcode::text, c.packet);
      up.say(Opcode::text, R"(42/chat,["nobody hears that"])");
      one->on_event({"a", "[]", {}, -1});
    });
    EXPECT_EQ(to.closed, c.closed);
    EXPECT_THAT(up.heard, ElementsAre("text=40/chat,", "close=1000"));
    EXPECT_THAT(to.sent, IsEmpty());
  }
}

TEST_F(SocketRelays, DisconnectWhenTheClientGoes) {
  let_in();
  channel.said = 1005;
  on([&] { relay.reset(); });
  EXPECT_THAT(server.heard, ElementsAre("text=41/chat,", "close=0"));
  EXPECT_TRUE(server.finished);
}

TEST_F(SocketRelays, DoNotWaitForEverToBeLetIn) {
  start();
  on([&] { server.accept(); });
  net.advance(6s);
  EXPECT_EQ(channel.closed, "1014=the server did not let the client in in time");
}

TEST_F(SocketRelays, BoundWhatWaitsToBeLetIn) {
  start();
  const std::string much = "[\"" + std::string(100'000, 'x') + "\"]";
  on([&] {
    server.accept();
    for (int i = 0; i < 3; ++i) emit("a", much);
    EXPECT_TRUE(channel.paused);
    for (int i = 0; i < 40 && channel.is_open(); ++i) emit("a", much);
  });
  EXPECT_EQ(channel.closed, "1013=the server takes too little");
}

}  // namespace
}  // namespace mimus
