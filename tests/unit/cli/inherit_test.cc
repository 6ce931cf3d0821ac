// What the parent hands over arrives as it was.
#include "host/cli/inherit.h"

#include <gtest/gtest.h>

namespace mimus {
namespace {

TEST(Inheritance, ArrivesAsItWasGiven) {
  Inheritance given{42, {}};
  given.listeners.push_back({{3, 4}, "http://127.0.0.1:3000", false, true});
  given.listeners.push_back({{5}, "unix:/a dir/control.sock", true, false});
  const auto got = parse_inheritance(inheritance_text(given));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->parent, 42);
  ASSERT_EQ(got->listeners.size(), 2u);
  EXPECT_EQ(got->listeners[0].fds, (std::vector{3, 4}));
  EXPECT_EQ(got->listeners[0].url, "http://127.0.0.1:3000");
  EXPECT_FALSE(got->listeners[0].serves_admin);
  EXPECT_TRUE(got->listeners[0].serves_public);
  EXPECT_EQ(got->listeners[1].url, "unix:/a dir/control.sock");
  EXPECT_TRUE(got->listeners[1].serves_admin);
  EXPECT_FALSE(got->listeners[1].serves_public);
}

TEST(Inheritance, IsRefusedWhereItIsNone) {
  for (const char* const text :
       {"", "x", "0", "1\n", "1\npa", "1\npa 3", "1\npa x http://h", "1\npa 2 http://h"}) {
    const auto got = parse_inheritance(text);
    EXPECT_TRUE(!got || got->listeners.empty()) << text;
  }
  EXPECT_FALSE(parse_inheritance("x"));
  EXPECT_FALSE(parse_inheritance("1\npa 2 http://h"));
}

}  // namespace
}  // namespace mimus
