// Every example can be swapped under load and leaves nothing mapped; and the fixture can tell.
#include "mimus/testing/swap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mimus::testing {
namespace {

using ::testing::HasSubstr;

// Libraries are kept there, and mapping one is slow.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr unsigned swaps = 4;
#else
constexpr unsigned swaps = 30;
#endif

TEST(SwapUnderLoad, TheExamplesAreUnmapped) {
  const struct {
    const char* file;
    SwapPlan plan;
  } rows[] = {
      {HEADER_REWRITE, {.swaps = swaps, .definition = {.config = R"({"setResponse":"X: 1"})"}}},
      {RATE_LIMIT, {.swaps = swaps, .definition = {.config = R"({"perMinute":1000000})"}}},
      {TOKEN_CHECK, {.swaps = swaps, .definition = {.config = R"({"url":"http://auth.test/"})"}}},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.file);
    if (*row.file == '\0') continue;  // there is no rustc here
    const Swaps done = swap_under_load(row.file, row.plan);
    EXPECT_EQ(done.wrong, "");
    EXPECT_EQ(done.swaps, swaps);
    EXPECT_GE(done.requests, swaps);
    if (done.checked) {
      EXPECT_EQ(done.unmapped, swaps);
    }
  }
}

TEST(SwapUnderLoad, TellsWhatIsWrong) {
  EXPECT_THAT(swap_under_load("/nowhere.so").wrong, HasSubstr("cannot copy"));
  SwapPlan picky{.swaps = swaps, .definition = {.config = R"({"setResponse":"X: 1"})"}};
  picky.judge = [](const Exchange& x) {
    return x.answer.header("X") == "2" ? std::string() : std::string("X is not 2");
  };
  EXPECT_EQ(swap_under_load(HEADER_REWRITE, picky).wrong, "X is not 2");
  EXPECT_THAT(swap_under_load(THROWER, {.setup = {.options = {{"thrower-lifecycle", "\"refuse\""}}}}).wrong,
              HasSubstr("refused on purpose"));
}

}  // namespace
}  // namespace mimus::testing
