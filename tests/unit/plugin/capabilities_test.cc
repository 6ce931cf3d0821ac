// What plugins may use: hosts of fetch, ceilings and denials.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/plugin/capabilities.h"

namespace mimus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Capabilities all() { return {true, true, true, true, true, {"api.example.com"}}; }

TEST(Capabilities, AHostMayBeFetchedFromOnlyIfItIsNamed) {
  const struct {
    const char* name;
    const char* pattern;
    const char* host;
    unsigned port;
    bool allowed;
  } rows[] = {
      {"a name is for 443", "api.example.com", "api.example.com", 443, true},
      {"and for no other port", "api.example.com", "api.example.com", 80, false},
      {"a port", "api.example.com:8443", "api.example.com", 8443, true},
      {"another port", "api.example.com:8443", "api.example.com", 443, false},
      {"any port", "127.0.0.1:*", "127.0.0.1", 51234, true},
      {"any case", "API.example.com", "api.EXAMPLE.com", 443, true},
      {"fully qualified", "api.example.com", "api.example.com.", 443, true},
      {"a sub-domain is another host", "example.com", "api.example.com", 443, false},
      {"sub-domains", "*.example.com", "a.b.example.com", 443, true},
      {"not the bare domain", "*.example.com", "example.com", 443, false},
      {"not another that ends alike", "*.example.com", "evilexample.com", 443, false},
      {"every host", "*:*", "anything", 1, true},
      {"every host, one port", "*:80", "anything", 81, false},
      {"IPv6", "[::1]:8080", "::1", 8080, true},
      {"IPv6 on 443", "[::1]", "::1", 443, true},
      {"no host", "*:*", "", 1, false},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    EXPECT_TRUE(is_fetch_host(row.pattern));
    Capabilities granted;
    granted.fetch = true;
    granted.fetch_hosts = {"other.example.org", row.pattern};
    EXPECT_EQ(fetch_allowed(granted, row.host, row.port), row.allowed);
    granted.fetch = false;
    EXPECT_FALSE(fetch_allowed(granted, row.host, row.port));
  }
}

TEST(Capabilities, WhatIsNoHostIsTold) {
  for (const char* text : {"", "a b", "http://x", "x:", "x:0", "x:65536", "x:1:2", "*.", "*x", "[::1",
                           "[::1]8", "[]", ":80", "a/b"}) {
    EXPECT_FALSE(is_fetch_host(text)) << text;
  }
}

TEST(Capabilities, AreNarrowedByDenialsAndCeilings) {
  EXPECT_THAT(names_of(all()), ElementsAre("kv", "fetch", "forward", "journal", "channel"));
  EXPECT_THAT(names_of(without(all(), {"kv", "fetch"})), ElementsAre("forward", "journal", "channel"));
  EXPECT_THAT(without(all(), {"fetch"}).fetch_hosts, IsEmpty());
  EXPECT_THAT(names_of(within(all(), {"fetch"})), ElementsAre("fetch"));
  EXPECT_THAT(within(all(), {"fetch"}).fetch_hosts, ElementsAre("api.example.com"));
  EXPECT_THAT(names_of(within({}, {"fetch"})), IsEmpty());
  EXPECT_TRUE(is_capability("journal"));
  EXPECT_FALSE(is_capability("http"));
}

TEST(Capabilities, OnlyTheExtensionsThatNeedThemAreKept) {
  const Capabilities none;
  for (const char* id : {"mimus.http/1", "mimus.async/1", "mimus.timer/1", "mimus.hash/1", "mimus.metrics/1",
                         "mimus.task/1"}) {
    EXPECT_TRUE(may_use(none, id)) << id;
  }
  for (const char* id : {"mimus.kv/1", "mimus.kv/2", "mimus.fetch/1", "mimus.forward/1", "mimus.relay/1",
                         "mimus.journal/1", "mimus.channel/1"}) {
    EXPECT_FALSE(may_use(none, id)) << id;
    EXPECT_TRUE(may_use(all(), id)) << id;
  }
}

}  // namespace
}  // namespace mimus
