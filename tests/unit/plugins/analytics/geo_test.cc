// Places of addresses.
#include "plugins/analytics/geo.h"

#include <gtest/gtest.h>

#include "plugins/analytics/countries.h"
#include "tests/unit/plugins/analytics/mmdb_writer.h"
#include "tests/unit/plugins/analytics/scratch.h"

namespace mimus::analytics {
namespace {

Address address(std::string_view text) { return *parse_address(text); }

TEST(GeoDatabase, ReadsEveryLayout) {
  MmdbWriter writer;
  const std::vector<std::pair<std::string, MmdbValue>> en{{"en", "Berlin"}};
  const std::vector<std::pair<std::string, MmdbValue>> atlantis{{"en", "Atlantis"}};
  const auto map = [](std::vector<std::pair<std::string, MmdbValue>> m) { return MmdbValue(std::move(m)); };
  writer.insert(address("1.0.0.0"), 24, map({{"country_code", "DE"}}));
  writer.insert(address("1.0.1.0"), 24, map({{"country", map({{"iso_code", "FR"}})}}));
  writer.insert(address("1.0.2.0"), 24, map({{"country_code", "DE"}, {"city", "Bonn"}}));
  writer.insert(address("1.0.3.0"), 24,
                map({{"country", map({{"iso_code", "DE"}})}, {"city", map({{"names", map(en)}})}}));
  writer.insert(address("1.0.4.0"), 24,
                map({{"country", map({{"iso_code", "XA"}, {"names", map(atlantis)}})}}));
  writer.insert(address("1.0.5.0"), 24, map({{"country_code", "ZZ"}}));
  writer.insert(address("1.0.6.0"), 24, map({{"other", "x"}}));
  writer.insert(address("2001:db8::"), 32, map({{"country_code", "JP"}}));
  const Scratch scratch;
  const auto database = open_geo_database(scratch.write("x.mmdb", writer.file()));
  ASSERT_TRUE(database) << database.error().message;
  const struct {
    const char* name;
    const char* address;
    Place want;
  } cases[] = {
      {"flat", "1.0.0.1", {"DE", "Germany", ""}},
      {"nested", "1.0.1.255", {"FR", "France", ""}},
      {"flat with a city", "1.0.2.3", {"DE", "Germany", "Bonn"}},
      {"nested with a city", "1.0.3.3", {"DE", "Germany", "Berlin"}},
      {"a code that only the database can name", "1.0.4.3", {"XA", "Atlantis", ""}},
      {"a code that nobody can name", "1.0.5.3", {"ZZ", "ZZ", ""}},
      {"no country in the entry", "1.0.6.3", {"", "", ""}},
      {"no entry", "9.9.9.9", {"", "", ""}},
      {"IPv6", "2001:db8:1::1", {"JP", "Japan", ""}},
      {"no IPv6 entry", "2a00::1", {"", "", ""}},
      {"IPv4 mapped", "::ffff:1.0.0.1", {"DE", "Germany", ""}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ((*database)->find(address(c.address)), c.want);
  }
}

TEST(GeoDatabase, SaysWhyItDoesNotOpen) {
  const Scratch scratch;
  const auto missing = open_geo_database(scratch.path("none.mmdb"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::not_found);
  EXPECT_NE(missing.error().message.find("none.mmdb"), std::string::npos);
  for (const char* bytes : {"", "not a database"}) {
    const auto broken = open_geo_database(scratch.write("bad.mmdb", bytes));
    ASSERT_FALSE(broken);
    EXPECT_EQ(broken.error().code, Code::corrupt);
  }
}

TEST(PlaceCache, ForgetsAtItsTimeAndTheOldestOfAFullSet) {
  PlaceCache cache(1, 100);  // One set.
  const Address a = address("1.1.1.1"), b = address("2.2.2.2"), c = address("2001:db8::3");
  EXPECT_EQ(cache.find(a, 0), nullptr);
  cache.put(a, {"A", "", ""}, 0);
  cache.put(b, {"B", "", ""}, 50);
  ASSERT_NE(cache.find(a, 99), nullptr);
  EXPECT_EQ(cache.find(a, 99)->code, "A");
  EXPECT_EQ(cache.find(a, 100), nullptr);
  ASSERT_NE(cache.find(b, 100), nullptr);
  cache.put(a, {"A2", "", ""}, 100);
  cache.put(c, {"C", "", ""}, 101);
  cache.put(address("4.4.4.4"), {"D", "", ""}, 102);
  EXPECT_EQ(cache.find(a, 110)->code, "A2");
  EXPECT_EQ(cache.find(b, 110)->code, "B");
  EXPECT_EQ(cache.find(c, 110)->code, "C");
  cache.put(address("5.5.5.5"), {"E", "", ""}, 110);
  EXPECT_EQ(cache.find(b, 110), nullptr);
  EXPECT_EQ(cache.find(a, 110)->code, "A2");
  EXPECT_EQ(cache.find(address("5.5.5.5"), 110)->code, "E");
}

TEST(PlaceCache, HoldsItsCapacityNearlyWhole) {
  PlaceCache cache(4096, 1000);
  std::size_t kept = 0;
  for (unsigned i = 0; i < 2048; ++i) {
    const std::string text = "8." + std::to_string(i >> 8) + "." + std::to_string(i & 255) + ".1";
    cache.put(address(text), {"A", "", ""}, 0);
  }
  for (unsigned i = 0; i < 2048; ++i) {
    const std::string text = "8." + std::to_string(i >> 8) + "." + std::to_string(i & 255) + ".1";
    kept += cache.find(address(text), 0) != nullptr;
  }
  EXPECT_GT(kept, 1900u);
}

TEST(CountryName, IsThatOfTheCode) {
  for (const auto& [code, name] : {std::pair{"DE", "Germany"},
                                   {"AD", "Andorra"},
                                   {"ZW", "Zimbabwe"},
                                   {"CI", "Côte d'Ivoire"},
                                   {"XX", ""},
                                   {"de", ""},
                                   {"", ""},
                                   {"D", ""},
                                   {"DEU", ""},
                                   {"ZZ", ""}}) {
    EXPECT_EQ(country_name(code), name) << code;
  }
}

}  // namespace
}  // namespace mimus::analytics
