// The plugin mimus.channels, bound to the events of a test.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "mimus/testing/fake_host.h"

namespace mimus::testing {

inline Definition channel_with(std::string fields) {
  return {
      .level = MIMUS_LEVEL_CHANNEL, .method = "", .path = "/ws/notifications", .fields = std::move(fields)};
}

/// What was sent since the last look, as "name=payload;…".
inline std::string taken(Channel& channel) {
  std::string out;
  for (const Channel::Sent& sent : channel.sent) out += sent.name + "=" + sent.payload + ";";
  channel.sent.clear();
  return out;
}

struct ChannelsPlugin : ::testing::Test {
  Bound& bind(std::string fields) {
    Bound& bound = host.bind(channel_with(std::move(fields)));
    EXPECT_EQ(bound.rc, MIMUS_OK) << bound.error;
    EXPECT_TRUE(bound.in_pipeline);
    return bound;
  }
  Channel& open(std::string events, Client client = {}) {
    return host.open(bind(R"({"connectedEvent":false,"events":)" + std::move(events) + "}"),
                     std::move(client));
  }
  FakeHost host{CHANNELS_PLUGIN};
};

}  // namespace mimus::testing
