// Verdicts on new versions of a plugin.
#include "host/plugin/judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mimus {
namespace {

using ::testing::HasSubstr;

/// `slow` of the requests took 16 ms, the others a quarter of one.
TrafficSum answered(std::uint64_t requests, std::uint64_t errors = 0, std::uint64_t slow = 0) {
  TrafficSum out;
  out.requests = requests;
  out.errors = errors;
  out.micros[9] = requests - slow;
  out.micros[15] = slow;
  return out;
}

TEST(Judge, RulesByWhatWasAnswered) {
  using std::chrono::seconds;
  const TrafficSum calm = answered(1000);
  const struct {
    const char* name;
    TrafficSum before, since;
    std::uint64_t failures;
    seconds age;
    std::uint64_t least;
    Ruling ruling;
    const char* why;
  } rows[] = {
      {"the trial runs", calm, calm, 0, seconds(59), 0, Ruling::wait, ""},
      {"the trial is over", calm, calm, 0, seconds(60), 0, Ruling::accept, ""},
      {"over without a request", calm, answered(0), 0, seconds(60), 0, Ruling::accept, ""},
      {"a canary with too few requests waits", calm, answered(49), 0, seconds(600), 50, Ruling::wait, ""},
      {"a canary with enough", calm, answered(50), 0, seconds(60), 50, Ruling::accept, ""},
      {"four failures may be chance", calm, answered(4), 4, seconds(1), 0, Ruling::wait, ""},
      {"five of few", calm, answered(5), 5, seconds(1), 0, Ruling::reject, "5 of 5 requests failed in it"},
      {"five of a hundred is one in twenty", calm, answered(100), 5, seconds(1), 0, Ruling::wait, ""},
      {"six of a hundred", calm, answered(100), 6, seconds(1), 0, Ruling::reject, "6 of 100"},
      {"failures come before the end of the trial", calm, answered(5), 5, seconds(60), 0, Ruling::reject,
       "failed in it"},
      {"5xx of 49 are not compared", calm, answered(49, 49), 0, seconds(1), 0, Ruling::wait, ""},
      {"5xx of 50", calm, answered(50, 10), 0, seconds(1), 0, Ruling::reject,
       "10 of 50 requests were answered with 5xx"},
      {"5xx, but nothing to compare with", answered(49), answered(100, 100), 0, seconds(1), 0, Ruling::wait,
       ""},
      {"5xx of a canary, beside few", answered(5), answered(50, 10), 0, seconds(1), 50, Ruling::reject,
       "10 of 50"},
      {"as many 5xx as before", answered(1000, 200), answered(100, 25), 0, seconds(1), 0, Ruling::wait, ""},
      {"thrice as many 5xx of few", answered(1000, 10), answered(100, 4), 0, seconds(1), 0, Ruling::wait, ""},
      {"thrice as many 5xx of many", answered(1000, 100), answered(100, 30), 0, seconds(1), 0, Ruling::reject,
       "30 of 100"},
      {"slow now", calm, answered(100, 0, 20), 0, seconds(1), 0, Ruling::reject, "took at least 16 ms"},
      {"a twentieth is slow", calm, answered(100, 0, 5), 0, seconds(1), 0, Ruling::wait, ""},
      {"slow as often as before, by chance", answered(400, 0, 36), answered(50, 0, 8), 0, seconds(1), 0,
       Ruling::wait, ""},
      {"slow far more often than before", answered(400, 0, 36), answered(50, 0, 20), 0, seconds(1), 0,
       Ruling::reject, "took at least 16 ms"},
      {"slow before, too", answered(100, 0, 50), answered(100, 0, 50), 0, seconds(1), 0, Ruling::wait, ""},
      {"slow, but nothing to compare with", answered(10), answered(100, 0, 50), 0, seconds(1), 0,
       Ruling::wait, ""},
  };
  for (const auto& row : rows) {
    Evidence evidence;
    evidence.before = row.before;
    evidence.since = row.since;
    evidence.failures = row.failures;
    evidence.age = row.age;
    evidence.trial = seconds(60);
    evidence.least = row.least;
    const Judgement got = judge(evidence);
    EXPECT_EQ(got.ruling, row.ruling) << row.name << ": " << got.why;
    EXPECT_THAT(got.why, HasSubstr(row.why)) << row.name;
  }
}

TEST(Judge, FourTimesAFewMicrosecondsAreNotSlow) {
  Evidence evidence;
  evidence.before.requests = evidence.since.requests = 100;
  evidence.before.micros[5] = 100;
  evidence.since.micros[12] = 100;  // up to 4 ms
  EXPECT_EQ(judge(evidence).ruling, Ruling::accept);
  evidence.since = {};
  evidence.since.requests = evidence.since.micros[13] = 100;
  EXPECT_EQ(judge(evidence).ruling, Ruling::reject);
}

TEST(Judge, FindsThePercentilesBucket) {
  EXPECT_EQ(p90_bucket(answered(10, 0, 1)), 9u);
  EXPECT_EQ(p90_bucket(answered(10, 0, 2)), 15u);
  EXPECT_EQ(p90_bucket({}), 0u);
}

}  // namespace
}  // namespace mimus
