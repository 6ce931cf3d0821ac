// Idle connections in one short list, ordered by age.
#include "host/upstream/pool.h"

#include <algorithm>
#include <utility>

namespace mimus {
namespace {

constexpr std::size_t max_idle = 256;
constexpr std::ptrdiff_t max_idle_per_origin = 32;
constexpr std::chrono::milliseconds max_age{30'000};

}  // namespace

Pool::Idle::Idle(Pool& owner, std::string name, std::unique_ptr<Wire> open)
    : pool(owner), origin(std::move(name)), wire(std::move(open)), since(owner.loop_.now()) {
  wire->listen(*this);
  wire->want(true, false);
}

Pool::Pool(Loop& loop) : loop_(loop) {
  Timer::fire = [](Timer& timer) { static_cast<Pool&>(timer).expire(); };
}

Pool::~Pool() { loop_.disarm(*this); }

std::unique_ptr<Wire> Pool::take(std::string_view origin, bool checked, Wire::Listener& listener) {
  for (auto at = idle_.begin(); at != idle_.end();) {
    if (at->origin != origin) {
      ++at;
      continue;
    }
    std::unique_ptr<Wire> wire = std::move(at->wire);
    at = idle_.erase(at);
    if (checked && wire->looks_dead()) continue;
    wire->listen(listener);
    return wire;
  }
  return nullptr;
}

void Pool::put(std::string origin, std::unique_ptr<Wire> wire) {
  const auto same = [&](const Idle& idle) { return idle.origin == origin; };
  if (std::count_if(idle_.begin(), idle_.end(), same) >= max_idle_per_origin) {
    idle_.erase(std::prev(std::find_if(idle_.rbegin(), idle_.rend(), same).base()));
  } else if (idle_.size() >= max_idle) {
    idle_.pop_back();
  }
  idle_.emplace_front(*this, std::move(origin), std::move(wire));
  if (!armed()) loop_.arm(*this, max_age);
}

void Pool::drop(const Idle& idle) {
  idle_.remove_if([&](const Idle& each) { return &each == &idle; });
}

void Pool::expire() {
  const auto now = loop_.now();
  while (!idle_.empty() && idle_.back().since + max_age <= now) idle_.pop_back();
  if (idle_.empty()) return;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(idle_.back().since + max_age - now);
  loop_.arm(*this, left);
}

}  // namespace mimus
