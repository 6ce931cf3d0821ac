// Which answers are kept, and their stored form.
#include "plugins/dedup/answer.h"

#include <gtest/gtest.h>

namespace mimus::dedup {
namespace {

TEST(KeptAnswer, ComesBackAsItWasStored) {
  Answer answer;
  answer.status = 201;
  answer.run = 0xFEDCBA9876543210;
  answer.kept_us = 1'767'225'600'123'456;
  answer.expires_us = 1'767'225'660'123'456;
  answer.age_s = 7;
  answer.headers = {{"Content-Type", "text/plain"}, {"X-Empty", ""}, {"X-Twice", "a"}, {"X-Twice", "b"}};
  const std::string body("a\0b\xFF", 4);
  answer.body = body;
  const std::string bytes = encode(answer);
  const auto back = decode(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->status, 201);
  EXPECT_EQ(back->run, answer.run);
  EXPECT_EQ(back->kept_us, answer.kept_us);
  EXPECT_EQ(back->expires_us, answer.expires_us);
  EXPECT_EQ(back->age_s, 7u);
  ASSERT_EQ(back->headers.size(), 4u);
  EXPECT_EQ(back->headers[1].name, "X-Empty");
  EXPECT_EQ(back->headers[3].value, "b");
  EXPECT_EQ(back->body, body);
}

TEST(KeptAnswer, RefusesEveryTextThatWasCutOrLengthened) {
  Answer answer;
  answer.status = 200;
  answer.headers = {{"A", "b"}};
  answer.body = "body";
  const std::string bytes = encode(answer);
  for (std::size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(decode(bytes.substr(0, n))) << n;
  EXPECT_FALSE(decode(bytes + "x"));
  std::string other_version = bytes;
  other_version[0] = 2;
  EXPECT_FALSE(decode(other_version));
}

TEST(KeptAnswer, IsJudgedByStatusAndHeaders) {
  const struct {
    const char* name;
    int status;
    std::vector<Header> headers;
    Verdict want;
  } cases[] = {
      {"a plain answer", 200, {}, Verdict::keep},
      {"created", 201, {}, Verdict::keep},
      {"not found", 404, {}, Verdict::keep},
      {"the last below 500", 499, {}, Verdict::keep},
      {"server error", 500, {}, Verdict::retry},
      {"a gateway's timeout with a cookie", 504, {{"Set-Cookie", "a"}}, Verdict::retry},
      {"a part", 206, {}, Verdict::pass},
      {"not modified", 304, {}, Verdict::pass},
      {"a cookie", 200, {{"set-cookie", "a=1"}}, Verdict::pass},
      {"no-store", 200, {{"Cache-Control", "private, No-Store"}}, Verdict::pass},
      {"no-store in a second field",
       200,
       {{"Cache-Control", "private"}, {"cache-control", "no-store"}},
       Verdict::pass},
      {"something that only begins so", 200, {{"Cache-Control", "no-store-ever, max-age=5"}}, Verdict::keep},
      {"no-cache", 200, {{"Cache-Control", "no-cache"}}, Verdict::keep},
      {"varies by all", 200, {{"Vary", "Accept, *"}}, Verdict::pass},
      {"varies by a name", 200, {{"Vary", "Accept"}}, Verdict::keep},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(judge(c.status, c.headers), c.want);
  }
}

TEST(KeptAnswer, LeavesOutWhatBelongsToTheMessage) {
  for (const char* name : {"Age", "CONNECTION", "content-length", "Date", "X-Mock-Deduplicated"}) {
    EXPECT_FALSE(stored_header(name)) << name;
  }
  for (const char* name : {"Content-Type", "ETag", "X-Mock-Proxied", "Ages"})
    EXPECT_TRUE(stored_header(name)) << name;
}

TEST(KeptAnswer, ReadsAnAgeOrNone) {
  EXPECT_EQ(age_seconds("30"), 30u);
  EXPECT_EQ(age_seconds(""), 0u);
  EXPECT_EQ(age_seconds("-1"), 0u);
  EXPECT_EQ(age_seconds("3x"), 0u);
  EXPECT_EQ(age_seconds("99999999999999"), 0u);
}

}  // namespace
}  // namespace mimus::dedup
