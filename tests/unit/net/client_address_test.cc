// ClientAddress: who is believed, and who is not.
#include "host/net/client_address.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace mimus {
namespace {

TEST(ParseCidr, ReadsBlocksAndSaysWhyNot) {
  const struct {
    const char* text;
    const char* why;  // "" if it is one.
  } cases[] = {
      {"10.0.0.0/8", ""},
      {"127.0.0.1", ""},
      {"0.0.0.0/0", ""},
      {"fd00::/8", ""},
      {"::1", ""},
      {"::/0", ""},
      {"10.0.0.0/33", "its prefix is not a number up to 32"},
      {"10.0.0.0/", "its prefix is not a number up to 32"},
      {"10.0.0.0/8x", "its prefix is not a number up to 32"},
      {"10.0.0.0/-1", "its prefix is not a number up to 32"},
      {"::/129", "its prefix is not a number up to 128"},
      {"10.0.0.1/8", "it has bits beyond its prefix"},
      {"10.0.0/8", "it does not begin with an IPv4 or IPv6 address"},
      {"localhost", "it does not begin with an IPv4 or IPv6 address"},
      {"", "it does not begin with an IPv4 or IPv6 address"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    const auto got = parse_cidr(c.text);
    EXPECT_EQ(static_cast<bool>(got), *c.why == '\0');
    if (!got) {
      std::string want(1, '"');
      want.append(c.text).append("\" is no block of addresses: ").append(c.why);
      EXPECT_EQ(got.error().message, want);
    }
  }
}

TEST(IsIn, ComparesByPrefix) {
  const struct {
    const char* address;
    const char* block;
    bool want;
  } cases[] = {
      {"10.255.0.1", "10.0.0.0/8", true},
      {"11.0.0.0", "10.0.0.0/8", false},
      {"10.0.0.127", "10.0.0.0/25", true},
      {"10.0.0.128", "10.0.0.0/25", false},
      {"1.2.3.4", "0.0.0.0/0", true},
      {"::1", "0.0.0.0/0", false},
      {"::ffff:10.0.0.1", "10.0.0.0/8", true},
      {"fd12::1", "fd00::/8", true},
      {"fe80::1", "fd00::/8", false},
      {"unknown", "0.0.0.0/0", false},
      {"", "::/0", false},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(std::string(c.address) + " in " + c.block);
    const Cidr block = *parse_cidr(c.block);
    EXPECT_EQ(is_in(c.address, {&block, 1}), c.want);
  }
}

using Values = std::vector<std::string_view>;

std::vector<Header> headers_of(const Values& forwarded, const Values& x_forwarded_for) {
  std::vector<Header> out = {{"Host", "a"}};
  for (const std::string_view value : forwarded) out.push_back({"forwarded", value});
  for (const std::string_view value : x_forwarded_for) out.push_back({"X-Forwarded-For", value});
  return out;
}

TEST(ClientAddress, IsTheRightmostHopThatIsNotTrusted) {
  const struct {
    const char* name;
    const char* peer;
    Values forwarded, x_forwarded_for;
    const char* want;
  } cases[] = {
      {"no proxy", "127.0.0.1", {}, {}, "127.0.0.1"},
      {"a stranger is not believed", "8.8.8.8", {}, {"1.1.1.1"}, "8.8.8.8"},
      {"a Unix socket has none", "", {}, {"1.1.1.1"}, ""},
      {"one hop", "127.0.0.1", {}, {"1.1.1.1"}, "1.1.1.1"},
      {"the client's own claim is to the left", "127.0.0.1", {}, {"6.6.6.6, 1.1.1.1"}, "1.1.1.1"},
      {"trusted hops are passed", "127.0.0.1", {}, {"6.6.6.6, 1.1.1.1 ,10.0.0.7"}, "1.1.1.1"},
      {"several fields are one list", "127.0.0.1", {}, {"6.6.6.6", "1.1.1.1", "10.0.0.7"}, "1.1.1.1"},
      {"all trusted: the first", "127.0.0.1", {}, {"10.0.0.1, 10.0.0.2"}, "10.0.0.1"},
      {"ports are cut off", "127.0.0.1", {}, {"1.1.1.1:443"}, "1.1.1.1"},
      {"IPv6", "127.0.0.1", {}, {"2001:db8::1"}, "2001:db8::1"},
      {"IPv6 with a port", "127.0.0.1", {}, {"[2001:db8::1]:80"}, "2001:db8::1"},
      {"mapped IPv4", "127.0.0.1", {}, {"::ffff:1.1.1.1"}, "1.1.1.1"},
      {"rubbish ends the walk", "127.0.0.1", {}, {"1.1.1.1, unknown, 10.0.0.9"}, "10.0.0.9"},
      {"an empty hop ends the walk", "127.0.0.1", {}, {"1.1.1.1,"}, "127.0.0.1"},
      {"Forwarded", "127.0.0.1", {"for=1.1.1.1;proto=https"}, {}, "1.1.1.1"},
      {"Forwarded with case and quotes", "127.0.0.1", {"by=x; For=\"1.1.1.1:80\""}, {}, "1.1.1.1"},
      {"Forwarded with IPv6",
       "127.0.0.1",
       {"for=6.6.6.6, for=\"[2001:db8::1]:80\", for=10.1.1.1"},
       {},
       "2001:db8::1"},
      {"a comma in quotes is none", "127.0.0.1", {"for=1.1.1.1;ext=\"a, for=6.6.6.6\""}, {}, "1.1.1.1"},
      {"an obfuscated name ends the walk", "127.0.0.1", {"for=_hidden"}, {}, "127.0.0.1"},
      {"an element without for ends it", "127.0.0.1", {"for=1.1.1.1, proto=http"}, {}, "127.0.0.1"},
      {"both: X-Forwarded-For is believed", "127.0.0.1", {"for=6.6.6.6"}, {"1.1.1.1"}, "1.1.1.1"},
  };
  const Cidr trusted[] = {*parse_cidr("127.0.0.0/8"), *parse_cidr("10.0.0.0/8")};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(ClientAddress(trusted).of(c.peer, headers_of(c.forwarded, c.x_forwarded_for)), c.want);
  }
  const Values spoofed = {"1.1.1.1"};
  EXPECT_EQ(ClientAddress({}).of("127.0.0.1", headers_of(spoofed, spoofed)), "127.0.0.1");
}

TEST(ClientAddress, DoesNotMixUpPeers) {
  const Cidr trusted = *parse_cidr("127.0.0.0/8");
  ClientAddress address({&trusted, 1});
  const auto headers = headers_of({}, {"1.1.1.1"});
  EXPECT_EQ(address.of("", headers), "");
  EXPECT_EQ(address.of("127.0.0.1", headers), "1.1.1.1");
  EXPECT_EQ(address.of("8.8.8.8", headers), "8.8.8.8");
  EXPECT_EQ(address.of("127.0.0.1", headers), "1.1.1.1");
}

TEST(ClientAddress, EndlessChainsCostTheLastHopsOnly) {
  std::string chain = "1.1.1.1";
  for (int i = 0; i < 1000; ++i) chain += ",10.0.0.1";
  const Cidr trusted = *parse_cidr("10.0.0.0/8");
  EXPECT_EQ(ClientAddress({&trusted, 1}).of("10.0.0.1", headers_of({}, {chain})), "10.0.0.1");
}

}  // namespace
}  // namespace mimus
