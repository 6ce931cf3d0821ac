// Tags are kept by place and content.
#include "plugins/cdn/kept_tags.h"

#include <gtest/gtest.h>

namespace mimus::cdn {
namespace {

class Hasher {
 public:
  Tag operator()(std::string_view body) {
    ++asked;
    Tag out{};
    out[0] = body.empty() ? '-' : body.front();
    return out;
  }
  int asked = 0;
};

TEST(KeptTags, HashesABodyOnceWhileItStays) {
  KeptTags tags;
  Hasher hash;
  std::string body = "abc";
  for (int i = 0; i < 3; ++i) EXPECT_EQ(tags.of(body, hash)[0], 'a');
  EXPECT_EQ(hash.asked, 1);
  body[0] = 'x';  // The same place, other content.
  EXPECT_EQ(tags.of(body, hash)[0], 'x');
  EXPECT_EQ(tags.of(std::string_view(body).substr(0, 2), hash)[0], 'x');
  EXPECT_EQ(hash.asked, 3);
}

TEST(KeptTags, KeepsNoLargeBodies) {
  KeptTags tags;
  Hasher hash;
  const std::string limit(KeptTags::max_body, 'l'), large(KeptTags::max_body + 1, 'L');
  for (int i = 0; i < 2; ++i) EXPECT_EQ(tags.of(limit, hash)[0], 'l');
  EXPECT_EQ(hash.asked, 1);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(tags.of(large, hash)[0], 'L');
  EXPECT_EQ(hash.asked, 3);
}

TEST(KeptTags, TakesAnEmptyBody) {
  KeptTags tags;
  Hasher hash;
  EXPECT_EQ(tags.of({}, hash)[0], '-');
}

}  // namespace
}  // namespace mimus::cdn
