#include "host/app/attempt_book.h"

namespace mimus {
namespace {

constexpr std::chrono::minutes span{1};

}  // namespace

std::chrono::milliseconds AttemptBook::enter(const Ulid& endpoint, const std::string& address,
                                             std::uint64_t limit, std::chrono::milliseconds now) {
  Key key{endpoint, address};
  const std::lock_guard lock(mutex_);
  while (!minutes_.empty() && minutes_.front().begin + span <= now) {
    known_.erase(minutes_.front().key);
    minutes_.pop_front();
  }
  const auto known = known_.find(key);
  if (known != known_.end()) {
    Minute& minute = *known->second;
    if (minute.attempts >= limit) return minute.begin + span - now;
    ++minute.attempts;
    return {};
  }
  if (minutes_.size() >= max_entries_) {
    known_.erase(minutes_.front().key);
    minutes_.pop_front();
  }
  minutes_.push_back({key, now, 1});
  known_.emplace(std::move(key), std::prev(minutes_.end()));
  return {};
}

std::size_t AttemptBook::size() const {
  const std::lock_guard lock(mutex_);
  return minutes_.size();
}

}  // namespace mimus
