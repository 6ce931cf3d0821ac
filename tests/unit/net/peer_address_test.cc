// Peers' addresses read as inet_ntop(3) writes them.
#include "host/net/peer_address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace mimus {
namespace {

TEST(PeerText, ShowsIpv4AsWhatItIs) {
  for (const char* text : {"0.0.0.0", "127.0.0.1", "10.9.100.255", "255.255.255.255"}) {
    sockaddr_storage peer{};
    auto& v4 = reinterpret_cast<sockaddr_in&>(peer);
    v4.sin_family = AF_INET;
    ASSERT_EQ(::inet_pton(AF_INET, text, &v4.sin_addr), 1);
    EXPECT_EQ(peer_text(peer), text);
  }
}

TEST(PeerText, ShowsIpv6AndTheIpv4WithinIt) {
  for (const auto& [bytes, text] :
       {std::pair{"::1", "::1"}, {"2001:db8::a", "2001:db8::a"}, {"::ffff:8.8.4.4", "8.8.4.4"}}) {
    sockaddr_storage peer{};
    auto& v6 = reinterpret_cast<sockaddr_in6&>(peer);
    v6.sin6_family = AF_INET6;
    ASSERT_EQ(::inet_pton(AF_INET6, bytes, &v6.sin6_addr), 1);
    EXPECT_EQ(peer_text(peer), text);
  }
}

TEST(PeerText, IsEmptyForAUnixSocket) {
  sockaddr_storage peer{};
  peer.ss_family = AF_UNIX;
  EXPECT_EQ(peer_text(peer), "");
}

}  // namespace
}  // namespace mimus
