// Bodies that were coded before.
#include "plugins/compress/coded_bodies.h"

#include <gtest/gtest.h>

namespace mimus::compress {
namespace {

TEST(CodedBodies, AreFoundByBodyAndCoding) {
  CodedBodies kept(10'000);
  EXPECT_EQ(kept.find(Coding::gzip, "a"), nullptr);
  EXPECT_EQ(kept.keep(Coding::gzip, "a", "A"), 0U);
  ASSERT_NE(kept.find(Coding::gzip, "a"), nullptr);
  EXPECT_EQ(*kept.find(Coding::gzip, "a"), "A");
  EXPECT_EQ(kept.find(Coding::br, "a"), nullptr);
  EXPECT_EQ(kept.find(Coding::gzip, "b"), nullptr);
}

TEST(CodedBodies, TheLeastRecentlyUsedMakeRoom) {
  CodedBodies kept(10'000);
  const std::string body(3000, 'x');
  const auto nth = [&](char n) { return body + n; };
  kept.keep(Coding::br, nth('1'), "one");
  kept.keep(Coding::br, nth('2'), "two");
  kept.keep(Coding::br, nth('3'), "three");
  ASSERT_NE(kept.find(Coding::br, nth('1')), nullptr);
  EXPECT_EQ(kept.keep(Coding::br, nth('4'), "four"), 1U);
  EXPECT_EQ(kept.find(Coding::br, nth('2')), nullptr);
  for (const char n : {'1', '3', '4'}) EXPECT_NE(kept.find(Coding::br, nth(n)), nullptr) << n;
}

TEST(CodedBodies, StayWithinTheirBound) {
  CodedBodies kept(10'000);
  std::size_t dropped = 0;
  for (int i = 0; i < 1000; ++i) {
    dropped += kept.keep(Coding::gzip, std::to_string(i), std::string(static_cast<std::size_t>(i), 'x'));
    EXPECT_LE(kept.bytes(), 10'000U);
  }
  EXPECT_GT(dropped, 900U);
  EXPECT_GT(kept.bytes(), 0U);
}

TEST(CodedBodies, OneThatWouldDriveOutAllOthersIsNotKept) {
  CodedBodies kept(10'000);
  kept.keep(Coding::gzip, "a", "A");
  EXPECT_EQ(kept.keep(Coding::gzip, std::string(6000, 'x'), "X"), 0U);
  EXPECT_EQ(kept.find(Coding::gzip, std::string(6000, 'x')), nullptr);
  EXPECT_NE(kept.find(Coding::gzip, "a"), nullptr);
}

}  // namespace
}  // namespace mimus::compress
