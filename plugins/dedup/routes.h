// The admin routes of dedup: its statistics, and emptying it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "mimus/plugin.hpp"
#include "plugins/dedup/ledger.h"

namespace mimus::dedup {

/// Made for one request; borrows all it is given.
struct Routes {
  Ledger& ledger;
  std::uint64_t ttl_seconds;
  std::int64_t now_us;
  std::function<void(std::string_view endpoint_id)> empty;  ///< "" is all.

  void answer(const AdminRequest& request, AdminReply& reply) const;

 private:
  std::string statistics() const;
  void remove(std::string_view query, AdminReply& reply) const;
};

}  // namespace mimus::dedup
