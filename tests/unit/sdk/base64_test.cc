// Base64: what it is, and what it is not.
#include "mimus/base64.h"

#include <gtest/gtest.h>

namespace mimus::base64 {
namespace {

TEST(Base64, GoesThereAndBack) {
  const struct {
    std::string_view bytes, text;
  } cases[] = {{"", ""},
               {"f", "Zg=="},
               {"fo", "Zm8="},
               {"foo", "Zm9v"},
               {"foobar", "Zm9vYmFy"},
               {std::string_view("\0\xff\xfe", 3), "AP/+"}};  // RFC 4648, section 10, and its last letters
  for (const auto& c : cases) {
    EXPECT_EQ(encoded(c.bytes), c.text);
    EXPECT_EQ(decoded(c.text), c.bytes);
  }
}

TEST(Base64, RefusesEverythingElse) {
  for (const char* text :
       {"Z", "Zg", "Zg=", "Zg===", "====", "Zh==", "Zm9=", "Zm9v\n", "Zm 9", "Zm-_", "=Zg="})
    EXPECT_FALSE(decoded(text)) << text;
}

}  // namespace
}  // namespace mimus::base64
