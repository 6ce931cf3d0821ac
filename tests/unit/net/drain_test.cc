// Server::drain: what was accepted is answered, nothing new comes in, and it ends.
#include <gmock/gmock.h>

#include "tests/unit/net/test_host.h"

namespace mimus {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

TEST(Drain, FinishesWhatIsInFlightAndClosesTheRest) {
  TestHost host(2, {}, 2);
  Client idle(host), busy(host), channel(host);
  idle.send(get("/x"));
  idle.answer();
  channel.send(get("/upgrade"));
  channel.receive_to("\r\n\r\n");
  busy.send(get("/large"));
  std::thread drain([&] { host.server->drain(milliseconds(10'000)); });
  EXPECT_EQ(idle.receive_all(), "");
  idle.end_sending();
  EXPECT_EQ(channel.receive_all(), "going away");
  channel.end_sending();
  channel.reset();
  const std::string answer = busy.answer();
  EXPECT_GT(answer.size(), TestService::large_size);
  busy.end_sending();
  busy.reset();
  drain.join();
  EXPECT_EQ(host.counted().active, 0u);
}

TEST(Drain, AnswersWhoIsQueuedAndSaysClose) {
  TestHost host;
  std::vector<std::unique_ptr<Client>> clients;
  Hold hold(host);  // Meanwhile the clients pile up in the kernel's queue.
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<Client>(host));
    clients.back()->send(get("/x"));
  }
  std::thread drain([&] { host.server->drain(milliseconds(10'000)); });
  hold.let_go();
  for (auto& client : clients) EXPECT_THAT(client->receive_all(), HasSubstr("GET /x"));
  clients.clear();
  drain.join();
}

/// A drain that has begun: a client that was idle has been closed.
class Begun {
 public:
  explicit Begun(TestHost& host) {
    Client idle(host);
    idle.send(get("/x"));
    idle.answer();
    thread_ = std::thread([&host] { host.server->drain(milliseconds(10'000)); });
    EXPECT_EQ(idle.receive_all(), "");
  }
  void end() { thread_.join(); }

 private:
  std::thread thread_;
};

TEST(Drain, AnswersAllThatWasReadOfAPipeline) {
  TestHost host;
  constexpr int requests = 200;  // More than a turn takes.
  Client client(host), other(host);
  std::string all = get("/wait");
  for (int i = 1; i < requests; ++i) all += get(std::to_string(i).insert(0, 1, '/'));
  client.send(all);
  host.log.await("waiting");
  Begun drain(host);
  other.send(get("/release"));
  for (int i = 0; i < requests; ++i) {
    const std::string answer = client.answer();
    EXPECT_THAT(answer, testing::EndsWith(i == 0 ? "released" : "GET /" + std::to_string(i)));
    EXPECT_EQ(answer.find("Connection: close") != answer.npos, i == requests - 1) << i;
  }
  EXPECT_EQ(client.receive_all(), "");
  client.end_sending();
  other.receive_all();
  other.end_sending();
  drain.end();
}

TEST(Drain, WaitsForAClientThatIsOnlyNowToldToHangUp) {
  TestHost host;
  Client client(host), other(host);
  client.send(get("/wait"));
  host.log.await("waiting");
  Begun drain(host);
  other.send(get("/release"));
  client.send(get("/late"));  // A close with this unread would reset the connection, and the answer with it.
  EXPECT_THAT(client.receive_all(), testing::EndsWith("released"));
  EXPECT_THAT(other.receive_all(), testing::EndsWith("ok"));
  EXPECT_GE(host.counted().active, 2u);
  while (host.counted().active != 0) host.advance(milliseconds(100));  // But not for ever.
  drain.end();
}

TEST(Drain, WaitsForAClientThatHasNotTakenAllOfItsAnswers) {
  TestHost host;
  constexpr std::size_t answers = 9;
  Client client(host, 2048), other(host);
  std::string all = get("/wait");
  for (std::size_t i = 0; i < answers; ++i) all += get("/block");
  client.send(all);
  host.log.await("waiting");
  Begun drain(host);
  other.send(get("/release"));
  EXPECT_THAT(other.receive_all(), testing::EndsWith("ok"));
  other.end_sending();
  for (int i = 0; i < 30; ++i) host.advance(milliseconds(100));
  client.send(get("/late"));  // It has not read yet that it was to hang up.
  EXPECT_GE(client.receive_all().size(), answers * 15'000);
  client.end_sending();
  drain.end();
}

TEST(Drain, DoesNotWaitForThoseWhoHaveBeenIdle) {
  TestHost host;
  Client idle(host);
  idle.send(get("/x"));
  idle.answer();
  host.advance(milliseconds(1000));
  host.server->drain(milliseconds(10'000));
  EXPECT_EQ(idle.receive_all(), "");
}

TEST(Drain, CutsWhatOutlivesItsGrace) {
  TestHost host;
  Client client(host);
  client.send(get("/wait"));
  host.log.await("waiting");
  std::thread drain([&] { host.server->drain(milliseconds(1000)); });
  while (!host.log.has("cancelled")) host.advance(milliseconds(200));
  drain.join();
  EXPECT_EQ(client.receive_all(), "");
}

TEST(Drain, ATakeoverThatBeginsWhileDrainingIsTold) {
  TestHost host;
  Client client(host);
  client.send(get("/upgrade"));
  client.receive_to("\r\n\r\n");
  Client late(host);
  Hold hold(host);
  late.send(get("/upgrade"));
  std::thread drain([&] { host.server->drain(milliseconds(10'000)); });
  hold.let_go();
  EXPECT_THAT(late.receive_to("going away"), testing::EndsWith("going away"));
  late.reset();
  EXPECT_EQ(client.receive_to("going away"), "going away");
  client.reset();
  drain.join();
}

}  // namespace
}  // namespace mimus
