#include "host/channel/throttle.h"

#include <algorithm>

namespace mimus {
namespace {
constexpr std::chrono::milliseconds pause{100};
}

Throttle::Throttle(Takeover::Wire& wire, std::uint64_t bytes_per_second, std::size_t max_waiting)
    : wire_(wire), rate_(bytes_per_second), max_waiting_(max_waiting) {
  tick_.throttle = this;
  tick_.fire = [](Timer& timer) { static_cast<Tick&>(timer).throttle->tick(); };
}

Throttle::~Throttle() {
  if (tick_.armed()) wire_.loop().disarm(tick_);
}

bool Throttle::write(std::string_view data) {
  if (waiting_.size() + data.size() > max_waiting_) return false;
  waiting_ += data;
  if (!tick_.armed()) wire_.loop().arm(tick_, pause);
  return true;
}

void Throttle::close_after_write() {
  closing_ = true;
  if (!tick_.armed()) wire_.loop().arm(tick_, pause);
}

void Throttle::tick() {
  const std::size_t all = waiting_.size();
  const std::size_t now =
      rate_ == 0 ? all : std::min<std::size_t>(all, std::max<std::uint64_t>(rate_ / 10, 1));
  if (now > 0 && !wire_.write(std::string_view(waiting_).substr(0, now))) return;
  waiting_.erase(0, now);
  if (!waiting_.empty()) return wire_.loop().arm(tick_, pause);
  if (closing_) wire_.close_after_write();
}

}  // namespace mimus
