// Who waits for whom.
#include "plugins/dedup/flights.h"

#include <gtest/gtest.h>

namespace mimus::dedup {
namespace {

struct FlightsOfOneKey : ::testing::Test {
  std::string landed() {
    std::string out;
    flights.land(Digest{}, [&](Passage& p) {
      out += static_cast<char>('a' + (&p - waiting));
      p.after = nullptr;
    });
    return out;
  }
  void SetUp() override { flights.begin(Digest{}); }
  Flights flights;
  Passage waiting[4];
};

TEST_F(FlightsOfOneKey, WakeInTheOrderTheyCame) {
  for (Passage& p : waiting) flights.join(p);
  EXPECT_EQ(landed(), "abcd");
  EXPECT_FALSE(flights.has(Digest{}));
  EXPECT_EQ(landed(), "");
}

TEST_F(FlightsOfOneKey, LetAnyoneLeave) {
  const struct {
    const char* name;
    std::vector<int> leave;
    const char* want;
  } cases[] = {
      {"the first", {0}, "bcd"},
      {"the last", {3}, "abc"},
      {"in the middle", {1, 2}, "ad"},
      {"all", {0, 1, 2, 3}, ""},
      {"all, backwards", {3, 2, 1, 0}, ""},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    if (!flights.has(Digest{})) flights.begin(Digest{});
    for (Passage& p : waiting) flights.join(p);
    for (const int i : c.leave) flights.leave(waiting[i]);
    EXPECT_EQ(landed(), c.want);
  }
}

TEST_F(FlightsOfOneKey, MayBeginAnewWhileTheyWake) {
  flights.join(waiting[0]);
  flights.join(waiting[1]);
  flights.land(Digest{}, [&](Passage& p) {
    if (!flights.has(p.key)) return flights.begin(p.key);
    flights.join(p);
  });
  EXPECT_EQ(landed(), "b");
}

}  // namespace
}  // namespace mimus::dedup
