// The plugin mimus.dedup through its real shared object.
#include <gtest/gtest.h>

#include "mimus/testing/fake_host.h"

namespace mimus::testing {
namespace {

constexpr const char* on = R"({"deduplication":true})";
using State = Exchange::State;

struct DedupPlugin : ::testing::Test {
  Bound& bind(std::string fields = on, std::uint64_t revision = 1) {
    Definition definition{.fields = std::move(fields)};
    definition.revision = revision;
    Bound& bound = host.bind(definition);
    EXPECT_EQ(bound.rc, MIMUS_OK) << bound.error;
    return bound;
  }
  /// Whether the second request is answered from the first one's answer.
  bool same(Bound& bound, const Request& first, const Request& second) {
    host.admin("DELETE", "");
    host.run(bound, first, {.body = "first"});
    return host.run(bound, second, {.body = "second"}).responded;
  }
  std::string statistics() { return host.admin("GET", "").body; }
  FakeHost host{DEDUP_PLUGIN};
};

TEST_F(DedupPlugin, IsOnlyWhereItIsSwitchedOn) {
  EXPECT_FALSE(bind("{}").in_pipeline);
  EXPECT_FALSE(bind(R"({"deduplication":false,"dedupVary":["X"]})").in_pipeline);
  EXPECT_TRUE(bind().in_pipeline);
  EXPECT_FALSE(host.bind({.level = MIMUS_LEVEL_API, .fields = on}).in_pipeline);
}

TEST_F(DedupPlugin, AnswersTheSecondRequestFromTheFirst) {
  Bound& bound = bind();
  const Answer behind{
      .status = 201, .headers = {{"Content-Type", "text/x"}, {"X-Two", "a"}, {"X-Two", "b"}}, .body = "made"};
  Exchange& first = host.run(bound, {}, behind);
  EXPECT_FALSE(first.responded);
  EXPECT_EQ(first.answer.header("X-Mock-Deduplicated"), "");
  EXPECT_EQ(first.numbers.count("deduplicated"), 0u);
  host.advance(2500);
  Exchange& second = host.run(bound, {}, {.body = "never asked"});
  EXPECT_TRUE(second.responded);
  EXPECT_EQ(second.answer.status, 201);
  EXPECT_EQ(second.answer.body, "made");
  EXPECT_EQ(second.answer.header("X-Two"), "a, b");
  EXPECT_EQ(second.answer.header("X-Mock-Deduplicated"), "true");
  EXPECT_EQ(second.answer.header("Age"), "2");
  EXPECT_EQ(second.numbers["deduplicated"], 1);
}

TEST_F(DedupPlugin, AddsTheAgeThatTheAnswerCameWith) {
  Bound& bound = bind();
  host.run(bound, {}, {.headers = {{"Age", "30"}}});
  host.advance(5000);
  Exchange& hit = host.run(bound, {});
  EXPECT_EQ(hit.answer.header("Age"), "35");
}

TEST_F(DedupPlugin, ForgetsAnAnswerOnceItsTimeHasPassed) {
  Bound& bound = bind();
  host.run(bound, {});
  host.advance(59'999);
  EXPECT_TRUE(host.run(bound, {}).responded);
  host.advance(1);
  EXPECT_FALSE(host.run(bound, {}).responded);
}

TEST(DedupOptions, AreTakenOrRefused) {
  const struct {
    const char* name;
    const char* ttl;
    mimus_rc want;
  } cases[] = {
      {"one second", "1", MIMUS_OK},        {"zero", "0", MIMUS_E_INVAL},
      {"negative", "-1", MIMUS_E_INVAL},    {"text", "\"60\"", MIMUS_E_INVAL},
      {"a fraction", "1.5", MIMUS_E_INVAL}, {"a great deal", "99999999999999999", MIMUS_E_INVAL},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(FakeHost(DEDUP_PLUGIN, {.options = {{"dedup-ttl-seconds", c.ttl}}}).rc(), c.want);
  }
  FakeHost host(DEDUP_PLUGIN, {.options = {{"dedup-ttl-seconds", "1"}}});
  Bound& bound = host.bind({.fields = on});
  host.run(bound, {});
  host.advance(1000);
  EXPECT_FALSE(host.run(bound, {}).responded);
}

TEST_F(DedupPlugin, TellsRequestsApartByTheContractsKey) {
  const std::string rules = R"({"deduplication":true,"dedupVary":["X-Vary"],
    "responses":[{"when":{"in":"header","name":"X-When","op":"exists"}}]})";
  Bound& mock = bind(rules);
  Bound& by_address = bind(
      R"({"deduplication":true,"responses":[{"when":{"not":{"in":"ip","op":"equals","value":"::1"}}}]})", 2);
  Bound& proxied = bind(R"({"deduplication":true,"proxyMode":true})", 3);
  const struct {
    const char* name;
    Bound& bound;
    Request a, b;
    bool same;
  } cases[] = {
      {"the same", mock, {}, {}, true},
      {"another method", mock, {.method = "GET"}, {.method = "HEAD"}, false},
      {"another path", mock, {.path = "/a"}, {.path = "/b"}, false},
      {"the same path in another spelling", mock, {.path = "/a"}, {.path = "/a", .raw_path = "/%61"}, true},
      {"an escaped slash", mock, {.path = "/a/b"}, {.path = "/a/b", .raw_path = "/a%2Fb"}, false},
      {"the query in another order",
       mock,
       {.query = {{"a", "1"}, {"b", "2"}}},
       {.query = {{"b", "2"}, {"a", "1"}}},
       true},
      {"repeated keys in another order",
       mock,
       {.query = {{"a", "1"}, {"a", "2"}}},
       {.query = {{"a", "2"}, {"a", "1"}}},
       false},
      {"another query", mock, {.query = {{"a", "1"}}}, {.query = {{"a", "2"}}}, false},
      {"a query whose parts are joined",
       mock,
       {.query = {{"a", "1&b=2"}}},
       {.query = {{"a", "1"}, {"b", "2"}}},
       false},
      {"JSON members in another order",
       mock,
       {.method = "POST", .body = R"({"a":1,"b":2})"},
       {.method = "POST", .body = R"({"b":2,"a":1})"},
       true},
      {"another body", mock, {.method = "POST", .body = "a"}, {.method = "POST", .body = "b"}, false},
      {"Authorization",
       mock,
       {.headers = {{"Authorization", "a"}}},
       {.headers = {{"authorization", "b"}}},
       false},
      {"Authorization or none", mock, {.headers = {{"Authorization", ""}}}, {}, false},
      {"Cookie", mock, {.headers = {{"Cookie", "a=1"}}}, {.headers = {{"Cookie", "a=2"}}}, false},
      {"dedupVary", mock, {.headers = {{"x-vary", "1"}}}, {.headers = {{"X-Vary", "2"}}}, false},
      {"a header that a leaf names", mock, {.headers = {{"x-when", "1"}}}, {}, false},
      {"another header", mock, {.headers = {{"X-Other", "1"}}}, {.headers = {{"X-Other", "2"}}}, true},
      {"Accept of a mock", mock, {.headers = {{"Accept", "a"}}}, {.headers = {{"Accept", "b"}}}, true},
      {"a condition of a mock", mock, {.headers = {{"If-None-Match", "a"}}}, {}, true},
      {"the address", mock, {.client_ip = "1.1.1.1"}, {.client_ip = "2.2.2.2"}, true},
      {"the address where a leaf looks at it",
       by_address,
       {.client_ip = "1.1.1.1"},
       {.client_ip = "2.2.2.2"},
       false},
      {"Accept of an upstream",
       proxied,
       {.headers = {{"Accept", "a"}}},
       {.headers = {{"Accept", "b"}}},
       false},
      {"Accept-Encoding of an upstream", proxied, {.headers = {{"Accept-Encoding", "gzip"}}}, {}, false},
      {"Accept-Language of an upstream", proxied, {.headers = {{"Accept-Language", "de"}}}, {}, false},
      {"Range of an upstream", proxied, {.headers = {{"Range", "bytes=0-1"}}}, {}, false},
      {"any condition of an upstream", proxied, {.headers = {{"if-range", "\"a\""}}}, {}, false},
      {"a condition under another name",
       proxied,
       {.headers = {{"If-Match", "a"}}},
       {.headers = {{"If-None-Match", "a"}}},
       false},
      {"conditions in another order",
       proxied,
       {.headers = {{"If-Match", "a"}, {"If-Range", "b"}}},
       {.headers = {{"if-range", "b"}, {"if-match", "a"}}},
       true},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(same(c.bound, c.a, c.b), c.same);
  }
}

TEST_F(DedupPlugin, TellsRevisionsAndEndpointsApart) {
  host.run(bind(), {});
  EXPECT_FALSE(host.run(bind(on, 2), {}).responded);
  EXPECT_FALSE(host.run(host.bind({.id = "01JENDPOINT00000000000000B", .fields = on}), {}).responded);
  EXPECT_TRUE(host.run(bind(), {}).responded);
}

TEST_F(DedupPlugin, WaitsForABodyThatIsStillToCome) {
  Bound& bound = bind();
  const Request request{.method = "POST", .body = R"({"a":1})", .body_arrived = false};
  EXPECT_FALSE(host.run(bound, request).responded);
  EXPECT_TRUE(host.run(bound, request).responded);
}

TEST_F(DedupPlugin, KeepsOnlyWhatMayBeShared) {
  const std::string mebibyte(1u << 20, 'x');
  const struct {
    const char* name;
    Answer behind;
    bool kept;
  } cases[] = {
      {"a plain answer", {}, true},
      {"an empty one", {.status = 204}, true},
      {"a miss", {.status = 404}, true},
      {"a server error", {.status = 500}, false},
      {"a part", {.status = 206}, false},
      {"not modified", {.status = 304}, false},
      {"a cookie", {.headers = {{"Set-Cookie", "a=1"}}}, false},
      {"no-store", {.headers = {{"Cache-Control", "no-store"}}}, false},
      {"varies by all", {.headers = {{"Vary", "*"}}}, false},
      {"a mebibyte", {.body = mebibyte}, true},
      {"more than that", {.body = mebibyte + "x"}, false},
      {"a stream", {.body = mebibyte, .streaming = true}, true},
      {"too long a stream", {.body = mebibyte + "x", .streaming = true}, false},
  };
  Bound& bound = bind();
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    host.admin("DELETE", "");
    Exchange& first = host.run(bound, {}, c.behind);
    EXPECT_EQ(first.answer.body, c.behind.body);
    Exchange& second = host.run(bound, {}, {.status = 418});
    EXPECT_EQ(second.responded, c.kept);
    if (c.kept) {
      EXPECT_EQ(second.answer.body, c.behind.body);
      EXPECT_EQ(second.answer.status, c.behind.status);
    }
  }
}

TEST_F(DedupPlugin, DoesWithoutAStoreThatIsFull) {
  Bound& bound = bind();
  host.fill_kv(true);
  Exchange& leader = host.start(bound, {});
  Exchange& waiter = host.start(bound, {});
  host.answer(leader, {});
  EXPECT_EQ(waiter.state, State::passed);
  EXPECT_FALSE(host.run(bound, {}).responded);
}

TEST_F(DedupPlugin, SharesAnAnswerAmongThoseWhoWait) {
  Bound& bound = bind();
  Exchange& leader = host.start(bound, {});
  ASSERT_EQ(leader.state, State::passed);
  std::vector<Exchange*> waiters;
  for (int i = 0; i < 10; ++i) waiters.push_back(&host.start(bound, {}));
  Exchange& other = host.start(bound, {.path = "/other"});
  EXPECT_EQ(other.state, State::passed);
  for (Exchange* w : waiters) EXPECT_EQ(w->state, State::suspended);
  host.advance(3000);
  host.answer(leader, {.body = "once"});
  for (Exchange* w : waiters) {
    EXPECT_EQ(w->state, State::ended);
    EXPECT_EQ(w->answer.body, "once");
    EXPECT_EQ(w->answer.header("X-Mock-Deduplicated"), "true");
    EXPECT_EQ(w->answer.header("Age"), "0");
    EXPECT_EQ(w->numbers["deduplicated"], 1);
  }
  EXPECT_EQ(host.counter("dedup_hits_total"), 10u);
  EXPECT_EQ(host.counter("dedup_coalesced_total"), 10u);
  EXPECT_EQ(host.counter("dedup_misses_total"), 2u);
}

TEST_F(DedupPlugin, LetsOneTryAgainAfterAFailure) {
  const struct {
    const char* name;
    bool cut;
  } cases[] = {{"the leader's client went away", true}, {"the answer was an error", false}};
  Bound& bound = bind();
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    host.admin("DELETE", "");
    Exchange& leader = host.start(bound, {});
    Exchange& a = host.start(bound, {});
    Exchange& b = host.start(bound, {});
    if (c.cut) {
      host.cut(leader);
    } else {
      host.answer(leader, {.status = 502});
    }
    EXPECT_EQ(a.state, State::passed);
    EXPECT_EQ(b.state, State::suspended);
    host.answer(a, {.body = "second try"});
    EXPECT_EQ(b.state, State::ended);
    EXPECT_EQ(b.answer.body, "second try");
  }
}

TEST_F(DedupPlugin, DoesNotQueueThoseWhoWaitBeforeAnUpstreamThatKeepsFailing) {
  Bound& bound = bind();
  std::vector<Exchange*> all;
  for (int i = 0; i < 10; ++i) all.push_back(&host.start(bound, {}));
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(all[static_cast<std::size_t>(round)]->state, State::passed);
    EXPECT_EQ(all[static_cast<std::size_t>(round) + 1]->state, State::suspended);
    host.answer(*all[static_cast<std::size_t>(round)], {.status = 500});
  }
  for (std::size_t i = 3; i < all.size(); ++i) EXPECT_EQ(all[i]->state, State::passed) << i;
}

TEST_F(DedupPlugin, ReleasesAllWhoWaitForAnAnswerThatCannotBeShared) {
  Bound& bound = bind();
  Exchange& leader = host.start(bound, {});
  Exchange& a = host.start(bound, {});
  Exchange& b = host.start(bound, {});
  host.answer(leader, {.headers = {{"Set-Cookie", "id=1"}}});
  EXPECT_EQ(a.state, State::passed);
  EXPECT_EQ(b.state, State::passed);
  host.answer(a, {.body = "a"});
  host.answer(b, {.body = "b"});
  EXPECT_EQ(host.counter("dedup_misses_total"), 3u);
}

TEST_F(DedupPlugin, ForgetsAWaiterWhoseClientHasGone) {
  Bound& bound = bind();
  Exchange& leader = host.start(bound, {});
  Exchange& a = host.start(bound, {});
  Exchange& b = host.start(bound, {});
  host.cut(a);
  host.answer(leader, {});
  EXPECT_EQ(a.answer.status, 0);
  EXPECT_EQ(b.answer.header("X-Mock-Deduplicated"), "true");
}

TEST_F(DedupPlugin, LetsAWaiterGoOnAtItsDeadline) {
  Bound& bound = bind();
  Exchange& leader = host.start(bound, {});
  Exchange& waiter = host.start(bound, {});
  host.advance(11 * 60 * 1000);
  EXPECT_EQ(waiter.state, State::passed);
  host.answer(waiter, {.body = "own"});
  host.answer(leader, {.body = "late"});
  EXPECT_EQ(waiter.answer.body, "own");
}

TEST(DedupWorkers, DoNotWaitForOneAnother) {
  FakeHost host(DEDUP_PLUGIN, {.worker_count = 2});
  Bound& bound = host.bind({.fields = on});
  Exchange& first = host.start(bound, {});
  host.set_worker(1);
  Exchange& second = host.start(bound, {});
  EXPECT_EQ(second.state, State::passed);
  host.answer(second, {});
  EXPECT_TRUE(host.run(bound, {}).responded);
  host.set_worker(0);
  host.answer(first, {});
  EXPECT_NE(host.admin("GET", "").body.find(R"("entries":1,)"), std::string::npos);
}

TEST_F(DedupPlugin, KeepsAnswersOverARestartAndWaitsForTheDisk) {
  host.run(bind(), {}, {.body = "kept"});
  host.advance(10'000);
  host.restart();
  Bound& bound = bind();
  host.cool_kv();
  Exchange& hit = host.run(bound, {});
  EXPECT_TRUE(hit.responded);
  EXPECT_EQ(hit.answer.body, "kept");
  EXPECT_EQ(hit.answer.header("Age"), "10");
  EXPECT_NE(statistics().find(R"("coalesced":0,"entries":1,)"), std::string::npos) << statistics();
}

TEST_F(DedupPlugin, TakesForeignBytesInTheStoreForAMiss) {
  Bound& bound = bind();
  host.run(bound, {});
  ASSERT_EQ(host.kv().size(), 1u);
  host.put_kv(host.kv().begin()->first, "something else");
  EXPECT_FALSE(host.run(bound, {}, {.body = "anew"}).responded);
  EXPECT_EQ(host.run(bound, {}).answer.body, "anew");
}

TEST_F(DedupPlugin, CountsByEndpoint) {
  EXPECT_EQ(
      statistics(),
      R"({"hits":0,"misses":0,"hitRate":0,"coalesced":0,"entries":0,"bytes":0,"ttlSeconds":60,"byEndpoint":[]})");
  Bound& bound = bind();
  host.run(bound, {});
  host.run(bound, {});
  host.run(bound, {});
  host.run(bound, {.path = "/b"});
  const std::string bytes = std::to_string(host.kv().begin()->second.size() * 2);
  EXPECT_EQ(
      statistics(),
      R"({"hits":2,"misses":2,"hitRate":0.5,"coalesced":0,"entries":2,"bytes":)" + bytes +
          R"(,"ttlSeconds":60,"byEndpoint":[{"endpointId":"01JENDPOINT00000000000000A","hits":2,"misses":2,"coalesced":0,"entries":2,"bytes":)" +
          bytes + "}]}");
  host.advance(60'000);
  EXPECT_NE(statistics().find(R"("entries":0,"bytes":0,)"), std::string::npos);
}

TEST_F(DedupPlugin, IsEmptiedWholeOrByEndpoint) {
  Bound& a = bind();
  Bound& b = host.bind({.id = "01JENDPOINT00000000000000B", .fields = on});
  host.run(a, {});
  host.run(b, {});
  const AdminAnswer one = host.admin("DELETE", "", "endpointId=01JENDPOINT00000000000000B");
  EXPECT_EQ(one.status, 204);
  EXPECT_EQ(one.body, "");
  EXPECT_NE(statistics().find(R"("entries":1,)"), std::string::npos);
  EXPECT_TRUE(host.run(a, {}).responded);
  EXPECT_FALSE(host.run(b, {}).responded);
  EXPECT_EQ(host.admin("DELETE", "").status, 204);
  EXPECT_FALSE(host.run(a, {}).responded);
  EXPECT_EQ(host.reset("dedup"), MIMUS_OK);
  EXPECT_EQ(host.kv().size(), 0u);
  EXPECT_NE(statistics().find(R"({"hits":0,"misses":0,)"), std::string::npos);
}

TEST_F(DedupPlugin, DoesNotKeepAnAnswerThatWasBegunBeforeItWasEmptied) {
  Bound& bound = bind();
  Exchange& leader = host.start(bound, {});
  Exchange& waiter = host.start(bound, {});
  host.admin("DELETE", "");
  host.answer(leader, {.body = "old"});
  EXPECT_EQ(waiter.state, State::passed);
  host.answer(waiter, {.body = "new"});
  EXPECT_EQ(host.run(bound, {}).answer.body, "new");
}

TEST_F(DedupPlugin, RefusesAdminRequestsItDoesNotKnow) {
  const struct {
    const char* name;
    const char *method, *path, *query;
    int want;
  } cases[] = {
      {"another path", "GET", "/x", "", 404},
      {"another method", "POST", "", "", 405},
      {"a parameter of GET", "GET", "", "a=1", 400},
      {"another parameter of DELETE", "DELETE", "", "apiId=01JENDPOINT00000000000000A", 400},
      {"two parameters", "DELETE", "", "endpointId=01JENDPOINT00000000000000A&a=1", 400},
      {"no id", "DELETE", "", "endpointId=", 400},
      {"not an id", "DELETE", "", "endpointId=abc", 400},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(host.admin(c.method, c.path, c.query).status, c.want);
  }
}

}  // namespace
}  // namespace mimus::testing
