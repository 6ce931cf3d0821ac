// Addresses are read as inet_pton(3) reads them.
#include "mimus/ip_address.h"

#include <gtest/gtest.h>

#include <string>

namespace mimus {
namespace {

TEST(IpAddress, ReadsWhatInetPtonReads) {
  for (const char* text :
       {"0.0.0.0",   "127.0.0.1", "255.255.255.255",  "1.2.3.4",    "10.20.30.40", "256.1.1.1", "1.2.3",
        "1.2.3.4.5", "01.2.3.4",  "1.2.3.04",         "0.00.0.0",   "1..3.4",      ".1.2.3",    "1.2.3.",
        "1.2.3.4 ",  " 1.2.3.4",  "+1.2.3.4",         "1.2.3.4:80", "1.2.3.a",     "1.2.3.999", "",
        ".",         "...",       "99999999999.1.1.1"}) {
    SCOPED_TRACE(text);
    std::uint8_t bytes[4];
    const bool is_one = ::inet_pton(AF_INET, text, bytes) == 1;
    const auto got = parse_ipv4(text);
    ASSERT_EQ(got.has_value(), is_one);
    if (is_one) {
      EXPECT_EQ(std::memcmp(got->data() + 12, bytes, 4), 0);
      EXPECT_TRUE(is_ipv4(*got));
      EXPECT_EQ(parse_ip_address(text), got);
    }
  }
}

TEST(IpAddress, MapsIpv4AndKeepsIpv6) {
  EXPECT_EQ(parse_ip_address("::ffff:8.8.8.8"), parse_ip_address("8.8.8.8"));
  const auto v6 = parse_ip_address("2001:db8::1");
  ASSERT_TRUE(v6);
  EXPECT_FALSE(is_ipv4(*v6));
  EXPECT_EQ((*v6)[0], 0x20);
  for (const std::string text : {"", "localhost", "[::1]", ":::", "12345::", "fe80::1%eth0",
                                 "a very long text that is longer than any address could ever be"}) {
    EXPECT_FALSE(parse_ip_address(text)) << text;
  }
  EXPECT_FALSE(parse_ip_address(std::string_view("::1\0", 4)));
}

}  // namespace
}  // namespace mimus
