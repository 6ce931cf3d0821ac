// Who may connect: open connections, counted over all workers.
#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "host/net/server.h"

namespace mimus {

/// Thread-safe.
class ConnectionCount {
 public:
  /// One connection is counted as long as it holds this, wherever it moves.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept;
    Place& operator=(Place&&) = delete;
    ~Place();

   private:
    friend class ConnectionCount;
    ConnectionCount* count_ = nullptr;
    const std::string* client_ip_ = nullptr;  // The key in per_ip_; nullptr: not counted there.
  };

  /// `limits` must outlive it, and it all places.
  explicit ConnectionCount(const Limits& limits) : limits_(limits) {}

  /// Nothing: it may stay, and `place`, which was empty, is its. Throws for want of memory only.
  std::optional<TurnedAway> enter(const std::string& client_ip, Place& place);

  /// Blocks until there is no connection. REQUIRES: none enters any more.
  void await_none() const;

 private:
  void leave(const std::string* client_ip);

  const Limits& limits_;
  std::atomic<std::size_t> connections_{0};
  std::mutex mutex_;
  std::map<std::string, std::size_t> per_ip_;  // Empty unless there is a limit for each address.
};

}  // namespace mimus
