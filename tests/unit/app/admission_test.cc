// What decides about who is let in, without a worker: the definition's rules, and the attempts.
#include <gtest/gtest.h>

#include "host/app/access_rules.h"
#include "host/app/attempt_book.h"

namespace mimus {
namespace {

using std::chrono::milliseconds;

TEST(AccessRules, SayWhichOriginsMayAsk) {
  const struct {
    const char* name;
    const char* document;
    const char* origin;
    bool allowed;
  } cases[] = {
      {"any where nothing is said", "{}", "https://evil.example", true},
      {"no browser", R"({"origins":["https://a.example"]})", "", true},
      {"listed", R"({"origins":["https://b.example","https://a.example"]})", "https://a.example", true},
      {"listed in other case", R"({"origins":["https://A.example"]})", "https://a.example", true},
      {"not listed", R"({"origins":["https://a.example"]})", "https://a.example.evil.example", false},
      {"none listed", R"({"origins":[]})", "https://a.example", false},
      {"all listed", R"({"origins":["*"]})", "null", true},
      {"the same with a token", R"({"requireToken":"t"})", "http://host:3000", true},
      {"another with a token", R"({"requireToken":"t"})", "http://evil.example", false},
      {"the same name as a part, with a token", R"({"requireToken":"t"})", "http://evilhost:3000", false},
      {"null with a token", R"({"requireToken":"t"})", "null", false},
      {"another with no token after all", R"({"requireToken":null})", "http://evil.example", true},
      {"listed, with a token", R"({"requireToken":"t","origins":["*"]})", "http://evil.example", true},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    Caller caller;
    caller.web_origin = c.origin;
    caller.host = "host:3000";
    EXPECT_EQ(AccessRules(c.document).allow_origin(caller), c.allowed);
  }
}

TEST(AccessRules, SayWhatTokenMustBeShown) {
  const struct {
    const char* name;
    const char* bearer;
    const char* query;
    const char* auth;
    bool allowed;
  } cases[] = {
      {"nothing", "", "", "", false},
      {"bearer", "s3cr+t", "", "", true},
      {"wrong bearer", "s3cret", "", "", false},
      {"a part of it", "s3cr+", "", "", false},
      {"more than it", "s3cr+t ", "", "", false},
      {"wrong bearer, whatever the query", "x", "token=s3cr%2bt", "", false},
      {"query", "", "a=1&token=s3cr%2bt", "", true},
      {"query that is not escaped", "", "token=s3cr+t", "", false},
      {"last of the query", "", "token=x&token=s3cr%2Bt", "", true},
      {"auth", "", "", R"({"a":{"token":"x"},"token":"s3cr\u002bt"})", true},
      {"wrong auth, whatever the query", "", "token=s3cr%2bt", R"({"token":"x"})", false},
      {"auth with another token further in", "", "", R"({"a":{"token":"s3cr+t"}})", false},
      {"auth that is no string", "", "", R"({"token":["s3cr+t"]})", false},
  };
  const AccessRules rules(R"({"requireToken":"s3cr+t"})");
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    Caller caller;
    caller.bearer = c.bearer;
    caller.origin.query = c.query;
    caller.origin.auth = c.auth;
    EXPECT_EQ(rules.allow_token(caller), c.allowed);
    EXPECT_TRUE(AccessRules("{}").allow_token(caller));
  }
}

TEST(AccessRules, ChooseTheFirstOfTheirSubprotocols) {
  const AccessRules rules(R"({"subprotocols":["v2","v1"]})");
  EXPECT_EQ(rules.choose({"v1", "v2"}), "v2");
  EXPECT_EQ(rules.choose({"v3", "v1"}), "v1");
  EXPECT_EQ(rules.choose({"V1"}), "") << "clients take none that they did not offer";
  EXPECT_EQ(rules.choose({"v3"}), "");
  EXPECT_EQ(rules.choose({}), "");
}

TEST(AttemptBook, CountsByEndpointAndAddressForAMinute) {
  const Ulid one = *Ulid::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV"),
             two = *Ulid::parse("01ARZ3NDEKTSV4RRFFQ69G5FAW");
  AttemptBook book;
  EXPECT_EQ(book.enter(one, "a", 2, milliseconds(1000)).count(), 0);
  EXPECT_EQ(book.enter(one, "a", 2, milliseconds(2000)).count(), 0);
  EXPECT_EQ(book.enter(one, "a", 2, milliseconds(3000)).count(), 58'000);
  EXPECT_EQ(book.enter(one, "a", 2, milliseconds(60'999)).count(), 1);
  EXPECT_EQ(book.enter(one, "b", 2, milliseconds(60'999)).count(), 0);
  EXPECT_EQ(book.enter(two, "a", 2, milliseconds(60'999)).count(), 0);
  EXPECT_EQ(book.size(), 3u);
  EXPECT_EQ(book.enter(one, "a", 2, milliseconds(61'000)).count(), 0) << "another minute";
  EXPECT_EQ(book.enter(one, "c", 2, milliseconds(200'000)).count(), 0);
  EXPECT_EQ(book.size(), 1u) << "what is over is forgotten";
}

TEST(AttemptBook, HoldsNoMoreThanItMay) {
  AttemptBook book(3);
  for (int i = 0; i < 100; ++i) book.enter(Ulid{}, std::to_string(i), 1, milliseconds(i));
  EXPECT_EQ(book.size(), 3u);
  EXPECT_NE(book.enter(Ulid{}, "99", 1, milliseconds(100)).count(), 0) << "the newest are known";
  EXPECT_EQ(book.enter(Ulid{}, "0", 1, milliseconds(100)).count(), 0) << "the oldest are not";
}

}  // namespace
}  // namespace mimus
