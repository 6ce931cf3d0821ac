// Server: exchanges over real sockets.
#include <gmock/gmock.h>

#include <algorithm>

#include "tests/unit/net/test_host.h"

namespace mimus {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Server, AnswersAndKeepsTheConnection) {
  TestHost host;
  Client client(host);
  for (int i = 0; i < 3; ++i) {
    client.send(get("/hello?x=1"));
    EXPECT_EQ(
        client.answer(),
        "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: 10\r\n\r\nGET /hello");
  }
  EXPECT_EQ(host.counted().accepted, 1u);
  EXPECT_EQ(host.counted().requests, 3u);
  EXPECT_EQ(host.counted().active, 1u);
}

TEST(Server, AnswersAHundredPipelinedRequestsInOrder) {
  TestHost host;
  Client client(host);
  std::string all;
  for (int i = 0; i < 100; ++i) all += get(std::to_string(i).insert(0, 1, '/'));
  client.send(all);
  for (int i = 0; i < 100; ++i) EXPECT_THAT(client.answer(), HasSubstr("\r\n\r\nGET /" + std::to_string(i)));
}

TEST(Server, PipelinedRequestsWaitForAnAnswerThatTakesTime) {
  TestHost host;
  Client client(host), other(host);
  client.send(get("/wait") + get("/second"));
  host.log.await("waiting");
  client.send(get("/third"));
  other.send(get("/release"));
  EXPECT_THAT(client.answer(), HasSubstr("released"));
  EXPECT_THAT(client.answer(), HasSubstr("GET /second"));
  EXPECT_THAT(client.answer(), HasSubstr("GET /third"));
}

TEST(Server, TakesARequestThatComesByteByByte) {
  TestHost host;
  Client client(host);
  const std::string request =
      "\r\nPOST /body HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: "
      "1\r\n\r\n";
  for (const char c : request) client.send(std::string(1, c));
  EXPECT_THAT(client.answer(), HasSubstr("\r\n\r\ngot abc"));
}

struct Case {
  const char* name;
  std::string request;
  std::string status;  // What the answer's first line begins with after the version.
  bool closes;
  std::string body;
};

TEST(Server, KeepsTheRulesOfTheProtocol) {
  const std::string long_body(100'000, 'b');
  const Case cases[] = {
      {"HEAD has no body", "HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n", "200", false, ""},
      {"204 has no body", get("/none"), "204", false, ""},
      {"1.0 closes", "GET /x HTTP/1.0\r\n\r\n", "200", true, "GET /x"},
      {"1.0 may stay", "GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "200", false, "GET /x"},
      {"Connection: close closes", "GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "200", true,
       "GET /x"},
      {"a body by length", "POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", "200", false,
       "got abc"},
      {"a body by chunks",
       "POST /body HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
       "200", false, "got abc"},
      {"an empty body", "POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", "200", false, "got "},
      {"an unwanted body is dropped", "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nGET ", "200",
       false, "POST /x"},
      {"unwanted chunks are dropped",
       "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", "200", false,
       "POST /x"},
      {"a large unwanted body closes",
       "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" + long_body, "200", true, "POST /x"},
      {"a length above the limit is not read",
       "POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n" + long_body.substr(0, 1001), "413",
       false, "too large"},
      {"chunks above the limit close",
       "POST /body HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n" +
           long_body.substr(0, 1024) + "\r\n",
       "413", true, "too large"},
      {"a bad chunk", "POST /body HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "400",
       true, "{\"status\":400}"},
      {"no request", "hello\r\n\r\n", "400", true, "{\"status\":400}"},
      {"TLS", "\x16\x03\x01", "400", true, "{\"status\":400}"},
      {"a long target", "GET /" + std::string(9000, 'u'), "414", true, "{\"status\":414}"},
      {"a large header", "GET / HTTP/1.1\r\nHost: h\r\nA: " + std::string(33000, 'h'), "431", true,
       "{\"status\":431}"},
      {"an unsendable header", get("/split"), "500", false, "{\"status\":500}"},
      {"a known stream", get("/known"), "200", false, "hello world"},
  };
  TestHost host;
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Client client(host);
    client.send(c.request);
    if (!c.closes) client.send("GET /after HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    const bool head = std::string_view(c.request).starts_with("HEAD");
    const std::string answer = head ? client.receive_to("\r\n\r\n") : client.answer();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 " + c.status));
    EXPECT_EQ(answer.substr(answer.find("\r\n\r\n") + 4), c.body);
    EXPECT_EQ(answer.find("Connection: close") != answer.npos, c.closes) << answer;
    const std::string rest = client.receive_all();
    if (c.closes) {
      EXPECT_EQ(rest, "");
    } else {
      EXPECT_THAT(rest, HasSubstr("\r\n\r\nGET /after"));
    }
  }
}

TEST(Server, StreamsInChunksAndToTheEndOnOldClients) {
  TestHost host;
  Client client(host), old(host);
  client.send(get("/stream"));
  EXPECT_THAT(client.receive_to("0\r\n\r\n"),
              HasSubstr("Transfer-Encoding: chunked\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n"));
  old.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const std::string answer = old.receive_all();
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n\r\nhello world"));
  EXPECT_THAT(answer, Not(HasSubstr("Transfer-Encoding")));
}

TEST(Server, AsksForABodyThatWaitsForContinue) {
  TestHost host;
  Client client(host);
  client.send("POST /body HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(client.receive_to("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("abc");
  EXPECT_THAT(client.answer(), HasSubstr("got abc"));
}

TEST(Server, DoesNotAskForABodyNobodyWants) {
  TestHost host;
  Client client(host);
  client.send("POST /x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_THAT(client.receive_all(), StartsWith("HTTP/1.1 200"));
}

TEST(Server, AnAbortedAnswerIsTruncated) {
  TestHost host;
  Client client(host);
  client.send(get("/abort"));
  const std::string answer = client.receive_all();
  EXPECT_THAT(answer, HasSubstr("Content-Length: 100\r\n"));
  EXPECT_THAT(answer, testing::EndsWith("\r\n\r\nhalf"));
  host.log.await("ended /abort");
  EXPECT_FALSE(host.log.has("cancelled"));
}

TEST(Server, ALargeAnswerGoesAtTheSpeedOfItsReader) {
  TestHost host;
  Client slow(host, 4096), quick(host);
  slow.send(get("/large") + get("/after"));
  for (int i = 0; i < 50; ++i) {
    quick.send(get("/x"));
    EXPECT_THAT(quick.answer(), HasSubstr("GET /x"));
  }
  EXPECT_FALSE(host.log.has("ended /large"));
  const std::string answer = slow.answer();
  EXPECT_GT(answer.size(), TestService::large_size);
  EXPECT_THAT(slow.answer(), HasSubstr("GET /after"));
}

TEST(Server, AProducerWaitsUntilItsReaderHasRead) {
  TestHost host;
  Client client(host, 4096);
  client.send(get("/endless"));
  EXPECT_EQ(client.receive(8 << 20).size(), 8u << 20);
  EXPECT_GT(host.log.count("writable"), 3u);
  client.reset();
  host.log.await("cancelled");
  host.log.await("ended /endless");
}

TEST(Server, AReaderThatStopsIsCutOff) {
  TestHost host;
  Client client(host, 4096);
  client.send(get("/endless"));
  client.receive(1 << 20);
  // The kernel may still take some for a while.
  for (int i = 0; i < 1000 && !host.log.has("cancelled"); ++i) host.advance(milliseconds(15'001));
  EXPECT_TRUE(host.log.has("cancelled"));
  EXPECT_EQ(of(TimedOut::reader, host.counted()), 1u);
}

TEST(Server, AClientThatResetsCancelsItsExchange) {
  TestHost host;
  Client client(host);
  client.send(get("/wait"));
  host.log.await("waiting");
  client.reset();
  host.log.await("cancelled");
  host.log.await("ended /wait");
}

TEST(Server, AClientThatOnlyStoppedSendingIsAnswered) {
  TestHost host;
  Client client(host), other(host);
  client.send(get("/wait"));
  client.end_sending();
  host.log.await("waiting");
  other.send(get("/release"));
  EXPECT_THAT(client.receive_all(), HasSubstr("released"));
}

TEST(Server, AnExceptionOfTheServiceEndsItsConnectionOnly) {
  TestHost host;
  Client bad(host), good(host);
  bad.send(get("/throw"));
  EXPECT_EQ(bad.receive_all(), "");
  host.log.await("exception thrown by the service");
  good.send(get("/x"));
  EXPECT_THAT(good.answer(), HasSubstr("GET /x"));
}

TEST(Server, KeepsItsTimeLimits) {
  const struct {
    const char* name;
    std::string request;
    int limit_ms;
    std::string want;  // What the answer begins with; "" is none.
    TimedOut counted;
  } cases[] = {
      {"nothing at all", "", 10'000, "", TimedOut::header},
      {"half a head", "GET / HT", 10'000, "HTTP/1.1 408", TimedOut::header},
      {"half a body", "POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab", 30'000, "HTTP/1.1 408",
       TimedOut::body},
      {"half an unwanted body", "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab", 30'000,
       "HTTP/1.1 200", TimedOut::body},
      {"idle after an answer", get("/x"), 60'000, "HTTP/1.1 200", TimedOut::next_request},
      {"half a head after an answer", get("/x") + "GET", 10'000, "HTTP/1.1 200", TimedOut::header},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    TestHost host;
    Client client(host);
    client.send(c.request);
    while (host.counted().accepted == 0 || host.counted().bytes_in < c.request.size()) {
      host.on_loop(0, [] {});
    }
    host.advance(milliseconds(c.limit_ms - 1));
    EXPECT_EQ(of(c.counted, host.counted()), 0u);
    host.advance(milliseconds(2));
    const std::string answer = client.receive_all();
    EXPECT_EQ(answer.substr(0, c.want.size()), c.want);
    EXPECT_EQ(answer.empty(), c.want.empty());
    for (std::size_t i = 0; i < timed_out_names.size(); ++i) {
      const auto what = static_cast<TimedOut>(i);
      EXPECT_EQ(of(what, host.counted()), what == c.counted ? 1u : 0u) << timed_out_names[i];
    }
    EXPECT_EQ(refusals(408, host.counted()), answer.find("408") == answer.npos ? 0u : 1u);
  }
}

TEST(Server, TurnsAConnectionOver) {
  TestHost host;
  Client client(host);
  client.send("GET /upgrade HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly");
  EXPECT_THAT(client.receive_to("\r\n\r\n"), HasSubstr("101 Switching Protocols\r\n"));
  EXPECT_EQ(client.receive(5), "EARLY");
  client.send("late");
  EXPECT_EQ(client.receive(4), "LATE");
  EXPECT_EQ(host.counted().websockets, 1u);
  client.send("close");
  EXPECT_EQ(client.receive(3), "bye");
  client.reset();
  host.log.await("takeover closed");
  EXPECT_TRUE(host.log.has("ended /upgrade"));
}

TEST(Server, EndsATakeoverInEveryWay) {
  for (const std::string how : {"cut", "flood", "reset", "eof"}) {
    SCOPED_TRACE(how);
    TestHost host;
    Client client(host);
    client.send(get("/upgrade"));
    client.receive_to("\r\n\r\n");
    if (how == "reset") {
      client.reset();
    } else if (how == "eof") {
      client.end_sending();
    } else {
      client.send(how);
    }
    host.log.await("takeover closed");
    host.on_loop(0, [] {});
    EXPECT_EQ(host.counted().websockets, 0u);
  }
}

TEST(Server, StopEndsEverythingOnItsOwnThread) {
  TestHost host(2, {}, 2);
  Client channel(host), waiting(host);
  channel.send(get("/upgrade"));
  channel.receive_to("\r\n\r\n");
  waiting.send(get("/wait"));
  host.log.await("waiting");
  host.server->stop();
  EXPECT_TRUE(host.log.has("takeover closed"));
  EXPECT_TRUE(host.log.has("cancelled"));
  EXPECT_EQ(host.log.count("service destroyed"), 2u);
}

TEST(Server, SurvivesClientsThatDoAsTheyPlease) {
  const std::string requests[] = {
      get("/x"),
      get("/large"),
      get("/endless"),
      get("/wait"),
      get("/release"),
      get("/stream"),
      get("/abort"),
      get("/throw"),
      get("/upgrade") + "hello",
      get("/upgrade") + "close",
      get("/upgrade") + "flood",
      get("/upgrade") + "pause",
      get("/on/0/x"),
      get("/on/1/x"),
      get("/on/0/upgrade") + "hello",
      "POST /on/1/body HTTP/1.1\r\nHost: h\r\nContent-Length: 900\r\n\r\n" + std::string(900, 'b'),
      "POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 900\r\n\r\n" + std::string(900, 'b'),
      "POST /body HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
      "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 70000\r\n\r\n" + std::string(70'000, 'b'),
      "rubbish\r\n\r\n"};
  TestHost host(2, {}, 2);
  std::uint32_t seed = 1;  // Always the same story, but for its timing.
  const auto random = [&seed](std::uint32_t below) {
    return (seed = seed * 1664525 + 1013904223) / 65536 % below;
  };
  for (int i = 0; i < 400; ++i) {
    Client client(host, random(2) ? 4096 : 0);
    std::string all;
    for (std::uint32_t n = random(4) + 1; n > 0; --n) all += requests[random(std::size(requests))];
    all.resize(all.size() - random(2) * random(static_cast<std::uint32_t>(all.size())));
    for (std::size_t at = 0; at < all.size();) {
      const std::size_t piece =
          std::min<std::size_t>(random(3) ? all.size() : random(400) + 1, all.size() - at);
      // Whoever was refused may be cut off while it is still sending.
      if (::send(client.fd(), all.data() + at, piece, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) break;
      at += piece;
    }
    if (random(3) == 0) client.end_sending();
    if (random(3) == 0) host.advance(milliseconds(random(20'000)));
    if (random(2) == 0) client.reset();
  }
  Client last(host);
  last.send(get("/x"));
  EXPECT_THAT(last.answer(), HasSubstr("GET /x"));
  std::thread drain([&] { host.server->drain(milliseconds(1000)); });
  while (host.counted().active > 0) host.advance(milliseconds(100));
  drain.join();
}

TEST(Server, TurnsAwayWhoIsTooMany) {
  for (const bool per_ip : {false, true}) {
    TestHost host(
        1, [&](Limits& limits) { (per_ip ? limits.max_connections_per_ip : limits.max_connections) = 2; });
    auto one = std::make_unique<Client>(host);
    Client two(host);
    one->send(get("/1"));
    two.send(get("/2"));
    EXPECT_THAT(one->answer(), HasSubstr("GET /1"));
    EXPECT_THAT(two.answer(), HasSubstr("GET /2"));
    Client three(host);
    EXPECT_EQ(three.receive_all(), "");
    EXPECT_EQ(of(per_ip ? TurnedAway::max_connections_per_ip : TurnedAway::max_connections, host.counted()),
              1u);
    one.reset();
    host.await_active(1);
    Client four(host);
    four.send(get("/4"));
    EXPECT_THAT(four.answer(), HasSubstr("GET /4"));
  }
}

TEST(Server, AcceptsOnAllSocketsWhateverTheNumberOfWorkers) {
  for (const auto& [workers, sockets] : {std::pair{1u, 4u}, {4u, 1u}, {3u, 2u}}) {
    TestHost host(workers, {}, sockets);
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 40; ++i) {
      clients.push_back(std::make_unique<Client>(host));
      clients.back()->send(get("/ip"));
    }
    for (auto& client : clients) EXPECT_THAT(client->answer(), HasSubstr("\r\n\r\n127.0.0.1"));
  }
}

}  // namespace
}  // namespace mimus
