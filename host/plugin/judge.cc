#include "host/plugin/judge.h"

#include <algorithm>

namespace mimus {
namespace {

constexpr std::uint64_t least_failures = 5, least_compared = 50;
constexpr std::size_t slow_bucket = 12;  // 4 ms

std::string of_all(std::uint64_t part, std::uint64_t all, const char* what) {
  return std::to_string(part) + " of " + std::to_string(all) + " requests " + what;
}

double share(std::uint64_t part, std::uint64_t all) {
  return all == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(all);
}

/// The share that took as long as what is in `bucket`, or longer.
double share_from(const TrafficSum& sum, std::size_t bucket) {
  std::uint64_t all = 0, part = 0;
  for (std::size_t i = 0; i < TrafficSum::buckets; ++i) {
    all += sum.micros[i];
    if (i >= bucket) part += sum.micros[i];
  }
  return share(part, all);
}

}  // namespace

std::size_t p90_bucket(const TrafficSum& sum) {
  std::uint64_t all = 0;
  for (const std::uint64_t count : sum.micros) all += count;
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < TrafficSum::buckets; ++i) {
    below += sum.micros[i];
    if (below * 10 >= all * 9) return i;
  }
  return TrafficSum::buckets - 1;
}

Judgement judge(const Evidence& e) {
  if (e.failures >= least_failures && e.failures * 20 > e.since.requests)
    return {Ruling::reject, of_all(e.failures, e.since.requests, "failed in it")};
  if (e.since.requests >= least_compared) {
    const double before = share(e.before.errors, e.before.requests);
    const double since = share(e.since.errors, e.since.requests);
    // Mocks may be made to answer 5xx. A canary's requests are of the same kind as those beside it.
    const bool comparable = e.least > 0 || e.before.requests >= least_compared;
    if (comparable && since > 2 * before && since > before + 0.05)
      return {Ruling::reject, of_all(e.since.errors, e.since.requests, "were answered with 5xx")};
    const std::size_t fast = p90_bucket(e.before), slow = p90_bucket(e.since);
    const std::size_t late = std::max(slow_bucket + 1, fast + 2);
    // Where about a tenth was late before, two samples of the same lie on both sides of it by chance.
    if (e.before.requests >= least_compared && slow >= late &&
        share_from(e.since, late) > 2 * share_from(e.before, late) + 0.05)
      return {Ruling::reject, "a tenth of the requests took at least " +
                                  std::to_string((std::uint64_t{1} << (slow - 1)) / 1000) +
                                  " ms, before it less than " +
                                  std::to_string((std::uint64_t{1} << fast) / 1000 + 1) + " ms"};
  }
  if (e.age >= e.trial && e.since.requests >= e.least) return {Ruling::accept};
  return {};
}

}  // namespace mimus
