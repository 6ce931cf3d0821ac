#include "store/ulid.h"

#include <gtest/gtest.h>

namespace mimus {
namespace {

TEST(Ulid, SpellsAndParses) {
  const struct {
    const char* name;
    const char* text;
  } cases[] = {
      {"lowest", "00000000000000000000000000"},
      {"highest", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"},
      {"the example of the specification", "01ARZ3NDEKTSV4RRFFQ69G5FAV"},
      {"every digit", "0123456789ABCDEFGHJKMNPQRS"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const auto parsed = Ulid::parse(c.text);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->text(), c.text);
  }
}

TEST(Ulid, ReadsTheTimeOfTheSpecificationsExample) {
  EXPECT_EQ(Ulid::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV")->wall_ms(), 1469922850259);
}

TEST(Ulid, ParsesLowerCase) {
  EXPECT_EQ(Ulid::parse("01arz3ndektsv4rrffq69g5fav")->text(), "01ARZ3NDEKTSV4RRFFQ69G5FAV");
}

TEST(Ulid, RefusesWhatIsNone) {
  const struct {
    const char* name;
    std::string text;
  } cases[] = {
      {"empty", ""},
      {"one short", "01ARZ3NDEKTSV4RRFFQ69G5FA"},
      {"one long", "01ARZ3NDEKTSV4RRFFQ69G5FAVV"},
      {"more than 128 bits", "8ZZZZZZZZZZZZZZZZZZZZZZZZZ"},
      {"a letter outside the alphabet", "01ARZ3NDEKTSV4RRFFQ69G5FAU"},
      {"a hyphen", "01ARZ3NDEKTSV4RRFFQ69G5FA-"},
      {"a NUL", std::string("01ARZ3NDEKTSV4RRFFQ69G5FA\0", 26)},
      {"a first digit that is none", "-1ARZ3NDEKTSV4RRFFQ69G5FAV"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_FALSE(Ulid::parse(c.text));
  }
}

TEST(UlidSource, RisesAlsoWhenTheClockStandsOrGoesBack) {
  UlidSource source(7);
  Ulid last;
  for (int i = 0; i < 3000; ++i) {
    const std::int64_t wall_us = 1'000'000'000'000 + (i < 1000 ? i * 1000 : i < 2000 ? 1'000'000 : 0);
    const Ulid next = source.next(wall_us);
    ASSERT_LT(last, next) << i;
    last = next;
  }
}

TEST(UlidSource, TakesTheTimeOfTheClock) {
  UlidSource source(7);
  EXPECT_EQ(source.next(1'469'922'850'259'999).wall_ms(), 1'469'922'850'259);
}

TEST(UlidSource, IdsOfSeveralSourcesComeInTheOrderOfMicroseconds) {
  UlidSource sources[] = {UlidSource(1), UlidSource(2), UlidSource(3)};
  Ulid last;
  for (std::int64_t wall_us = 1'469'922'850'000'000; wall_us < 1'469'922'850'003'000; ++wall_us) {
    const Ulid next = sources[wall_us % 3].next(wall_us);
    ASSERT_LT(last, next) << wall_us;
    ASSERT_EQ(next.wall_ms(), wall_us / 1000);
    last = next;
  }
}

TEST(UlidSource, SourcesDifferInTheSameMillisecond) {
  UlidSource a(1);
  UlidSource b(2);
  EXPECT_NE(a.next(5'000), b.next(5'000));
}

}  // namespace
}  // namespace mimus
