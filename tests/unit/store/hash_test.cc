#include "store/hash.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace mimus {
namespace {

TEST(Hash, IsStoredAndSoMustNeverChange) {
  EXPECT_EQ(hash_bytes("GET", 0), hash_bytes(std::string("GET"), 0));
  EXPECT_EQ(hash_bytes("GET", 0), 3533684179561293888u);
}

TEST(Hash, TellsNeighboursApart) {
  std::set<std::uint64_t> seen;
  std::string text;
  for (int i = 0; i < 40; ++i) {
    EXPECT_TRUE(seen.insert(hash_bytes(text, 0)).second) << i << " zero bytes";
    text.push_back('\0');
  }
  for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(seen.insert(hash_bytes("key-" + std::to_string(i), 0)).second);
}

TEST(Hash, DependsOnTheSeed) { EXPECT_NE(hash_bytes("key", 1), hash_bytes("key", 2)); }

}  // namespace
}  // namespace mimus
