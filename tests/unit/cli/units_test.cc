// What people write for ages, sizes and addresses.
#include "host/cli/units.h"

#include <gtest/gtest.h>

namespace mimus {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

struct RetentionRow {
  const char* name;
  const char* text;
  bool good;
  std::optional<seconds> age;
  std::optional<std::uint64_t> bytes;
};

class Retentions : public testing::TestWithParam<RetentionRow> {};

TEST_P(Retentions, AreReadAsAgeAndSize) {
  const auto parsed = parse_retention(GetParam().text);
  ASSERT_EQ(parsed.has_value(), GetParam().good);
  if (!parsed) return;
  EXPECT_EQ(parsed->age, GetParam().age);
  EXPECT_EQ(parsed->bytes, GetParam().bytes);
}

INSTANTIATE_TEST_SUITE_P(
    Table, Retentions,
    testing::Values(RetentionRow{"both", "7d,1GiB", true, hours(168), 1ull << 30},
                    RetentionRow{"size_first", "512MiB,2w", true, hours(336), 512ull << 20},
                    RetentionRow{"age_alone", "90s", true, seconds(90), std::nullopt},
                    RetentionRow{"size_alone", "1048576B", true, std::nullopt, 1ull << 20},
                    RetentionRow{"empty", "", false, {}, {}}, RetentionRow{"no_unit", "7", false, {}, {}},
                    RetentionRow{"no_number", "d", false, {}, {}},
                    RetentionRow{"two_ages", "7d,1h", false, {}, {}},
                    RetentionRow{"comma_at_the_end", "7d,", false, {}, {}},
                    RetentionRow{"comma_at_the_start", ",7d", false, {}, {}},
                    RetentionRow{"negative", "-7d", false, {}, {}}, RetentionRow{"zero", "0s", false, {}, {}},
                    RetentionRow{"too_small", "1KiB", false, {}, {}},
                    RetentionRow{"overflow", "99999999999TiB", false, {}, {}},
                    RetentionRow{"foreign_unit", "7y", false, {}, {}}),
    [](const auto& row) { return row.param.name; });

TEST(Addresses, AreLoopbackWhereOnlyThisMachineReachesThem) {
  for (const char* const text :
       {"127.0.0.1:3000", "127.9.9.9:0", "localhost:80", "[::1]:80", "unix:/run/x"}) {
    EXPECT_TRUE(is_loopback(text)) << text;
  }
  for (const char* const text : {"0.0.0.0:80", "[::]:80", "10.0.0.1:80", "127.example.com:80"}) {
    EXPECT_FALSE(is_loopback(text)) << text;
  }
}

TEST(Addresses, AreCidrBlocksWithPlausibleBits) {
  for (const char* const text : {"10.0.0.0/8", "10.1.2.3", "::1", "fd00::/8", "0.0.0.0/0"})
    EXPECT_TRUE(is_cidr(text)) << text;
  for (const char* const text : {"", "10.0.0.0/33", "10.0.0/8", "fd00::/129", "host/8", "10.0.0.0/"}) {
    EXPECT_FALSE(is_cidr(text)) << text;
  }
}

}  // namespace
}  // namespace mimus
