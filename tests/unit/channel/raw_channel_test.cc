// The protocol of raw channels: pings, the two close handshakes, peers that break it or read too slowly.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "channel_world.h"
#include "client_frames.h"

namespace mimus {
namespace {

class RawChannels : public Channels {};

TEST_F(RawChannels, AnswerAPingWithItsPayload) {
  start();
  bytes(client_frame({0x89, "abc"}));
  EXPECT_EQ(peer->wire.taken(), frame(Opcode::pong, "abc"));
}

TEST_F(RawChannels, EchoThePeersCloseCodeAndHangUp) {
  const struct {
    const char* name;
    std::string sent, answer;
  } rows[] = {
      {"1000", client_close("\x03\xe8"), close_frame(1000)},
      {"1001 with a reason", client_close("\x03\xe9going"), close_frame(1001)},
      {"4000", client_close("\x0f\xa0"), close_frame(4000)},
      {"none", client_close(""), close_frame(0)},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    net.on([&] {
      Peer p(net.loop, *table, endpoint);
      p.start();
      p.bytes(row.sent + client_text("too late"));
      EXPECT_EQ(p.wire.taken(), row.answer);
      EXPECT_TRUE(p.wire.closing);
      EXPECT_EQ(table->size(), 0u);
      p.lose();
      EXPECT_EQ(p.diary.text, "open close ");
      EXPECT_FALSE(p.diary.alive);
    });
  }
}

TEST_F(RawChannels, FailAPeerThatBreaksTheProtocol) {
  const struct {
    const char* name;
    std::string sent;
    int code;
  } rows[] = {
      {"not masked", client_frame({0x81, "x", false}), 1002},
      {"a close code of one byte", client_close("\x03"), 1002},
      {"close code 1005", client_close("\x03\xed"), 1002},
      {"a close reason that is no UTF-8", client_close("\x03\xe8\xff"), 1007},
      {"a text that is no UTF-8", client_text("\xff"), 1007},
      {"more than the limit", client_text(std::string(101, 'x')), 1009},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    std::unique_ptr<Peer> p;
    net.on([&] {
      p = std::make_unique<Peer>(net.loop, *table, endpoint);
      p->start();
      p->bytes(row.sent + client_text("after"));
      EXPECT_EQ(p->wire.taken(), close_frame(row.code));
      EXPECT_EQ(p->diary.text, "open ");
      EXPECT_FALSE(send_event(p->channel(), "e", "1"));
      EXPECT_FALSE(p->wire.closing) << "would reset the connection under unread bytes";
    });
    net.advance(60ms);
    net.on([&] { p->bytes("the rest of what was under way"); });
    net.advance(60ms);
    EXPECT_FALSE(p->wire.closing);
    net.advance(100ms);
    net.advance(100ms);
    EXPECT_TRUE(p->wire.closing);
    EXPECT_EQ(p->wire.taken(), "");
    net.on([&] { p.reset(); });
  }
}

TEST_F(RawChannels, GiveUpOnAFailedPeerThatNeverFallsSilent) {
  start();
  bytes(client_text("\xff"));
  for (int i = 0; i < 98; ++i) {
    bytes("x");
    net.advance(50ms);
  }
  EXPECT_FALSE(peer->wire.closing);
  for (int i = 0; i < 4; ++i) {
    bytes("x");
    net.advance(50ms);
  }
  EXPECT_TRUE(peer->wire.closing);
}

TEST_F(RawChannels, CloseWithAHandshake) {
  start();
  net.on([&] { peer->channel().close(1000, "bye"); });
  EXPECT_EQ(peer->wire.taken(), frame(Opcode::close,
                                      "\x03\xe8"
                                      "bye"));
  EXPECT_FALSE(peer->wire.closing);
  EXPECT_FALSE(peer->channel().is_open());
  bytes(client_text("crossing") + client_frame({0x89, "p"}) + client_close("\x03\xe8"));
  EXPECT_EQ(peer->wire.taken(), "");
  EXPECT_TRUE(peer->wire.closing);
  EXPECT_EQ(peer->diary.text, "open ");
  net.advance(10s);
  EXPECT_FALSE(peer->wire.gone);
}

TEST_F(RawChannels, DoNotWaitForeverForThePeersClose) {
  start();
  net.on([&] { peer->channel().close(1000, ""); });
  net.advance(4'999ms);
  EXPECT_FALSE(peer->wire.gone);
  net.advance(2ms);
  EXPECT_TRUE(peer->wire.gone);
}

TEST_F(RawChannels, SendNoCodeThatAPeerMayNotSee) {
  start();
  net.on([&] { peer->channel().close(1006, ""); });
  EXPECT_EQ(peer->wire.taken(), close_frame(0));
}

TEST_F(RawChannels, SayGoodbyeWhenTheHostStops) {
  start();
  net.on([&] { peer->takeover->on_drain(); });
  EXPECT_EQ(peer->wire.taken(), close_frame(1001));
}

TEST_F(RawChannels, EndWithAPeerThatReadsTooSlowly) {
  start();
  net.on([&] {
    EXPECT_TRUE(peer->channel().start_timer(10ms, 0, nullptr));
    peer->wire.room = false;
    EXPECT_FALSE(send_event(peer->channel(), "e", "1"));
    EXPECT_FALSE(peer->channel().is_open());
    EXPECT_EQ(table->size(), 0u);
  });
  net.advance(20ms);
  EXPECT_EQ(peer->diary.text, "open ");
}

TEST_F(RawChannels, PingASilentPeerAndCutItIfItStaysSilent) {
  start();
  net.advance(20s);
  bytes(client_text("x"));
  net.advance(29s);
  EXPECT_EQ(peer->wire.taken(), "");
  net.advance(1s);
  EXPECT_EQ(peer->wire.taken(), frame(Opcode::ping, ""));
  net.advance(29s);
  bytes(client_frame({0x8a, ""}));
  net.advance(2s);
  EXPECT_EQ(peer->wire.taken(), "");
  net.advance(30s);
  EXPECT_EQ(peer->wire.taken(), frame(Opcode::ping, ""));
  EXPECT_FALSE(peer->wire.gone);
  net.advance(30s);
  EXPECT_TRUE(peer->wire.gone);
  EXPECT_EQ(table->size(), 0u);
}
}  // namespace
}  // namespace mimus
