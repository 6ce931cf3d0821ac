// Reading and classing addresses.
#include "plugins/analytics/address.h"

#include <gtest/gtest.h>

#include <string>

namespace mimus::analytics {
namespace {

TEST(ClientAddress, IsLocalOrNot) {
  const struct {
    const char* address;
    bool local;
  } cases[] = {
      {"127.0.0.1", true},
      {"127.255.255.255", true},
      {"128.0.0.1", false},
      {"10.1.2.3", true},
      {"11.0.0.0", false},
      {"172.15.255.255", false},
      {"172.16.0.0", true},
      {"172.31.255.255", true},
      {"172.32.0.0", false},
      {"192.168.0.1", true},
      {"192.169.0.0", false},
      {"169.254.1.1", true},
      {"169.253.1.1", false},
      {"100.63.255.255", false},
      {"100.64.0.0", true},
      {"100.127.255.255", true},
      {"100.128.0.0", false},
      {"0.0.0.0", true},
      {"8.8.8.8", false},
      {"::1", true},
      {"::", true},
      {"::2", false},
      {"fc00::1", true},
      {"fdff::1", true},
      {"fe00::1", false},
      {"fe80::1", true},
      {"febf::1", true},
      {"fec0::1", false},
      {"fe80::1%eth0", true},
      {"2001:db8::1", false},
      {"::ffff:10.0.0.1", true},
      {"::ffff:8.8.8.8", false},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.address);
    const auto address = parse_address(c.address);
    ASSERT_TRUE(address);
    EXPECT_EQ(is_local(*address), c.local);
  }
  EXPECT_EQ(parse_address("::ffff:8.8.8.8"), parse_address("8.8.8.8"));
}

TEST(ClientAddress, IsRefusedWhereItIsNone) {
  for (const std::string text :
       {"", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4:80", "[::1]",
        ":::", "12345::", "a very long text that is longer than any address could ever be"}) {
    EXPECT_FALSE(parse_address(text)) << text;
  }
  EXPECT_FALSE(parse_address(std::string_view("1.2.3.4\0", 8)));
}

}  // namespace
}  // namespace mimus::analytics
