// A call whose name has several addresses.
#include "host/upstream/call.h"

#include <gtest/gtest.h>

#include <vector>

#include "peer.h"
#include "running_client.h"

namespace mimus {
namespace {

/// One call on a running loop, with the answer to its lookup given by the test.
class CallTest : public testing::Test, private CallContext::Owner {
 protected:
  ~CallTest() override {
    running_.on_loop([this] {
      call_.reset();
      resolver_.reset();
      pool_.reset();
    });
  }

  void fetch(Recorder& got, std::uint16_t port, const std::vector<std::string>& addresses) {
    running_.on_loop([&] {
      pool_ = std::make_unique<Pool>(running_.loop);
      resolver_ = std::make_unique<Resolver>(
          running_.loop, [] {}, Resolver::Servers{"/dev/null", 1});
      context_.emplace(CallContext{running_.loop, policy_, *pool_, *resolver_, tls_, scratch_, *this});
      UpstreamRequest request;
      request.method = "GET";
      request.url = *Url::parse("http://many.invalid:" + std::to_string(port) + "/");
      call_ = std::make_unique<Call>(1, *context_, request, got);
      call_->advance();
      Resolver::Answer answer{1, {}, ""};
      for (const std::string& address : addresses) answer.addresses.push_back(*Address::parse(address));
      call_->resolved(std::move(answer));
    });
    ASSERT_TRUE(got.wait());
  }

 private:
  void wake(Call& call) override { EXPECT_EQ(&call, call_.get()); }
  void retire(Call& call) override { EXPECT_EQ(&call, call_.get()); }

  RunningLoop running_;
  AddressPolicy policy_;
  TlsClient tls_;
  std::vector<char> scratch_ = std::vector<char>(4096);
  std::unique_ptr<Pool> pool_;
  std::unique_ptr<Resolver> resolver_;
  std::optional<CallContext> context_;
  std::unique_ptr<Call> call_;
};

void answer_once(Peer& peer) {
  PeerSocket socket(peer.accept());
  socket.request();
  socket.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

TEST_F(CallTest, TriesTheNextAddressWhenOneRefuses) {
  Peer peer(answer_once);
  Recorder got;
  fetch(got, peer.port(), {"127.0.0.2", "127.0.0.1"});
  EXPECT_EQ(got.body, "ok") << got.why;
}

TEST_F(CallTest, SkipsAddressesThatAreForbidden) {
  Peer peer(answer_once);
  Recorder got;
  fetch(got, peer.port(), {"169.254.169.254", "fd00:ec2::254", "127.0.0.1"});
  EXPECT_EQ(got.body, "ok") << got.why;
}

TEST_F(CallTest, IsForbiddenWhenAllAddressesAre) {
  Recorder got;
  fetch(got, 80, {"169.254.169.254", "224.0.0.1"});
  EXPECT_EQ(got.error, UpstreamError::forbidden);
}

TEST_F(CallTest, IsUnreachableWhenTheAllowedAddressesRefuse) {
  const ClosedPort port;
  Recorder got;
  fetch(got, port.number(), {"169.254.169.254", "127.0.0.1", "127.0.0.2"});
  EXPECT_EQ(got.error, UpstreamError::unreachable);
}

}  // namespace
}  // namespace mimus
