// Exchange::fin_cancels: a client that has stopped sending has gone, where the service says so.
#include "tests/unit/net/any_client.h"

namespace mimus {
namespace {

template <class Kind>
class Fin : public testing::Test {
 protected:
  std::unique_ptr<TestHost> host() {
    return std::make_unique<TestHost>(1, nullptr, 1, "127.0.0.1:0", Kind::files(certificates_));
  }

 private:
  Certificates certificates_;
};
TYPED_TEST_SUITE(Fin, PlainAndSecure);

TYPED_TEST(Fin, CancelsAnExchangeThatWaits) {
  const auto host = this->host();
  typename TypeParam::Client client(*host);
  client.send(get("/poll"));
  host->log.await("waiting");
  client.socket().end_sending();
  host->log.await("cancelled");
  host->log.await("ended /poll");
}

TYPED_TEST(Fin, CancelsWhereItCameWithTheRequest) {
  const auto host = this->host();
  typename TypeParam::Client client(*host);
  client.send(get("/poll"));
  client.socket().end_sending();
  host->log.await("cancelled");
}

TYPED_TEST(Fin, IsOfOneExchangeAlone) {
  const auto host = this->host();
  typename TypeParam::Client client(*host), other(*host);
  client.send(get("/poll"));
  host->log.await("waiting");
  other.send(get("/release"));
  other.answer();
  client.answer();
  client.send(get("/wait"));
  client.socket().end_sending();
  while (host->log.count("waiting") < 2) {
    other.send(get("/where"));
    other.answer();
  }
  other.send(get("/release"));
  other.answer();
  EXPECT_NE(client.answer().find("released"), std::string::npos);
  EXPECT_FALSE(host->log.has("cancelled"));
}

}  // namespace
}  // namespace mimus
