// What every BlockStore promises.
#include "tests/unit/store/scratch.h"

namespace mimus {
namespace {

using Key = BlockStore::Key;

class BlocksContract : public DatabaseContract {
 protected:
  BlockStore& blocks() { return database_->blocks(); }

  std::vector<Key> keys() {
    std::vector<Key> out;
    EXPECT_OK(blocks().each([&](Key key, std::string_view) { out.push_back(key); }));
    return out;
  }
};
MIMUS_BOTH_DATABASES(BlocksContract);

TEST_P(BlocksContract, GivesBytesBack) {
  const std::string bytes = std::string(70'000, 'b') + std::string("\0\xff", 2);
  ASSERT_OK(blocks().put({1, 0}, bytes, {}));
  EXPECT_EQ(*blocks().get({1, 0}), bytes);
  EXPECT_EQ(blocks().get({1, 1}).error().code, Code::not_found);
  EXPECT_EQ(blocks().get({2, 0}).error().code, Code::not_found);
}

TEST_P(BlocksContract, ShowsHeadsOldestFirst) {
  ASSERT_OK(blocks().put({300, 0}, "third", {}));
  ASSERT_OK(blocks().put({2, 1}, "second", {}));
  ASSERT_OK(blocks().put({2, 0}, std::string(5'000, 'f'), {}));
  std::vector<std::string> heads;
  ASSERT_OK(blocks().each([&](Key, std::string_view head) { heads.emplace_back(head); }));
  EXPECT_EQ(keys(), (std::vector<Key>{{2, 0}, {2, 1}, {300, 0}}));
  EXPECT_EQ(heads, (std::vector<std::string>{std::string(BlockStore::head_bytes, 'f'), "second", "third"}));
}

TEST_P(BlocksContract, PutsOneInsteadOfOthers) {
  ASSERT_OK(blocks().put({1, 1}, "a", {}));
  ASSERT_OK(blocks().put({1, 2}, "b", {}));
  const Key pieces[] = {{1, 1}, {1, 2}};
  ASSERT_OK(blocks().put({1, 0}, "ab", pieces));
  EXPECT_EQ(keys(), (std::vector<Key>{{1, 0}}));
  EXPECT_EQ(blocks().get({1, 2}).error().code, Code::not_found);
}

TEST_P(BlocksContract, RemovesEverythingBelowAKey) {
  for (std::uint64_t block = 1; block <= 5; ++block) ASSERT_OK(blocks().put({block, 0}, "x", {}));
  ASSERT_OK(blocks().remove_before({3, 0}));
  EXPECT_EQ(keys(), (std::vector<Key>{{3, 0}, {4, 0}, {5, 0}}));
  EXPECT_EQ(blocks().get({2, 0}).error().code, Code::not_found);
  ASSERT_OK(blocks().remove_before({3, 0}));
  ASSERT_OK(blocks().put({6, 0}, "x", {}));
  ASSERT_OK(blocks().remove_before({6, 0}));
  EXPECT_EQ(keys(), (std::vector<Key>{{6, 0}}));
}

TEST_P(BlocksContract, KeepsFieldNames) {
  EXPECT_TRUE(blocks().field_names()->empty());
  const std::vector<std::string> names = {"id", "", "geoCountry"};
  ASSERT_OK(blocks().put_field_names(names));
  EXPECT_EQ(*blocks().field_names(), names);
}

}  // namespace
}  // namespace mimus
