// Whether a new version of a plugin serves as well as the one before. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "host/plugin/traffic.h"

namespace mimus {

enum class Ruling : std::uint8_t { wait, accept, reject };
struct Judgement {
  Ruling ruling = Ruling::wait;
  std::string why = {};  ///< Of a rejection: "3 of 40 requests failed in it".
};

/// What is known of a new version and of what it is compared with.
struct Evidence {
  TrafficSum before;                           ///< What the version before answered.
  TrafficSum since;                            ///< What the new one did.
  std::uint64_t failures = 0;                  ///< Requests that the new one's fail policy had to decide.
  std::chrono::microseconds age{0}, trial{0};  ///< How long it serves, and how long it is watched.
  std::uint64_t least = 0;                     ///< Requests without which it is not accepted (a canary's).
};

/// Rejects at once what fails (five requests or more, and more than 5 % of all), answers 5xx
/// more than twice as often as the version before and by 5 % of all, or whose p90 is above 4 ms
/// and four times that of the version before, unless as much as half of what is that late was so
/// before, too; the last two from 50 requests on, and where the version before answered 50, for
/// mocks may be made to answer 5xx (5xx of a canary are compared with however few there are).
/// Accepts when the trial is over. A comparison of buckets that double: half of these factors goes
/// unnoticed.
Judgement judge(const Evidence& evidence);

/// The bucket in which the 90th percentile lies.
std::size_t p90_bucket(const TrafficSum& sum);

}  // namespace mimus
