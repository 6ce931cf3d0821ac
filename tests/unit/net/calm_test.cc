// Server: clients that are too many, too slow, or gone, one by one. The stories of e2e/calm-* are the same in
// numbers.
#include <gmock/gmock.h>
#include <sys/resource.h>

#include "tests/unit/net/test_host.h"

namespace mimus {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::StartsWith;

/// Lowers the process's limit of open files for as long as it lives.
class FewDescriptors {
 public:
  explicit FewDescriptors(rlim_t files) {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &usual_), 0);
    const rlimit few{files, usual_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  }
  ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &usual_); }

 private:
  rlimit usual_{};
};

/// The number that the next descriptor will have.
rlim_t next_descriptor() {
  const int next = ::dup(0);
  ::close(next);
  return static_cast<rlim_t>(next);
}

class Descriptors : public testing::Test {
 protected:
  void SetUp() override {
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "the sanitizer needs descriptors itself";
#endif
  }
};

TEST_F(Descriptors, WhoeverFindsNoneIsClosedAtOnceAndCounted) {
  TestHost host;
  Client before(host);
  before.send(get("/x"));
  EXPECT_THAT(before.answer(), HasSubstr("GET /x"));
  {
    Hold hold(host);
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 3; ++i) clients.push_back(std::make_unique<Client>(host));
    const FewDescriptors none(next_descriptor());
    hold.let_go();
    for (const auto& client : clients) EXPECT_EQ(client->receive_all(), "");
    before.send(get("/y"));
    EXPECT_THAT(before.answer(), HasSubstr("GET /y"));
  }
  EXPECT_EQ(of(TurnedAway::no_descriptor, host.counted()), 3u);
  EXPECT_EQ(host.counted().accepted, 1u);
  Client after(host);
  after.send(get("/z"));
  EXPECT_THAT(after.answer(), HasSubstr("GET /z"));
}

TEST_F(Descriptors, WithoutEvenTheReservedOneClientsWaitAndItIsReservedAnew) {
  TestHost host;
  {
    Hold hold(host);
    Client client(host);
    client.send(get("/x"));
    {
      const FewDescriptors none(0);
      hold.let_go();
      while (host.counted().timers == 0) {
      }  // The client has been seen, and has to wait: the timer is for the next try.
      EXPECT_EQ(host.counted().accepted, 0u);
      EXPECT_EQ(of(TurnedAway::no_descriptor, host.counted()), 0u);
    }
    host.advance(milliseconds(200));
    EXPECT_THAT(client.answer(), HasSubstr("GET /x"));
  }
  host.await_active(0);  // Its descriptor would be one for the next.
  Hold hold(host);
  Client client(host);
  const FewDescriptors none(next_descriptor());
  hold.let_go();
  EXPECT_EQ(client.receive_all(), "");
  EXPECT_EQ(of(TurnedAway::no_descriptor, host.counted()), 1u);
}

TEST_F(Descriptors, ClientsLeaveSomeForTheRestOfTheHost) {
  const rlim_t all = 200;
  const FewDescriptors few(all);
  TestHost host;
  std::vector<std::unique_ptr<Client>> clients;
  while (of(TurnedAway::no_descriptor, host.counted()) == 0 && clients.size() < all) {
    clients.push_back(std::make_unique<Client>(host));
    clients.back()->send(get("/x"));
    static_cast<void>(clients.back()->receive_to("GET /x"));
  }
  EXPECT_LE(next_descriptor(), all - 40);
  EXPECT_GT(next_descriptor(), all - 60);
}

TEST(Calm, EveryRefusalIsCountedUnderItsStatus) {
  const struct {
    const char* name;
    std::string request;
    int status;
  } cases[] = {
      {"malformed", "hello\r\n\r\n", 400},
      {"a bad chunk", "POST /body HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 400},
      {"an announced body", "POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n", 413},
      {"a body that grows",
       "POST /body HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n" + std::string(1024, 'b'),
       413},
      {"a target", "GET /" + std::string(9000, 'u'), 414},
      {"a head", "GET / HTTP/1.1\r\nHost: h\r\nA: " + std::string(33000, 'h'), 431},
      {"a coding", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: x, chunked\r\n\r\n", 501},
      {"a version", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    TestHost host;
    Client client(host);
    client.send(c.request);
    EXPECT_THAT(client.answer(), StartsWith("HTTP/1.1 " + std::to_string(c.status)));
    for (const int status : refusal_statuses) {
      EXPECT_EQ(refusals(status, host.counted()), status == c.status ? 1u : 0u) << status;
    }
  }
}

TEST(Calm, AReaderWhoIsSlowButSteadyIsNotCutOff) {
  TestHost host;
  Client client(host, 4096);
  client.send(get("/large"));
  client.receive(1);
  for (std::size_t got = 0; got < 4 << 20; got += 256 << 10) {
    const std::uint64_t sent = host.counted().bytes_out;
    EXPECT_EQ(client.receive(256 << 10).size(), 256u << 10);
    // The server sees progress each time, not only once the kernel has sent a megabyte or so.
    while (host.counted().bytes_out == sent) {
    }
    host.advance(milliseconds(29'000));
  }
  EXPECT_EQ(of(TimedOut::reader, host.counted()), 0u);
}

TEST(Calm, ARefusalOfARoutedHeadRequestHasNoBody) {
  TestHost host;
  Client client(host);
  client.send("HEAD /body HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n");
  const std::string answer = client.receive_all();
  EXPECT_THAT(answer, HasSubstr("400"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 14\r\n"));
  EXPECT_THAT(answer, testing::EndsWith("\r\n\r\n"));
}

}  // namespace
}  // namespace mimus
