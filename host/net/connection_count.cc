// Counting in, counting out.
#include "host/net/connection_count.h"

#include <utility>

namespace mimus {

ConnectionCount::Place::Place(Place&& other) noexcept
    : count_(std::exchange(other.count_, nullptr)), client_ip_(other.client_ip_) {}

ConnectionCount::Place::~Place() {
  if (count_ != nullptr) count_->leave(client_ip_);
}

std::optional<TurnedAway> ConnectionCount::enter(const std::string& client_ip, Place& place) {
  if (connections_.fetch_add(1, std::memory_order_relaxed) >= limits_.max_connections) {
    leave(nullptr);
    return TurnedAway::max_connections;
  }
  place.count_ = this;
  if (limits_.max_connections_per_ip == 0 || client_ip.empty()) return std::nullopt;
  {
    const std::lock_guard lock(mutex_);
    const auto of_ip = per_ip_.try_emplace(client_ip).first;
    if (of_ip->second < limits_.max_connections_per_ip) {
      ++of_ip->second;
      place.client_ip_ = &of_ip->first;
      return std::nullopt;
    }
  }
  place.count_ = nullptr;
  leave(nullptr);
  return TurnedAway::max_connections_per_ip;
}

void ConnectionCount::leave(const std::string* client_ip) {
  if (client_ip != nullptr) {
    const std::lock_guard lock(mutex_);
    const auto of_ip = per_ip_.find(*client_ip);
    if (--of_ip->second == 0) per_ip_.erase(of_ip);
  }
  if (connections_.fetch_sub(1, std::memory_order_acq_rel) == 1) connections_.notify_all();
}

void ConnectionCount::await_none() const {
  for (std::size_t open = connections_.load(); open != 0; open = connections_.load()) connections_.wait(open);
}

}  // namespace mimus
