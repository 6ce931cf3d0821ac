// ResponseSink::hand_over: a connection moves to another worker, and nothing is lost on the way.
#include <gmock/gmock.h>

#include "tests/unit/net/any_client.h"

namespace mimus {
namespace {

using std::chrono::milliseconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

template <class Kind>
class HandOver : public testing::Test {
 protected:
  struct Client : Kind::Client {
    using Kind::Client::Client;
    /// It is on this worker now.
    void go_to(unsigned worker) {
      this->send(get("/on/" + std::to_string(worker) + "/where"));
      EXPECT_THAT(this->answer(), EndsWith("\r\n\r\n" + std::to_string(worker)));
    }
  };
  std::unique_ptr<TestHost> host(std::function<void(Limits&)> change = {}) {
    return std::make_unique<TestHost>(2, std::move(change), 1, "127.0.0.1:0", Kind::files(certificates_));
  }

 private:
  Certificates certificates_;
};
TYPED_TEST_SUITE(HandOver, PlainAndSecure);

TYPED_TEST(HandOver, TheOtherWorkerAnswersFromThenOn) {
  const auto host = this->host();
  typename TestFixture::Client client(*host);
  for (const unsigned worker : {1u, 0u, 1u}) {
    client.go_to(worker);
    client.send(get("/where"));
    EXPECT_THAT(client.answer(), EndsWith(std::to_string(worker)));
  }
  EXPECT_GE(host->log.count("handed over"), 2u);
  EXPECT_EQ(host->counted().requests, 6u) << "one that moves counts once";
  EXPECT_EQ(host->counted().accepted, 1u);
  EXPECT_EQ(host->counted().active, 1u);
}

TYPED_TEST(HandOver, APipelineKeepsItsOrder) {
  const auto host = this->host();
  typename TestFixture::Client client(*host);
  const auto path = [](int i) { return std::string("/") + std::to_string(i); };
  std::string all;
  for (int i = 0; i < 300; ++i) all += get((i % 3 == 2 ? "" : "/on/" + std::to_string(i % 3)) + path(i));
  client.send(all);
  for (int i = 0; i < 300; ++i) EXPECT_THAT(client.answer(), EndsWith("GET " + path(i)));
}

TYPED_TEST(HandOver, WhatWasNotSentYetIsSentInOrder) {
  const auto host = this->host();
  typename TestFixture::Client client(*host, 4096);
  std::string all;
  const auto path = [](int i) { return "/block" + std::to_string(i); };
  for (int i = 0; i < 600; ++i) all += get((i % 7 != 0 ? "" : "/on/" + std::to_string(i % 2)) + path(i));
  client.send(all);
  for (int i = 0; i < 600; ++i) {
    const std::string answer = client.answer();
    const std::string body = answer.substr(answer.find("\r\n\r\n") + 4);
    ASSERT_THAT(body, StartsWith(path(i) + "b"));
    ASSERT_EQ(body.size(), path(i).size() + 15'000);
  }
}

TYPED_TEST(HandOver, ABodyFollows) {
  const struct {
    const char* name;
    std::vector<std::string> pieces;  // Sent one after the other; "" waits for 100 Continue.
    std::string answer;
  } rows[] = {
      {"with the head", {"Content-Length: 3\r\n\r\nabc"}, "got abc"},
      {"half with the head", {"Content-Length: 6\r\n\r\nabc", "def"}, "got abcdef"},
      {"after the head", {"Content-Length: 3\r\n\r\n", "a", "bc"}, "got abc"},
      {"in chunks", {"Transfer-Encoding: chunked\r\n\r\n3\r\nab", "c\r\n0\r", "\n\r\n"}, "got abc"},
      {"when asked for", {"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n", "", "abc"}, "got abc"},
      {"too large",
       {"Content-Length: 1001\r\n\r\n" + std::string(500, 'x'), std::string(501, 'x')},
       "too large"},
  };
  const auto host = this->host();
  typename TestFixture::Client client(*host);
  unsigned worker = 0;
  for (const auto& row : rows) {
    for (int i = 0; i < 2; ++i) {
      SCOPED_TRACE(row.name);
      worker ^= 1;
      client.send("POST /on/" + std::to_string(worker) + "/body HTTP/1.1\r\nHost: h\r\n");
      for (const std::string& piece : row.pieces) {
        if (piece.empty()) {
          EXPECT_THAT(client.receive_to("\r\n\r\n"), StartsWith("HTTP/1.1 100 "));
        } else {
          client.send(piece);
          host->counted();
        }
      }
      EXPECT_THAT(client.answer(), EndsWith(row.answer));
      client.send(get("/where"));
      EXPECT_THAT(client.answer(), EndsWith("\r\n\r\n" + std::to_string(worker)));
    }
  }
}

TYPED_TEST(HandOver, AnUpgradeStartsOnTheOtherWorker) {
  const auto host = this->host();
  for (const unsigned worker : {0u, 1u}) {
    typename TestFixture::Client client(*host);
    client.go_to(worker ^ 1);
    client.send("GET /on/" + std::to_string(worker) +
                "/upgrade HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly");
    EXPECT_THAT(client.receive_to("\r\n\r\n"), HasSubstr("101 Switching Protocols\r\n"));
    EXPECT_EQ(client.receive(5), "EARLY");
    client.send("late");
    EXPECT_EQ(client.receive(4), "LATE");
    EXPECT_EQ(host->counted().websockets, 1u);
    client.send("cut");
    host->log.await("takeover closed");
    host->await_active(0);
    EXPECT_EQ(host->counted().websockets, 0u);
    EXPECT_EQ(host->counted().tls_active, 0u);
  }
}

TYPED_TEST(HandOver, WhatCannotMoveIsAnsweredHere) {
  const struct {
    const char* name;
    std::string path, answer;
  } rows[] = {
      {"to the same worker", "/stay", "stayed"},
      {"to no worker", "/on/7/x", "GET /x"},
      {"after the body", "/bodied", "stayed"},
      {"after the answer's begin", "/begun", "6\r\nstayed\r\n0\r\n\r\n"},
  };
  const auto host = this->host();
  typename TestFixture::Client client(*host);
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    client.send(get(row.path));
    EXPECT_THAT(client.receive_to(row.answer), EndsWith(row.answer));
  }
  EXPECT_EQ(host->log.count("handed over"), 0u);
}

TYPED_TEST(HandOver, AClientThatLeavesMeanwhileLeavesNothingBehind) {
  const auto host = this->host([](Limits& limits) { limits.max_connections_per_ip = 1; });
  for (const bool resets : {false, true}) {
    typename TestFixture::Client client(*host);
    client.go_to(1);
    const std::size_t before = host->log.count("handed over");
    Hold hold(*host);  // Worker 0.
    client.send(get("/on/0/x"));
    while (host->log.count("handed over") == before) std::this_thread::yield();
    if (resets) {
      client.socket().reset();
    } else {
      client.socket().end_sending();
    }
    EXPECT_EQ(host->server->stats().active, 1u);
    hold.let_go();
    if (!resets) {
      EXPECT_THAT(client.receive_all(), EndsWith("GET /x"));
    }
    host->await_active(0);
  }
  typename TestFixture::Client(*host).go_to(0);
}

TYPED_TEST(HandOver, ADrainWaitsForIt) {
  const auto host = this->host();
  typename TestFixture::Client client(*host);
  client.go_to(1);
  const std::size_t before = host->log.count("handed over");
  Hold hold(*host);
  client.send(get("/on/0/x"));
  while (host->log.count("handed over") == before) std::this_thread::yield();
  std::thread drain([&] { host->server->drain(milliseconds(10'000)); });
  hold.let_go();
  EXPECT_THAT(client.receive_all(), EndsWith("GET /x"));
  client.socket().reset();
  drain.join();
  EXPECT_EQ(host->server->stats().active, 0u);
}

TYPED_TEST(HandOver, AStopMeanwhileEndsAll) {
  std::string all;
  for (int i = 0; i < 500; ++i) all += get("/on/" + std::to_string(i % 2) + "/x");
  for (int round = 0; round < 10; ++round) {
    const auto host = this->host();
    std::vector<std::unique_ptr<typename TestFixture::Client>> clients;
    for (int i = 0; i < 4; ++i) {
      clients.push_back(std::make_unique<typename TestFixture::Client>(*host));
      clients.back()->send(all);
    }
    clients.front()->answer();
    host->server->stop();
    EXPECT_EQ(host->server->stats().active, 0u);
    EXPECT_EQ(host->server->stats().tls_active, 0u);
  }
}

}  // namespace
}  // namespace mimus
