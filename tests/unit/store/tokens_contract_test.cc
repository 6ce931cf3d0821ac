// What every TokenStore promises.
#include "tests/unit/store/scratch.h"

namespace mimus {
namespace {

class TokensContract : public DatabaseContract {};
MIMUS_BOTH_DATABASES(TokensContract);

Token token(unsigned id) {
  return {ulid(id), "token " + std::to_string(id), Role::editor, std::string(32, static_cast<char>(id)),
          1'000 + id};
}

TEST_P(TokensContract, HasNoneAtFirst) { EXPECT_TRUE(database_->tokens().all()->empty()); }

TEST_P(TokensContract, GivesBackWhatWasPut) {
  ASSERT_OK(database_->tokens().put(token(2)));
  ASSERT_OK(database_->tokens().put(token(1)));
  const auto all = database_->tokens().all();
  ASSERT_OK(all);
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ((*all)[0].id, ulid(1));
  EXPECT_EQ((*all)[1].name, "token 2");
  EXPECT_EQ((*all)[1].role, Role::editor);
  EXPECT_EQ((*all)[1].sha256, std::string(32, 2));
  EXPECT_EQ((*all)[1].created_us, 1'002);
}

TEST_P(TokensContract, ReplacesATokenOfTheSameId) {
  ASSERT_OK(database_->tokens().put(token(1)));
  Token renamed = token(1);
  renamed.name = "";
  ASSERT_OK(database_->tokens().put(renamed));
  ASSERT_EQ(database_->tokens().all()->size(), 1u);
  EXPECT_EQ((*database_->tokens().all())[0].name, "");
}

TEST_P(TokensContract, RemovesOnce) {
  ASSERT_OK(database_->tokens().put(token(1)));
  EXPECT_OK(database_->tokens().remove(ulid(1)));
  EXPECT_TRUE(database_->tokens().all()->empty());
  EXPECT_EQ(database_->tokens().remove(ulid(1)).error().code, Code::not_found);
}

}  // namespace
}  // namespace mimus
