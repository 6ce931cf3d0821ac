// Takeover::Wire's pause and resume: what a client sends waits, and is not lost.
#include <gmock/gmock.h>

#include "tests/unit/net/any_client.h"

namespace mimus {
namespace {

using std::chrono::milliseconds;

template <class Kind>
class Pause : public testing::Test {
 protected:
  using Client = typename Kind::Client;
  std::unique_ptr<TestHost> host() {
    return std::make_unique<TestHost>(1, std::function<void(Limits&)>(), 1, "127.0.0.1:0",
                                      Kind::files(certificates_));
  }
  /// A client whose takeover has paused.
  std::unique_ptr<Client> paused(TestHost& host) {
    auto client = std::make_unique<Client>(host);
    client->send(get("/upgrade"));
    client->receive_to("\r\n\r\n");
    client->send("pause");
    host.log.await("paused");
    return client;
  }

 private:
  Certificates certificates_;
};
TYPED_TEST_SUITE(Pause, PlainAndSecure);

TYPED_TEST(Pause, BytesWaitInTheKernelUntilItResumes) {
  const auto host = this->host();
  const auto client = this->paused(*host);
  const std::uint64_t before = host->counted().bytes_in;
  client->send("first ");
  host->advance(milliseconds(500));
  client->send("second");
  host->advance(milliseconds(499));
  EXPECT_EQ(host->counted().bytes_in, before);
  host->advance(milliseconds(1));
  EXPECT_EQ(client->receive(12), "FIRST SECOND");
  client->send("third");
  EXPECT_EQ(client->receive(5), "THIRD");
}

TYPED_TEST(Pause, BytesThatCameWithTheHandshakeWait) {
  const auto host = this->host();
  typename TestFixture::Client client(*host);
  client.send(get("/paused") + "early");
  client.receive_to("\r\n\r\n");
  host->log.await("paused");
  client.send(" late");
  host->counted();
  host->advance(milliseconds(1000));
  EXPECT_EQ(client.receive(10), "EARLY LATE");
}

TYPED_TEST(Pause, AClientsEndWaitsBehindItsBytes) {
  const auto host = this->host();
  const auto client = this->paused(*host);
  client->send("last");
  client->socket().end_sending();
  host->advance(milliseconds(999));
  EXPECT_FALSE(host->log.has("takeover closed"));
  host->advance(milliseconds(1));
  EXPECT_EQ(client->receive_all(), "LAST");
  host->log.await("takeover closed");
}

TYPED_TEST(Pause, AResetIsTold) {
  const auto host = this->host();
  const auto client = this->paused(*host);
  client->socket().reset();
  host->log.await("takeover closed");
}

TYPED_TEST(Pause, ADrainDoesNotWaitForIt) {
  const auto host = this->host();
  const auto client = this->paused(*host);
  std::thread drain([&] { host->server->drain(milliseconds(10'000)); });
  EXPECT_EQ(client->receive_all(), "going away");
  client->socket().reset();
  drain.join();
}

}  // namespace
}  // namespace mimus
