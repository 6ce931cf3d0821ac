// A raw channel that is paused: what was read waits, and nobody takes the client for dead.
#include <gtest/gtest.h>

#include <chrono>
#include <optional>

#include "channel_peer.h"
#include "client_frames.h"
#include "host/channel/deflate.h"
#include "host/channel/framing.h"
#include "loop_thread.h"

namespace mimus {
namespace {

using namespace std::chrono_literals;

class Pauses : public testing::Test {
 protected:
  void SetUp() override {
    net.on([this] { table.emplace(net.loop, net.clock, ChannelOptions{}); });
  }
  void TearDown() override {
    net.on([this] {
      peer.reset();
      table.reset();
    });
  }
  void join(ChannelRules rules = {}) {
    net.on([&] {
      peer.emplace(net.loop, *table, Ulid{}, "10.0.0.1", rules);
      peer->start();
    });
    peer->diary.text.clear();
  }

  LoopThread net;
  std::optional<ChannelTable> table;
  std::optional<Peer> peer;
};

/// `frame` as a client sends it: with a mask that changes nothing.
std::string masked(std::string frame) {
  frame[1] = static_cast<char>(frame[1] | 0x80);
  return frame.insert(2, 4, '\0');
}

TEST_F(Pauses, HoldWhatWasReadAlready) {
  join({.messages_per_second = 0, .deflate_window_bits = 15});
  const std::string some(4000, 'x');
  std::string all;
  for (int i = 0; i < 200; ++i) all += masked(deflated_frame(Opcode::text, some, 15));
  int heard = 0, limit = 5;
  peer->diary.at_message = [&](Channel& channel) {
    if (++heard == limit) channel.pause();
  };
  net.on([&] { peer->bytes(all); });
  EXPECT_TRUE(peer->wire.paused);
  EXPECT_GE(heard, 5);
  EXPECT_LT(heard, 100);
  const int before = heard;
  limit = before + 1;
  net.on([&] {
    peer->channel().resume();
    EXPECT_EQ(heard, before) << "not from within";
  });
  net.advance(1ms);
  EXPECT_GT(heard, before);
  EXPECT_LT(heard, 200);
  EXPECT_TRUE(peer->wire.paused) << "it was paused again";
  net.on([&] { peer->channel().resume(); });
  net.advance(1ms);
  EXPECT_EQ(heard, 200);
  EXPECT_FALSE(peer->wire.paused);
  net.on([&] { peer->bytes(client_text("after")); });
  EXPECT_EQ(heard, 201);
}

TEST_F(Pauses, AreNoSilence) {
  join();
  net.on([&] { peer->channel().pause(); });
  for (int i = 0; i < 5; ++i) net.advance(26s);
  EXPECT_FALSE(peer->wire.gone);
  EXPECT_EQ(peer->wire.taken(), "");
  net.on([&] { peer->channel().resume(); });
  EXPECT_FALSE(peer->wire.paused);
  net.advance(26s);
  net.advance(1ms);
  EXPECT_EQ(peer->wire.taken(), frame(Opcode::ping, ""));
}

/// An observer that has room for some messages.
struct Narrow final : ChannelObserver {
  void on_open(const BaseChannel&) override {}
  void on_message(const BaseChannel&, const ChannelMessage&) override { ++told; }
  void on_close(const BaseChannel&, int, std::string_view) override {}
  bool is_full() const override { return told >= room; }
  int told = 0, room = 3;
};

TEST_F(Pauses, WhileTheObserverIsFullWhoseMessagesItKeeps) {
  Narrow observer;
  net.on([&] { table->observe(&observer); });
  net.on([&] {
    peer.emplace(net.loop, *table, Ulid{}, "10.0.0.1");
    peer->diary.captures = true;
    peer->start();
  });
  std::string all;
  for (int i = 0; i < 1000; ++i) all += client_text("a short message");
  net.on([&] { peer->bytes(all); });
  EXPECT_TRUE(peer->wire.paused);
  EXPECT_LT(observer.told, 100) << "what was read with them waits";
  net.on([&] {
    peer->channel().pause();
    peer->channel().resume();
  });
  EXPECT_TRUE(peer->wire.paused) << "that was for another reason";
  observer.room = 2000;
  net.on([&] { table->read_on(); });
  net.advance(1ms);
  EXPECT_EQ(observer.told, 1000);
  EXPECT_FALSE(peer->wire.paused);
  observer.room = 0;
  net.on([&] { peer->bytes(client_text("one more")); });
  EXPECT_TRUE(peer->wire.paused);
  net.on([&] {
    peer.reset();
    table->read_on();
    table->observe(nullptr);
  });
}

TEST_F(Pauses, EndWithTheChannel) {
  join();
  net.on([&] {
    peer->channel().pause();
    peer->channel().close(4001, "");
  });
  EXPECT_FALSE(peer->wire.paused) << "the client's goodbye must get through";
  net.on([&] { peer->bytes(client_close("\x0f\xa1")); });
  EXPECT_TRUE(peer->wire.closing);
}

}  // namespace
}  // namespace mimus
