// Open channels: what peers, plugins and the admin API see of them, and what is left.
#include "host/channel/channels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "channel_world.h"
#include "client_frames.h"
#include "host/channel/deflate.h"
#include "host/channel/framing.h"

namespace mimus {
namespace {

TEST_F(Channels, GiveMessagesToTheBehaviourAndEventsToThePeer) {
  peer->diary.at_open = [](Channel& c) { EXPECT_TRUE(send_event(c, "wel\"come", R"({"a":1.0})")); };
  start();
  EXPECT_EQ(peer->wire.taken(), frame(Opcode::text, R"({"event":"wel\"come","data":{"a":1.0}})"));
  bytes(client_text("hi") + client_frame({0x82, "\xff"}));
  EXPECT_EQ(peer->diary.text, "open text=hi binary=\xff ");
}

TEST_F(Channels, DeflateForThosePeersThatAgreedOnIt) {
  const std::string large = '"' + std::string(2000, 'a') + '"';
  const std::string text = R"({"event":"e","data":)" + large + "}";
  net.on([&] {
    Peer shrinking(net.loop, *table, endpoint, "10.0.0.2", {.deflate_window_bits = 9});
    peer->start();
    shrinking.start();
    EXPECT_EQ(broadcast("e", large), 2u);
    EXPECT_EQ(peer->wire.taken(), frame(Opcode::text, text));
    EXPECT_EQ(shrinking.wire.taken(), deflated_frame(Opcode::text, text, 9));
    EXPECT_EQ(broadcast("e", "1"), 2u);
    EXPECT_EQ(shrinking.wire.taken(), peer->wire.taken());
  });
}

TEST_F(Channels, CloseAPeerThatSaysTooMuchInASecond) {
  net.on([&] {
    Peer eager(net.loop, *table, endpoint, "10.0.0.2", {.messages_per_second = 2});
    eager.start();
    eager.bytes(client_text("1") + client_text("2") + client_text("3") + client_text("4"));
    EXPECT_EQ(eager.diary.text, "open text=1 text=2 ");
    EXPECT_THAT(eager.wire.taken(), testing::HasSubstr("too many messages"));
  });
}

TEST_F(Channels, AreAllowedAsManyMessagesInTheNextSecond) {
  Peer patient(net.loop, *table, endpoint, "10.0.0.2", {.messages_per_second = 1});
  net.on([&] {
    patient.start();
    patient.bytes(client_text("1"));
  });
  net.advance(1s);
  net.on([&] {
    patient.bytes(client_text("2"));
    EXPECT_EQ(patient.diary.text, "open text=1 text=2 ");
    patient.takeover.reset();
  });
}

TEST_F(Channels, MisbehaveWhenTold) {
  start();
  net.on([&] {
    EXPECT_TRUE(peer->channel().fault(ChannelFault::ignore_pings, 0));
    peer->bytes(client_frame({0x89, "abc"}));
    EXPECT_EQ(peer->wire.taken(), "");
    EXPECT_TRUE(peer->channel().fault(ChannelFault::garbage, 0));
    EXPECT_EQ(peer->wire.taken().front(), '\xf3');
    EXPECT_TRUE(peer->channel().fault(ChannelFault::slow, 20));
    EXPECT_TRUE(send_event(peer->channel(), "e", "1"));
    EXPECT_EQ(peer->wire.taken(), "");
  });
  net.advance(100ms);
  net.on([&] { EXPECT_EQ(peer->wire.taken().size(), 2u); });
  net.advance(100ms);
  net.on([&] {
    EXPECT_EQ(peer->wire.taken().size(), 2u);
    EXPECT_TRUE(peer->channel().fault(ChannelFault::slow, 0));
  });
  net.advance(100ms);
  net.on([&] {
    EXPECT_EQ(peer->wire.taken().size(), frame(Opcode::text, R"({"event":"e","data":1})").size() - 4);
    EXPECT_TRUE(peer->channel().fault(ChannelFault::drop, 0));
    EXPECT_TRUE(peer->wire.gone);
    EXPECT_EQ(peer->wire.taken(), "") << "dropped without a word";
    EXPECT_FALSE(peer->channel().fault(ChannelFault::garbage, 0));
  });
}

TEST_F(Channels, ASlowedOneSaysGoodbyeLast) {
  start();
  net.on([&] {
    EXPECT_TRUE(peer->channel().fault(ChannelFault::slow, 10'000));
    EXPECT_TRUE(send_event(peer->channel(), "e", "1"));
    peer->channel().close(1000, {});
    EXPECT_FALSE(peer->wire.closing);
    peer->bytes(client_close("\x03\xe8"));
    EXPECT_FALSE(peer->wire.closing);
  });
  net.advance(100ms);
  net.on([&] {
    EXPECT_EQ(peer->wire.taken(), frame(Opcode::text, R"({"event":"e","data":1})") + close_frame(1000));
    EXPECT_TRUE(peer->wire.closing);
  });
}

TEST_F(Channels, TakeAnotherBehaviourInThePlaceOfTheirOwn) {
  start();
  Diary later;
  net.on([&] {
    EXPECT_TRUE(peer->channel().start_timer(10ms, 0, nullptr));
    EXPECT_EQ(peer->channel().join("red"), Channel::Joined::yes);
    EXPECT_EQ(table->rebind(endpoint, 2, [&](const Channel&) { return std::make_unique<Behaviour>(later); }),
              1u);
    EXPECT_EQ(peer->diary.text, "open close ");
    EXPECT_FALSE(peer->diary.alive);
    Outgoing message = event_of("e", "1");
    EXPECT_EQ(table->broadcast(endpoint, "red", message, nullptr), 0u) << "it left its rooms";
  });
  net.advance(20ms);
  bytes(client_text("hi") + client_text("ho"));
  EXPECT_EQ(later.text, "rebind text=hi text=ho ");
  bytes(client_text("hu"));
  EXPECT_EQ(later.text, "rebind text=hi text=ho ") << "one more than it may send a second";
  net.on([&] {
    EXPECT_EQ(peer->wire.taken(), frame(Opcode::close, close_payload(1008, "too many messages")));
    peer->lose();
  });
  EXPECT_EQ(later.text, "rebind text=hi text=ho close ");
}

/// Writes down what it is told.
struct Observer final : ChannelObserver {
  void on_open(const BaseChannel&) override { text += "open "; }
  void on_message(const BaseChannel&, const ChannelMessage& m) override {
    text.append(m.out ? "out=" : "in=").append(m.name).append(m.data).append(" ");
  }
  void on_close(const BaseChannel&, int code, std::string_view reason) override {
    text.append("close=").append(std::to_string(code)).append(reason).append(" ");
  }
  std::string text;
};

TEST_F(Channels, AreObservedWhereTheyCaptureOrAreWatched) {
  Observer observer;
  net.on([&] {
    table->observe(&observer);
    Peer captured(net.loop, *table, other, "10.0.0.2");
    captured.diary.captures = true;
    captured.start();
    captured.bytes(client_text("hi"));
    EXPECT_TRUE(send_event(captured.channel(), "e", "1"));
    captured.bytes(
        client_close("\x0f\xa0"
                     "bye"));
    captured.lose();
    EXPECT_EQ(std::exchange(observer.text, {}), "open in=hi out=e[1] close=4000bye ");

    peer->start();
    peer->bytes(client_text("unseen"));
    table->watch(endpoint, true);
    peer->bytes(client_text("seen"));
    table->watch(endpoint, false);
    peer->bytes(client_text("unseen"));
    peer->lose();
    EXPECT_EQ(observer.text, "open in=seen close=1006 ");
    table->observe(nullptr);
  });
}

TEST_F(Channels, FireTimersWithTheirPluginAndData) {
  peer->diary.at_open = [&](Channel& c) {
    EXPECT_TRUE(c.start_timer(20ms, 7, &peer->diary));
    EXPECT_TRUE(c.start_timer(10ms, 3, nullptr));
  };
  start();
  net.advance(10ms);
  EXPECT_EQ(peer->diary.text, "open timer3 ");
  net.advance(10ms);
  EXPECT_EQ(peer->diary.text, "open timer3 timer7! ");
}

TEST_F(Channels, LetATimerStartItself) {
  peer->diary.at_open =
      peer->diary.at_timer = [](Channel& c) { EXPECT_TRUE(c.start_timer(50ms, 0, nullptr)); };
  start();
  for (int i = 0; i < 3; ++i) net.advance(50ms);
  EXPECT_EQ(peer->diary.text, "open timer0 timer0 timer0 ");
}

TEST_F(Channels, BoundTheTimersOfOneChannel) {
  start();
  net.on([&] {
    for (int i = 0; i < 1024; ++i) EXPECT_TRUE(peer->channel().start_timer(10ms, 0, nullptr));
    EXPECT_FALSE(peer->channel().start_timer(10ms, 0, nullptr));
  });
}

TEST_F(Channels, StopEveryTimerWhicheverWayTheyClose) {
  const struct {
    const char* name;
    std::function<void(Peer&)> close;
  } rows[] = {
      {"by us", [](Peer& p) { p.channel().close(1000, ""); }},
      {"by the peer", [](Peer& p) { p.bytes(client_close("")); }},
      {"by a protocol error", [](Peer& p) { p.bytes(client_text("\xff")); }},
      {"by a lost connection", [](Peer& p) { p.lose(); }},
      {"by a connection that is freed at once", [](Peer& p) { p.takeover.reset(); }},
      {"by the host's stop", [](Peer& p) { p.takeover->on_drain(); }},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    std::unique_ptr<Peer> p;
    net.on([&] {
      p = std::make_unique<Peer>(net.loop, *table, endpoint);
      p->start();
      for (int i = 1; i < 20; ++i) p->channel().start_timer(i * 1ms, 0, nullptr);
    });
    net.advance(1ms);
    net.on([&] { row.close(*p); });
    net.advance(100s);
    EXPECT_EQ(p->diary.text.substr(0, 12), "open timer0 ");
    EXPECT_EQ(p->diary.text.find("timer0", 12), std::string::npos);
    net.on([&] {
      EXPECT_EQ(table->size(), 0u);
      p.reset();
    });
  }
}

TEST_F(Channels, MayBeClosedFromWithinAnyCallback) {
  const std::function<void(Channel&)> close = [](Channel& c) {
    c.close(4001, "");
    EXPECT_FALSE(send_event(c, "e", "1"));
    EXPECT_FALSE(c.start_timer(1ms, 0, nullptr));
    c.close(4002, "");
  };
  const struct {
    const char* name;
    std::function<void(Diary&)> set;
    const char* diary;
    std::string sent;
  } rows[] = {
      {"on_open", [&](Diary& d) { d.at_open = close; }, "open close ", close_frame(4001)},
      {"on_message", [&](Diary& d) { d.at_message = close; }, "open text=x close ", close_frame(4001)},
      {"on_timer",
       [&](Diary& d) {
         d.at_open = [](Channel& c) {
           c.start_timer(1ms, 0, nullptr);
           c.start_timer(1ms, 0, nullptr);
         };
         d.at_timer = close;
       },
       "open text=x text=x timer0 close ", close_frame(4001)},
      {"on_close", [&](Diary& d) { d.at_close = close; }, "open text=x text=x close ", ""},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    std::unique_ptr<Peer> p;
    net.on([&] {
      p = std::make_unique<Peer>(net.loop, *table, endpoint);
      row.set(p->diary);
      p->start();
      p->bytes(client_text("x") + client_text("x"));
    });
    net.advance(2ms);
    net.on([&] {
      p->lose();
      EXPECT_EQ(p->diary.text, row.diary);
      EXPECT_EQ(p->wire.sent, row.sent);
      EXPECT_FALSE(p->diary.alive);
    });
  }
}

TEST_F(Channels, AreListedCountedAndClosedByTheirEndpoint) {
  net.on([&] {
    Peer a(net.loop, *table, endpoint, "10.0.0.1"), b(net.loop, *table, endpoint, "10.0.0.2"),
        c(net.loop, *table, endpoint, "10.0.0.1"), d(net.loop, *table, other, "10.0.0.1");
    EXPECT_EQ(table->size(), 0u) << "none has started";
    for (Peer* p : {&a, &b, &c, &d}) p->start();
    EXPECT_EQ(table->size(), 4u);
    EXPECT_EQ(table->count(endpoint, "10.0.0.1"), 2u);
    EXPECT_EQ(table->count(other, "10.0.0.2"), 0u);

    a.bytes(client_text("12345"));
    EXPECT_EQ(broadcast("e", "1"), 3u);
    EXPECT_EQ(a.wire.sent, frame(Opcode::text, R"({"event":"e","data":1})"));
    EXPECT_EQ(d.wire.sent, "");

    std::vector<ChannelInfo> infos;
    table->list(endpoint, infos);
    ASSERT_EQ(infos.size(), 3u);
    EXPECT_EQ(infos[0].id, a.channel().id());
    EXPECT_EQ(infos[1].client_ip, "10.0.0.2");
    EXPECT_EQ(infos[2].id, c.channel().id());
    EXPECT_EQ(infos[0].messages_in, 1u);
    EXPECT_EQ(infos[0].messages_out, 1u);
    EXPECT_EQ(infos[0].bytes_in, 11u);
    EXPECT_EQ(infos[0].bytes_out, a.wire.sent.size());
    EXPECT_EQ(infos[0].since_us, net.clock.wall_us());

    EXPECT_FALSE(table->close(other, b.channel().id(), 1000, ""));
    EXPECT_TRUE(table->close(endpoint, b.channel().id(), 1008, "go"));
    EXPECT_FALSE(table->close(endpoint, b.channel().id(), 1008, "go")) << "it is closing";
    infos.clear();
    table->list(endpoint, infos);
    EXPECT_EQ(infos.size(), 2u);
    b.lose();
    a.lose();
    EXPECT_EQ(broadcast("e", "1"), 1u);
    EXPECT_EQ(table->size(), 2u);
  });
}

TEST_F(Channels, BroadcastPastAPeerThatReadsTooSlowly) {
  net.on([&] {
    Peer a(net.loop, *table, endpoint), b(net.loop, *table, endpoint);
    a.start();
    b.start();
    a.wire.room = false;
    EXPECT_EQ(broadcast("e", "1"), 1u);
    EXPECT_EQ(table->size(), 1u);
  });
}

TEST_F(Channels, OutliveTheirTableQuietly) {
  std::unique_ptr<Peer> late;
  net.on([&] {
    late = std::make_unique<Peer>(net.loop, *table, endpoint);
    peer->start();
    peer->channel().start_timer(1ms, 0, nullptr);
    table.reset();
    EXPECT_EQ(peer->diary.text, "open close ");
    EXPECT_FALSE(peer->diary.alive);
    peer->bytes(client_text("x"));
    peer->takeover->on_drain();
    late->start();
    EXPECT_TRUE(late->wire.closing);
  });
  net.advance(100s);
  net.on([&] {
    peer->lose();
    late->lose();
    EXPECT_EQ(peer->diary.text, "open close ");
    EXPECT_EQ(late->diary.text, "");
  });
}

TEST_F(Channels, ThatNeverStartedOweNoClose) {
  net.on([&] {
    peer->takeover->on_closed();
    EXPECT_EQ(peer->diary.text, "");
    EXPECT_FALSE(peer->diary.alive);
  });
}

}  // namespace
}  // namespace mimus
