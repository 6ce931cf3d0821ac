#include "host/cli/restart_policy.h"

#include <algorithm>

namespace mimus {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds calm{60};
constexpr milliseconds first_wait{100};
constexpr seconds longest_wait{10};
constexpr seconds unexplained_window{60};
constexpr std::size_t unexplained_limit = 3;

}  // namespace

RestartPolicy::Decision RestartPolicy::after(const ServerEnd& end) {
  Decision out;
  if (end.ended - end.started >= calm) next_wait_ = {};
  if (!end.mended) {
    out.wait = next_wait_;
    next_wait_ = std::clamp<std::chrono::microseconds>(next_wait_ * 2, first_wait, longest_wait);
  }
  if (!end.blamed) {
    unexplained_.push_back(end.ended);
    if (unexplained_.size() > unexplained_limit) unexplained_.pop_front();
    out.safe_mode = unexplained_.size() == unexplained_limit &&
                    unexplained_.back() - unexplained_.front() <= unexplained_window;
  }
  const bool failed_to_start = !end.was_ready && !end.blamed;
  out.again = !(failed_to_start && failed_to_start_);
  failed_to_start_ = failed_to_start;
  return out;
}

}  // namespace mimus
