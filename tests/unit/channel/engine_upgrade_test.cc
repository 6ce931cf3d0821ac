// Engine.IO over WebSockets: sessions that begin there, and those that move there from polling.
#include "engine_world.h"
#include "host/channel/framing.h"

namespace mimus {
namespace {

using namespace std::chrono_literals;

using EngineUpgrades = EngineWorld;

std::string text_frame(std::string_view packet) { return frame(Opcode::text, packet); }
std::string close_frame(int code = 0) { return frame(Opcode::close, close_payload(code, {})); }

TEST_F(EngineUpgrades, NeedNoneWhereTheyBeginOnAWebSocket) {
  EnginePeer& peer = connect();
  EXPECT_EQ(taken(peer),
            text_frame(R"(0{"sid":")" + std::string(diary.session->sid()) +
                       R"(","upgrades":[],"pingInterval":300,"pingTimeout":200,"maxPayload":1000000})"));
  text(peer, "4hello");
  EXPECT_EQ(taken(peer), text_frame("4hello"));
  net.on([&] { peer.takeover->on_bytes(client_frame({0x82, "\1\2"})); });
  EXPECT_EQ(taken(peer), frame(Opcode::binary, "\1\2"));
  EXPECT_EQ(diary.text, "text=hello binary=\1\2 ");
}

TEST_F(EngineUpgrades, KeepAWebSocketAliveByPings) {
  EnginePeer& peer = connect();
  taken(peer);
  for (int i = 0; i < 3; ++i) {
    net.advance(300ms);
    EXPECT_EQ(taken(peer), text_frame("2"));
    text(peer, "3");
  }
  net.advance(300ms);
  net.advance(200ms);
  EXPECT_EQ(taken(peer), text_frame("2") + close_frame());
  turns();
  EXPECT_EQ(diary.text, "closed ");
}

TEST_F(EngineUpgrades, EndAWebSocket) {
  const struct {
    const char* name;
    std::string sent, answer;
  } rows[] = {
      {"its goodbye", client_text("1"), close_frame()},
      {"no packet", client_text("abc"), close_frame()},
      {"an empty packet", client_text(""), close_frame()},
      {"a ping, which is the server's", client_text("2"), close_frame()},
      {"a close frame", client_close("\x03\xe8"), close_frame(1000)},
      {"a text that is no UTF-8", client_text("\xff"), close_frame(1007)},
      {"frames that are not masked", client_frame({0x81, "4a", false}), close_frame(1002)},
      {"more than maxPayload", client_text(std::string(1'000'001, '4')), close_frame(1009)},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    EnginePeer& peer = connect();
    taken(peer);
    diary.text.clear();
    net.on([&] { peer.takeover->on_bytes(row.sent + client_text("4late")); });
    turns();
    EXPECT_EQ(taken(peer), row.answer);
    EXPECT_EQ(diary.text, "closed ");
    EXPECT_EQ(sessions(), 0u);
  }
}

TEST_F(EngineUpgrades, HangUpOnceTheClientHasClosedToo) {
  EnginePeer& peer = connect();
  text(peer, "1");
  EXPECT_FALSE(peer.wire.closing);
  net.on([&] { peer.takeover->on_bytes(client_close("")); });
  EXPECT_TRUE(peer.wire.closing);
  EnginePeer& silent = connect();
  text(silent, "1");
  net.advance(5s);
  EXPECT_TRUE(silent.wire.gone);
}

TEST_F(EngineUpgrades, EndWithAClientThatReadsTooSlowly) {
  EnginePeer& peer = connect();
  net.on([&] {
    peer.wire.room = false;
    EngineMessages message = text_message("x");
    EXPECT_FALSE(diary.session->send(message));
    EXPECT_FALSE(diary.session->is_open());
    EXPECT_EQ(diary.text, "");
  });
  turns();
  EXPECT_EQ(diary.text, "closed ");
}

TEST_F(EngineUpgrades, AnswerControlFrames) {
  EnginePeer& peer = connect();
  taken(peer);
  net.on([&] { peer.takeover->on_bytes(client_frame({0x89, "p"}) + client_frame({0x8a, "q"})); });
  EXPECT_EQ(taken(peer), frame(Opcode::pong, "p"));
}

TEST_F(EngineUpgrades, MoveASessionAndAllThatWaits) {
  const std::string sid = open();
  EnginePeer& peer = connect(sid);
  const Sent waiting = poll(sid);
  text(peer, "2probe");
  EXPECT_EQ(taken(peer), text_frame("3probe"));
  EXPECT_EQ(waiting->answer, "6") << "so that the client's poll comes back";
  net.on([&] {
    EngineMessages messages;
    messages.add(false, "a");
    messages.add(true, "\1\2");
    diary.session->send(messages);
  });
  EXPECT_EQ(poll(sid)->answer,
            "4a\x1e"
            "bAQI=")
      << "until the upgrade, polls have what there is";
  net.on([&] {
    EngineMessages messages;
    messages.add(false, "b");
    messages.add(true, "\3");
    diary.session->send(messages);
  });
  text(peer, "5");
  EXPECT_EQ(taken(peer), text_frame("4b") + frame(Opcode::binary, "\3"));
  text(peer, "4c");
  EXPECT_EQ(taken(peer), text_frame("4c"));
  EXPECT_EQ(diary.alive, 1);
  net.advance(10s);
  net.advance(10s);
}

TEST_F(EngineUpgrades, EndPollsOfAClientThatGoesOnPolling) {
  const std::string sid = open();
  EnginePeer& peer = connect(sid);
  text(peer, "2probe");
  const Sent waiting = poll(sid);
  EXPECT_TRUE(waiting->waits());
  net.advance(100ms);
  EXPECT_EQ(waiting->answer, "6");
}

TEST_F(EngineUpgrades, RefuseWhatIsStillSentOverPolling) {
  const std::string sid = open();
  EnginePeer& peer = connect(sid);
  text(peer, "2probe");
  const Sent last = poll(sid);
  text(peer, "5");
  EXPECT_EQ(last->answer, "6");
  for (const Sent& late : {poll(sid), post(sid, "4late")}) {
    EXPECT_EQ(late->status, 400);
    EXPECT_EQ(late->answer, R"({"code":3,"message":"Bad request"})");
  }
  EnginePeer& other = connect(sid);
  EXPECT_EQ(taken(other), close_frame());
  taken(peer);
  text(peer, "4hello");
  EXPECT_EQ(taken(peer), text_frame("4hello"));
}

TEST_F(EngineUpgrades, FailAndLeaveTheSessionToPolling) {
  const struct {
    const char* name;
    std::string sent;
    int code = 0;
  } rows[] = {
      {"another packet", client_text("4early")}, {"a ping that is no probe", client_text("2")},
      {"no packet", client_text("x")},           {"a binary", client_frame({0x82, "x"})},
      {"a close frame", client_close("")},       {"a broken frame", client_frame({0x81, "5", false}), 1002},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    const std::string sid = open();
    EnginePeer& peer = connect(sid);
    net.on([&] { peer.takeover->on_bytes(row.sent); });
    EXPECT_EQ(taken(peer), close_frame(row.code)) << "once";
    EXPECT_EQ(post(sid, "4still")->answer, "ok");
    EXPECT_EQ(poll(sid)->answer, "4still");
    EnginePeer& again = connect(sid);
    text(again, "2probe");
    EXPECT_EQ(taken(again), text_frame("3probe"));
  }
}

TEST_F(EngineUpgrades, MustBeInTime) {
  options.ping_interval = 60s;
  net.on([&] { remake(); });
  const std::string sid = open();
  EnginePeer& peer = connect(sid);
  text(peer, "2probe");
  taken(peer);
  net.advance(9'999ms);
  EXPECT_EQ(taken(peer), "");
  net.advance(1ms);
  EXPECT_EQ(taken(peer), close_frame());
  EXPECT_EQ(post(sid, "4still")->answer, "ok");
}

TEST_F(EngineUpgrades, AreOneAtATime) {
  const std::string sid = open();
  EnginePeer& first = connect(sid);
  EXPECT_EQ(taken(connect(sid)), close_frame());
  text(first, "2probe");
  EXPECT_EQ(taken(first), text_frame("3probe"));
}

TEST_F(EngineUpgrades, EndWithTheSession) {
  const std::string sid = open();
  EnginePeer& peer = connect(sid);
  post(sid, "1");
  EXPECT_EQ(taken(peer), close_frame());
}

TEST_F(EngineUpgrades, BringTheEndToAClientThatPollsNoMore) {
  const std::string sid = open();
  EnginePeer& peer = connect(sid);
  const Sent waiting = poll(sid);
  text(peer, "2probe");
  EXPECT_EQ(taken(peer), text_frame("3probe"));
  EXPECT_EQ(waiting->answer, "6");
  net.on([&] {
    EngineMessages messages;
    messages.add(false, "a");
    diary.session->send(messages);
    diary.session->close();
  });
  turns();
  EXPECT_EQ(diary.alive, 0);
  EXPECT_EQ(taken(peer), "");
  text(peer, "5");
  EXPECT_EQ(taken(peer), text_frame("4a") + text_frame("1") + close_frame());
  turns();
  EXPECT_EQ(poll(sid)->status, 400);
}

TEST_F(EngineUpgrades, EndOnceAPollHasFetchedTheEnd) {
  const std::string sid = open();
  EnginePeer& peer = connect(sid);
  text(peer, "2probe");
  taken(peer);
  net.on([&] { diary.session->close(); });
  turns();
  EXPECT_EQ(poll(sid)->answer, "1");
  turns();
  EXPECT_EQ(taken(peer), close_frame());
}

TEST_F(EngineUpgrades, MisbehaveOverAWebSocket) {
  EnginePeer& peer = connect();
  taken(peer);
  net.on([&] { diary.session->fault(ChannelFault::garbage, 0); });
  EXPECT_EQ(taken(peer), "\xf3\x01?");
  net.on([&] { diary.session->fault(ChannelFault::slow, 30); });
  text(peer, "4hello");
  EXPECT_EQ(taken(peer), "");
  net.advance(100ms);
  EXPECT_EQ(taken(peer), text_frame("4hello").substr(0, 3));
  net.on([&] { diary.session->fault(ChannelFault::drop, 0); });
  EXPECT_TRUE(peer.wire.gone);
  turns();
  EXPECT_EQ(diary.text, "text=hello closed ");
}

TEST_F(EngineUpgrades, StaySlowAcrossTheUpgrade) {
  const std::string sid = open();
  EnginePeer& peer = connect(sid);
  net.on([&] { diary.session->fault(ChannelFault::slow, 30); });
  text(peer, "2probe");
  text(peer, "5");
  taken(peer);
  text(peer, "4hello");
  EXPECT_EQ(taken(peer), "");
}

}  // namespace
}  // namespace mimus
