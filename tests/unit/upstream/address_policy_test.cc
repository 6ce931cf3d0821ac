// Which addresses may be connected to.
#include <gtest/gtest.h>

#include "host/upstream/address.h"
#include "host/upstream/upstream.h"

namespace mimus {
namespace {

enum class Rule { always, with_private, never };

TEST(AddressPolicy, SortsAddressesByTheirReach) {
  const struct {
    const char* name;
    std::string_view address;
    Rule rule;
  } cases[] = {
      {"a public address", "93.184.216.34", Rule::always},
      {"just below the private 10", "9.255.255.255", Rule::always},
      {"just above the private 10", "11.0.0.0", Rule::always},
      {"just below 172.16", "172.15.255.255", Rule::always},
      {"just above 172.31", "172.32.0.0", Rule::always},
      {"just below CGNAT", "100.63.255.255", Rule::always},
      {"just above CGNAT", "100.128.0.0", Rule::always},
      {"just below multicast", "223.255.255.255", Rule::always},
      {"a public v6 address", "2606:4700::1111", Rule::always},
      {"loopback", "127.0.0.1", Rule::with_private},
      {"all of loopback", "127.255.255.254", Rule::with_private},
      {"10/8", "10.0.0.1", Rule::with_private},
      {"172.16/12, first", "172.16.0.0", Rule::with_private},
      {"172.16/12, last", "172.31.255.255", Rule::with_private},
      {"192.168/16", "192.168.1.1", Rule::with_private},
      {"link-local", "169.254.1.1", Rule::with_private},
      {"CGNAT, first", "100.64.0.0", Rule::with_private},
      {"CGNAT, last", "100.127.255.255", Rule::with_private},
      {"benchmarks", "198.19.255.255", Rule::with_private},
      {"documentation", "203.0.113.7", Rule::with_private},
      {"v6 loopback", "::1", Rule::with_private},
      {"v6 link-local", "fe80::1", Rule::with_private},
      {"v6 link-local with a zone", "fe80::1%eth0", Rule::with_private},
      {"v6 link-local, last", "febf::1", Rule::with_private},
      {"v6 site-local", "fec0::1", Rule::with_private},
      {"unique-local fc", "fc00::1", Rule::with_private},
      {"unique-local fd", "fdff::1", Rule::with_private},
      {"v6 that is not routed", "4000::1", Rule::with_private},
      {"v6 documentation", "2001:db8::1", Rule::with_private},
      {"unspecified", "0.0.0.0", Rule::never},
      {"0/8", "0.1.2.3", Rule::never},
      {"v6 unspecified", "::", Rule::never},
      {"multicast", "224.0.0.1", Rule::never},
      {"multicast, last", "239.255.255.255", Rule::never},
      {"reserved", "240.0.0.1", Rule::never},
      {"broadcast", "255.255.255.255", Rule::never},
      {"v6 multicast", "ff02::1", Rule::never},
      {"metadata", "169.254.169.254", Rule::never},
      {"v6 metadata", "fd00:ec2::254", Rule::never},
      {"not an address", "localhost", Rule::never},
      {"nothing", "", Rule::never},
      // IPv4 in IPv6
      {"mapped public", "::ffff:93.184.216.34", Rule::always},
      {"mapped loopback", "::ffff:127.0.0.1", Rule::with_private},
      {"mapped loopback in hex", "::ffff:7f00:1", Rule::with_private},
      {"mapped metadata", "::ffff:169.254.169.254", Rule::never},
      {"mapped unspecified", "::ffff:0.0.0.0", Rule::never},
      {"compatible loopback", "::127.0.0.1", Rule::with_private},
      {"NAT64 public", "64:ff9b::93.184.216.34", Rule::always},
      {"NAT64 private", "64:ff9b::10.0.0.1", Rule::with_private},
      {"NAT64 metadata", "64:ff9b::169.254.169.254", Rule::never},
      {"local NAT64", "64:ff9b:1::1", Rule::with_private},
      {"6to4 public", "2002:5db8:d822::1", Rule::always},
      {"6to4 private", "2002:c0a8:0101::1", Rule::with_private},
      {"6to4 metadata", "2002:a9fe:a9fe::1", Rule::never},
      {"Teredo, both public", "2001:0:5db8:d822:0:0:a247:27dd", Rule::always},
      {"Teredo, private server", "2001:0:0a00:0001:0:0:a247:27dd", Rule::with_private},
      {"Teredo, private client", "2001:0:5db8:d822:0:0:f5ff:fffe", Rule::with_private},
      {"Teredo, client is metadata", "2001:0:5db8:d822:0:0:5601:5601", Rule::never},
      {"ISATAP of a private address", "2606:4700::5efe:10.0.0.1", Rule::with_private},
      // Forms of inet_aton
      {"one number", "2130706433", Rule::with_private},
      {"one hexadecimal number", "0x7f000001", Rule::with_private},
      {"two parts", "127.1", Rule::with_private},
      {"a hexadecimal part", "0x7f.1", Rule::with_private},
      {"three parts", "10.0.1", Rule::with_private},
      {"octal", "0177.0.0.1", Rule::with_private},
      {"metadata as a number", "2852039166", Rule::never},
      {"metadata, octal and hexadecimal", "0251.0xfe.43518", Rule::never},
      {"a dot at the end", "127.0.0.1.", Rule::with_private},
      {"0", "0", Rule::never},
  };
  AddressPolicy open, closed;
  closed.allow_private = false;
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(open.refuses(c.address, 80).has_value(), c.rule == Rule::never)
        << open.refuses(c.address, 80).value_or("");
    EXPECT_EQ(closed.refuses(c.address, 80).has_value(), c.rule != Rule::always)
        << closed.refuses(c.address, 80).value_or("");
  }
}

TEST(AddressPolicy, NeverReachesItsOwnListeners) {
  const struct {
    const char* name;
    const char* own;
    std::string_view address;
    unsigned port;
    bool refused;
  } cases[] = {
      {"the listener", "127.0.0.1:8080", "127.0.0.1", 8080, true},
      {"another port", "127.0.0.1:8080", "127.0.0.1", 8081, false},
      {"another address", "127.0.0.1:8080", "127.0.0.2", 8080, false},
      {"written otherwise", "127.0.0.1:8080", "2130706433", 8080, true},
      {"mapped", "127.0.0.1:8080", "::ffff:127.0.0.1", 8080, true},
      {"translated", "10.0.0.1:8080", "64:ff9b::10.0.0.1", 8080, true},
      {"6to4", "10.0.0.1:8080", "2002:a00:1::1", 8080, true},
      {"v6 with brackets", "[::1]:8080", "::1", 8080, true},
      {"v6 without brackets", "::1:8080", "::1", 8080, true},
      {"v6 mapped listener", "[::ffff:127.0.0.1]:8080", "127.0.0.1", 8080, true},
      {"a wildcard is all of loopback", "0.0.0.0:8080", "127.9.9.9", 8080, true},
      {"a v6 wildcard takes v4 too", "[::]:8080", "127.0.0.1", 8080, true},
      {"a star", "*:8080", "::1", 8080, true},
      {"a wildcard's other port", "0.0.0.0:8080", "127.0.0.1", 80, false},
      {"a wildcard is not every address", "0.0.0.0:8080", "10.0.0.1", 8080, false},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    AddressPolicy policy;
    policy.own = {"192.168.77.1:1", c.own};
    EXPECT_EQ(policy.refuses(c.address, static_cast<std::uint16_t>(c.port)).has_value(), c.refused);
  }
}

TEST(AddressPolicy, ChecksLiteralHostsOfUrlsAndLetsNamesPass) {
  const struct {
    const char* name;
    const char* url;
    bool refused;
  } cases[] = {
      {"a name", "http://localhost/", false},
      {"a name that looks like hexadecimal", "http://0x7f.example/", false},
      {"a public address", "http://93.184.216.34/", false},
      {"loopback", "http://127.0.0.1/", true},
      {"loopback as a number", "http://2130706433/", true},
      {"loopback, short", "http://127.1/", true},
      {"loopback, hexadecimal", "http://0X7F.1/", true},
      {"loopback with a last dot", "http://127.0.0.1./", true},
      {"v6 loopback", "http://[::1]/", true},
      {"own listener on a public address", "http://93.184.216.35:8080/", true},
  };
  AddressPolicy policy;
  policy.allow_private = false;
  policy.own = {"93.184.216.35:8080"};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const auto url = Url::parse(c.url);
    ASSERT_TRUE(url);
    EXPECT_EQ(policy.refuses(*url).has_value(), c.refused);
  }
}

TEST(AddressPolicy, OfProductionIsHttpsOnly) {
  AddressPolicy policy;
  policy.https_only = true;
  EXPECT_EQ(policy.refuses(*Url::parse("http://api.example.com/")).value_or(""),
            "only https targets are allowed (--production)");
  EXPECT_FALSE(policy.refuses(*Url::parse("https://api.example.com/")));
}

TEST(AddressPolicy, SaysWhyItRefuses) {
  AddressPolicy policy;
  policy.allow_private = false;
  EXPECT_EQ(policy.refuses("127.1", 80).value_or(""), "127.0.0.1 is loopback");
  EXPECT_EQ(policy.refuses("169.254.169.254", 80).value_or(""),
            "169.254.169.254 is a cloud's metadata address");
}

}  // namespace
}  // namespace mimus
