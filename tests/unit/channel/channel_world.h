// A table of channels on a loop of its own, and one raw peer.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "channel_peer.h"
#include "host/channel/channels.h"
#include "host/channel/framing.h"
#include "loop_thread.h"

namespace mimus {

using namespace std::chrono_literals;

class Channels : public testing::Test {
 protected:
  Channels() {
    endpoint.bytes[15] = 1;
    other.bytes[15] = 2;
    net.on([&] {
      table = std::make_unique<ChannelTable>(
          net.loop, net.clock,
          ChannelOptions{.max_message_bytes = 100, .ping_interval = 30s, .ping_timeout = 30s});
      peer = std::make_unique<Peer>(net.loop, *table, endpoint);
    });
  }
  ~Channels() override {
    net.on([&] {
      peer.reset();
      table.reset();
    });
  }
  void start() {
    net.on([&] { peer->start(); });
  }
  void bytes(std::string_view data) {
    net.on([&] { peer->bytes(data); });
  }

  std::size_t broadcast(std::string name, std::string_view payload) {
    Outgoing message = event_of(std::move(name), payload);
    return table->broadcast(endpoint, {}, message, nullptr);
  }

  LoopThread net;
  Ulid endpoint, other;
  std::unique_ptr<ChannelTable> table;
  std::unique_ptr<Peer> peer;
};
inline std::string close_frame(int code) { return frame(Opcode::close, close_payload(code, {})); }

}  // namespace mimus
