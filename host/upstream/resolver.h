// Names to addresses: c-ares, driven by a loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "host/net/loop.h"
#include "host/upstream/address.h"

namespace mimus {

/// Not thread-safe. Looks in /etc/hosts, then asks the servers of resolv.conf, which is read
/// again when it has changed. Lookups of one name at one time share a query.
class Resolver {
 public:
  struct Answer {
    std::uint64_t id = 0;              ///< As given to `look_up`.
    std::vector<Address> addresses;    ///< In the order to try. Empty: `why`.
    std::string why;
  };

  /// `on_answers` says that `take` has something; it is called from within look_up or from
  /// the loop, and must only take note. `loop` must outlive the resolver.
  Resolver(Loop& loop, std::function<void()> on_answers, std::string resolv_conf = "/etc/resolv.conf");
  ~Resolver();  ///< What is still looked up gets no answer.
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// One answer for `id` follows, at most 1,000 names being asked for at a time.
  void look_up(std::uint64_t id, const std::string& name);
  std::vector<Answer> take();  ///< The answers since the last call.

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mimus
