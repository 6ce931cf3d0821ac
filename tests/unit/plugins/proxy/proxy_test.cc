// The plugin mimus.proxy through its real shared object.
#include <gtest/gtest.h>

#include "mimus/testing/fake_host.h"

namespace mimus::testing {
namespace {

struct ProxyPlugin : ::testing::Test {
  Bound& bind(std::string fields, std::string path = "/users/:id") {
    return host.bind({.path = std::move(path), .fields = std::move(fields)});
  }
  FakeHost host{PROXY_PLUGIN};
};

TEST_F(ProxyPlugin, IsOnlyWhereItIsSwitchedOn) {
  EXPECT_FALSE(bind("{}").in_pipeline);
  EXPECT_FALSE(bind(R"({"proxyMode":false,"proxyTarget":"http://h"})").in_pipeline);
  EXPECT_FALSE(bind(R"({"proxyTarget":"http://h"})").in_pipeline);
  EXPECT_TRUE(bind(R"({"proxyMode":true,"proxyTarget":"http://h"})").in_pipeline);
  EXPECT_FALSE(host.bind({.level = MIMUS_LEVEL_API}).in_pipeline);
}

TEST_F(ProxyPlugin, RefusesToBindWithoutASoundTarget) {
  EXPECT_NE(bind(R"({"proxyMode":true})").rc, MIMUS_OK);
  Bound& bad = bind(R"({"proxyMode":true,"proxyTarget":"http://h/:other"})");
  EXPECT_NE(bad.rc, MIMUS_OK);
  EXPECT_NE(bad.error.find("other"), std::string::npos);
}

TEST_F(ProxyPlugin, ForwardsTheRequest) {
  Bound& bound = bind(R"({"proxyMode":true,"proxyTarget":"http://h/v1/{id}?k=1","proxyTimeout":250,
                          "proxyHeaders":{"remove":["X-A"],"add":{"X-B":"2"}}})");
  Exchange& x = host.start(bound, {.method = "POST",
                                   .path = "/users/a b",
                                   .raw_path = "/users/a%20b",
                                   .raw_query = "q=1",
                                   .headers = {{"X-A", "1"}, {"Host", "mock"}, {"Cookie", "c"}},
                                   .params = {{"id", "a b"}}});
  ASSERT_EQ(x.state, Exchange::State::forwarded);
  EXPECT_EQ(x.forward->url, "http://h/v1/a%20b?k=1&q=1");
  EXPECT_EQ(x.forward->method, "POST");
  EXPECT_EQ(x.forward->timeout_ms, 250u);
  EXPECT_EQ(x.forward->headers, (Fields{{"X-B", "2"}}));
  host.answer(x, {.status = 203, .headers = {{"X-Mock-Proxied", "by another"}}, .body = "upstream"});
  EXPECT_EQ(x.answer.status, 203);
  EXPECT_EQ(x.answer.body, "upstream");
  EXPECT_EQ(x.answer.header("X-Mock-Proxied"), "true");
  EXPECT_EQ(x.numbers["proxied"], 1);
}

TEST_F(ProxyPlugin, RecordsAlsoWhatFailed) {
  Bound& bound = bind(R"({"proxyMode":true,"proxyTarget":"http://h"})");
  Exchange& x = host.start(bound, {.path = "/users/1"});
  host.fail_upstream(x, 504, "upstream-timeout");
  EXPECT_EQ(x.answer.status, 504);
  EXPECT_EQ(x.answer.header("X-Mock-Proxied"), "");
  EXPECT_EQ(x.numbers["proxied"], 1);
}

TEST(ProxyTimeout, IsTheOptionsWhereTheEndpointDoesNotSay) {
  const char* fields = R"({"proxyMode":true,"proxyTarget":"http://h"})";
  FakeHost plain(PROXY_PLUGIN);
  EXPECT_EQ(plain.start(plain.bind({.fields = fields}), {}).forward->timeout_ms, 5000u);
  FakeHost set(PROXY_PLUGIN, {.options = {{"proxy-default-timeout", "700"}}});
  EXPECT_EQ(set.start(set.bind({.fields = fields}), {}).forward->timeout_ms, 700u);
  for (const char* bad : {"99", "30001", "\"x\"", "100.5", "-1"}) {
    EXPECT_EQ(FakeHost(PROXY_PLUGIN, {.options = {{"proxy-default-timeout", bad}}}).rc(), MIMUS_E_INVAL)
        << bad;
  }
}

TEST_F(ProxyPlugin, FindsFaultsOfADefinition) {
  host.refuse_target = [](std::string_view url) {
    return url.starts_with("http://169.254.169.254") ? std::string("is a metadata address") : std::string();
  };
  const struct {
    const char* name;
    const char* fields;
    std::vector<std::string> pointers;
  } cases[] = {
      {"nothing", "{}", {}},
      {"a base", R"({"proxyMode":true,"proxyTarget":"http://h"})", {}},
      {"placeholders", R"({"proxyMode":true,"proxyTarget":"http://h/{id}.json"})", {}},
      {"no target", R"({"proxyMode":true})", {"/proxyTarget"}},
      {"no target is needed", R"({"proxyMode":false})", {}},
      {"not a URL", R"({"proxyMode":true,"proxyTarget":"h"})", {"/proxyTarget"}},
      {"not a URL, also while it is off", R"({"proxyMode":false,"proxyTarget":"h"})", {"/proxyTarget"}},
      {"an unknown parameter", R"({"proxyMode":true,"proxyTarget":"http://h/:name"})", {"/proxyTarget"}},
      {"a refused address", R"({"proxyTarget":"http://169.254.169.254/{id}"})", {"/proxyTarget"}},
      {"a timeout that is not written as one", R"({"proxyTimeout":5e3})", {"/proxyTimeout"}},
      {"header names and values",
       R"({"proxyHeaders":{"add":{"a/b":"x","X":"y"},"override":{"X":"a\nb"},"remove":["ok","not ok"],"forward":[""]}})",
       {"/proxyHeaders/add/a~1b", "/proxyHeaders/override/X", "/proxyHeaders/remove/1",
        "/proxyHeaders/forward/0"}},
      {"headers that are the host's",
       R"({"proxyHeaders":{"add":{"Host":"x"},"override":{"content-length":"1"}}})",
       {"/proxyHeaders/add/Host", "/proxyHeaders/override/content-length"}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    std::vector<std::string> pointers;
    for (const Fault& f : host.check({.path = "/users/:id", .fields = c.fields})) {
      pointers.push_back(f.pointer);
      EXPECT_NE(f.detail, "");
    }
    EXPECT_EQ(pointers, c.pointers);
  }
  const std::vector<Fault> faults = host.check({.fields = R"({"proxyTarget":"http://169.254.169.254"})"});
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0].detail, "is a metadata address");
}

struct ProxyOfChannels : ProxyPlugin {
  Bound& relaying(std::string fields) {
    return host.bind({.level = MIMUS_LEVEL_CHANNEL, .path = "/ws/x", .fields = std::move(fields)});
  }
};

TEST_F(ProxyOfChannels, AreOnlyWhereThereIsATarget) {
  EXPECT_FALSE(relaying("{}").in_pipeline);
  EXPECT_FALSE(relaying(R"({"proxyTimeout":300})").in_pipeline);
  EXPECT_TRUE(relaying(R"({"proxyTarget":"ws://h"})").in_pipeline);
}

TEST_F(ProxyOfChannels, RelayToTheTargetWithOwnFields) {
  Bound& bound = relaying(R"({"proxyTarget":"wss://h/chat?k=1","proxyTimeout":250,
                              "proxyHeaders":{"override":{"Origin":"https://a"},"add":{"X-B":"2"}}})");
  const Channel& raw = host.open(bound, {.query = "token=t&EIO=5"});
  ASSERT_TRUE(raw.relay);
  EXPECT_EQ(raw.relay->url, "wss://h/chat?k=1&token=t&EIO=5");
  EXPECT_EQ(raw.relay->timeout_ms, 250u);
  EXPECT_EQ(raw.relay->headers, (Fields{{"Origin", "https://a"}, {"X-B", "2"}}));
  const Channel& socket =
      host.open(bound, {.socket_io = true, .query = "EIO=4&transport=polling&t=x&mine=2"});
  ASSERT_TRUE(socket.relay);
  EXPECT_EQ(socket.relay->url, "wss://h/chat?k=1&mine=2") << "Engine.IO's own stays here";
}

TEST_F(ProxyOfChannels, RelayAnewWhereAChangeIsApplied) {
  Channel& raw = host.open(relaying(R"({"proxyTarget":"ws://old"})"));
  host.rebind(raw, relaying(R"({"proxyTarget":"ws://new"})"));
  ASSERT_TRUE(raw.relay);
  EXPECT_EQ(raw.relay->url, "ws://new");
}

TEST_F(ProxyOfChannels, FindFaultsOfADefinition) {
  host.refuse_target = [](std::string_view url) {
    return url.starts_with("http://169.254.169.254") ? std::string("is a metadata address") : std::string();
  };
  const struct {
    const char* name;
    const char* fields;
    std::vector<std::string> pointers;
  } cases[] = {
      {"nothing", "{}", {}},
      {"ws", R"({"proxyTarget":"ws://h"})", {}},
      {"WSS", R"({"proxyTarget":"WSS://h/:id"})", {}},
      {"http", R"({"proxyTarget":"http://h/chat"})", {}},
      {"another scheme", R"({"proxyTarget":"ftp://h"})", {"/proxyTarget"}},
      {"not a URL", R"({"proxyTarget":"h"})", {"/proxyTarget"}},
      {"no host", R"({"proxyTarget":"ws:///x"})", {"/proxyTarget"}},
      {"a fragment", R"({"proxyTarget":"ws://h/#x"})", {"/proxyTarget"}},
      {"a refused address", R"({"proxyTarget":"ws://169.254.169.254/x"})", {"/proxyTarget"}},
      {"headers", R"({"proxyHeaders":{"add":{"Upgrade":"x"}}})", {"/proxyHeaders/add/Upgrade"}},
      {"a timeout that is not written as one", R"({"proxyTimeout":5e3})", {"/proxyTimeout"}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    std::vector<std::string> pointers;
    for (const Fault& f : host.check({.level = MIMUS_LEVEL_CHANNEL, .path = "/ws/x", .fields = c.fields}))
      pointers.push_back(f.pointer);
    EXPECT_EQ(pointers, c.pointers);
  }
}

}  // namespace
}  // namespace mimus::testing
