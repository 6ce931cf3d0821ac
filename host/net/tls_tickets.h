// The keys of session tickets: made, used by all workers, and forgotten.
#pragma once

#include <array>
#include <chrono>
#include <deque>
#include <mutex>
#include <optional>

#include "mimus/clock.h"

struct ssl_ctx_st;

namespace mimus {

/// How long a ticket is good, and how often its key changes.
constexpr std::chrono::seconds ticket_lifetime = std::chrono::hours(2);
constexpr std::chrono::seconds ticket_key_period = std::chrono::hours(1);

struct TicketKey {
  std::array<unsigned char, 16> name;
  std::array<unsigned char, 32> cipher, mac;
};

/// A key seals tickets for one period and opens them as long as one may live. Thread-safe.
class TicketKeys {
 public:
  explicit TicketKeys(const Clock& clock) : clock_(clock) {}
  ~TicketKeys();

  /// The one to seal with. Nothing: the system has no randomness.
  std::optional<TicketKey> current();

  struct Found {
    TicketKey key;
    bool renew;  ///< It is not the current one: give the client a new ticket.
  };
  std::optional<Found> find(const unsigned char* name);  ///< 16 bytes.

  /// Makes the context seal and open its tickets here. This must outlive its sessions.
  void serve(ssl_ctx_st* context);

 private:
  struct Dated {
    TicketKey key;
    std::chrono::microseconds made;
  };
  void forget_old(std::chrono::microseconds now);

  const Clock& clock_;
  std::mutex mutex_;
  std::deque<Dated> keys_;  // The newest first; as many as a ticket's life has periods, and one or two.
};

}  // namespace mimus
