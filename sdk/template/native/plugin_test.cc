// @NAME@ in the SDK's fake host: no sockets, no threads, and a clock that moves when told to.
#include <gtest/gtest.h>

#include "mimus/testing/fake_host.h"

using mimus::testing::Bound;
using mimus::testing::Exchange;
using mimus::testing::FakeHost;

TEST(Plugin, AddsItsHeaderWhereItIsConfigured) {
  FakeHost host(PLUGIN_FILE);
  Bound& here = host.bind({.config = R"({"value": "world"})"});
  const Exchange& x = host.run(here, {.method = "GET", .path = "/hello"});
  EXPECT_EQ(x.answer.status, 200);
  EXPECT_EQ(x.answer.header("X-@NAME@"), "world");
}

TEST(Plugin, StaysOutOfTheWayElsewhere) {
  FakeHost host(PLUGIN_FILE);
  EXPECT_FALSE(host.bind({}).in_pipeline);
}
