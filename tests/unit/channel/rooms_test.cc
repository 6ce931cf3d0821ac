// Rooms: who hears what is said in them, and when a channel has left.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "channel_peer.h"
#include "host/channel/channels.h"
#include "host/channel/framing.h"
#include "loop_thread.h"

namespace mimus {
namespace {

/// A peer that is open.
struct Member : Peer {
  Member(Loop& loop, ChannelTable& table, const Ulid& endpoint) : Peer(loop, table, endpoint) { start(); }
  bool heard() { return !wire.taken().empty(); }
};

class Rooms : public testing::Test {
 protected:
  Rooms() {
    endpoint.bytes[15] = 1;
    other.bytes[15] = 2;
  }
  /// Everything happens on the loop.
  void on(const std::function<void(ChannelTable&)>& body) {
    net.on([&] {
      ChannelTable table(net.loop, net.clock, {});
      body(table);
    });
  }
  LoopThread net;
  Ulid endpoint, other;
  Outgoing event = event_of("e", "1");
};

TEST_F(Rooms, ABroadcastReachesTheRoomOfItsEndpoint) {
  on([&](ChannelTable& table) {
    Member a(net.loop, table, endpoint), b(net.loop, table, endpoint), c(net.loop, table, endpoint),
        far(net.loop, table, other);
    for (Peer* const each : {&a, &b, &far}) EXPECT_EQ(each->channel().join("red"), Channel::Joined::yes);
    EXPECT_EQ(a.channel().join("red"), Channel::Joined::yes) << "twice is once";
    EXPECT_EQ(table.broadcast(endpoint, "red", event, nullptr), 2U);
    EXPECT_TRUE(a.heard() && b.heard());
    EXPECT_FALSE(c.heard() || far.heard());
    EXPECT_EQ(table.broadcast(endpoint, "red", event, &a.channel()), 1U);
    EXPECT_FALSE(a.heard());
    EXPECT_TRUE(b.heard());
    EXPECT_EQ(table.broadcast(endpoint, "", event, nullptr), 3U);
    EXPECT_TRUE(a.heard() && b.heard() && c.heard());
    EXPECT_EQ(table.broadcast(endpoint, "blue", event, nullptr), 0U);
    EXPECT_EQ(table.broadcast(Ulid{}, "red", event, nullptr), 0U);
  });
}

TEST_F(Rooms, WhoLeavesOrClosesHearsNoMore) {
  on([&](ChannelTable& table) {
    auto a = std::make_unique<Member>(net.loop, table, endpoint);
    Member b(net.loop, table, endpoint), c(net.loop, table, endpoint), d(net.loop, table, endpoint);
    for (Member* const each : {a.get(), &b, &c, &d}) (void)each->channel().join("red");
    b.channel().leave("red");
    b.channel().leave("red");
    b.channel().leave("never joined");
    EXPECT_EQ(table.broadcast(endpoint, "red", event, nullptr), 3U);
    c.channel().close(1000, {});
    EXPECT_EQ(c.channel().join("red"), Channel::Joined::closed);
    EXPECT_EQ(table.broadcast(endpoint, "red", event, nullptr), 2U);
    a->takeover->on_closed();
    a.reset();
    EXPECT_EQ(table.broadcast(endpoint, "red", event, nullptr), 1U);
    d.wire.room = false;  // it reads too slowly: it is closed in the middle of a broadcast
    EXPECT_EQ(table.broadcast(endpoint, "red", event, nullptr), 0U);
    EXPECT_FALSE(d.channel().is_open());
  });
}

TEST_F(Rooms, AreBounded) {
  on([&](ChannelTable& table) {
    Member peer(net.loop, table, endpoint);
    EXPECT_EQ(peer.channel().join(""), Channel::Joined::bad_name);
    EXPECT_EQ(peer.channel().join(std::string(129, 'x')), Channel::Joined::bad_name);
    EXPECT_EQ(peer.channel().join(std::string(128, 'x')), Channel::Joined::yes);
    for (std::size_t i = 1; i < max_rooms; ++i)
      EXPECT_EQ(peer.channel().join("room " + std::to_string(i)), Channel::Joined::yes);
    EXPECT_EQ(peer.channel().join("one more"), Channel::Joined::too_many);
    peer.channel().leave("room 1");
    EXPECT_EQ(peer.channel().join("one more"), Channel::Joined::yes);
  });
}

}  // namespace
}  // namespace mimus
